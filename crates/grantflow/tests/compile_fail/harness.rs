//! What the compiler must refuse: each guarantee is a small program that does not compile, named by what it tries.
//!
//! It is checked twice. The codes of rustc's errors stay the same from version to version, so on every toolchain each
//! line that ends in `//~ E0382` must be refused with that code, and no other line may be (`//~^` means the line
//! above). The messages, which a user reads, change; they are compared word for word on the one toolchain that they are
//! pinned to. On others that comparison reports that it was skipped, and counts as ignored, never as passed.
//!
//! `TRYBUILD=overwrite cargo test -p grantflow-compile-fail` writes the messages again.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "the core's bans are the core's")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;

/// The compiler whose messages the `.stderr` files hold.
const PINNED: &str = "1.95.0";

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Two trials run cargo: in parallel they would only take the cores from each other.
    arguments.test_threads = Some(1);
    let version = rustc_version();
    let pinned = version.split(' ').nth(1) == Some(PINNED);
    if !pinned && !arguments.list {
        println!("compile-fail: skipped, messages are pinned to rustc {PINNED}, this is {version}");
    }
    let kind = if pinned { String::new() } else { format!("pinned to rustc {PINNED}, this is {version}") };
    let trials = vec![
        Trial::test("a case is judged by line and code", judge_made_up_cases),
        Trial::test("every misuse is refused where it says", refuse_where_it_says),
        Trial::test("every misuse is refused in these words", refuse_in_these_words)
            .with_ignored_flag(!pinned)
            .with_kind(kind),
        Trial::test("the words name no machine", name_no_machine),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// The output of `rustc --version`. Without a compiler there is nothing to test: that is not a reason to skip.
fn rustc_version() -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output().unwrap();
    assert!(output.status.success(), "rustc --version: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn refuse_in_these_words() -> Result<(), Failed> {
    let cases = trybuild::TestCases::new();
    // If this one does not compile, the others fail for the wrong reason.
    cases.pass("control.rs");
    cases.compile_fail("refused/*.rs");
    // The result comes when the cases are dropped: trybuild panics if one is wrong.
    Ok(())
}

fn refuse_where_it_says() -> Result<(), Failed> {
    let sources = sources();
    let compiled = compile(&sources)?;
    let mut wrong = String::new();
    for (name, source) in &sources {
        let errors = compiled.errors.get(name).cloned().unwrap_or_default();
        let text = fs::read_to_string(source)?;
        let complaints = if name == CONTROL {
            let went_through = errors.is_empty() && compiled.finished.contains(name);
            if went_through { Vec::new() } else { vec![format!("does not compile: {errors:?}")] }
        } else {
            judge(&text, &errors)
        };
        for complaint in complaints {
            writeln!(wrong, "{name}: {complaint}")?;
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.into()) }
}

/// The case that compiles: if it does not, the others fail for the wrong reason.
const CONTROL: &str = "control";

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The workspace's folder.
fn root() -> PathBuf {
    folder().ancestors().nth(4).unwrap().to_path_buf()
}

/// The cases by name, including the control.
fn sources() -> BTreeMap<String, PathBuf> {
    let refused = fs::read_dir(folder().join("refused")).unwrap().map(|entry| entry.unwrap().path());
    refused
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .chain([folder().join("control.rs")])
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), path))
        .collect()
}

/// A line, and the code of an error there. An error without a code, for example of syntax, has an empty one.
type Spot = (usize, String);

#[derive(Default)]
struct Compiled {
    errors: BTreeMap<String, BTreeSet<Spot>>,
    finished: BTreeSet<String>,
}

/// Compiles every case as a program of a temporary package, and collects cargo's reports.
fn compile(sources: &BTreeMap<String, PathBuf>) -> Result<Compiled, Failed> {
    let root = root();
    let package = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compile_fail");
    fs::create_dir_all(&package)?;
    fs::write(package.join("Cargo.toml"), manifest(&root, sources)?)?;
    // The workspace's versions, which are here already, so the network is not used.
    fs::copy(root.join("Cargo.lock"), package.join("Cargo.lock"))?;
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["check", "--quiet", "--bins", "--keep-going", "--offline", "--message-format=json"])
        .arg("--target-dir")
        .arg(package.join("target"))
        .current_dir(&package)
        .output()?;

    let mut compiled = Compiled::default();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let Ok(report) = serde_json::from_str::<Value>(line) else { continue };
        let target = report["target"]["name"].as_str().unwrap_or_default().to_owned();
        let is_case = report["target"]["kind"][0] == "bin";
        let message = &report["message"];
        match report["reason"].as_str() {
            Some("compiler-artifact") if is_case => {
                compiled.finished.insert(target);
            }
            Some("compiler-message") if message["level"] == "error" && is_case => {
                let code = message["code"]["code"].as_str().unwrap_or_default();
                let spans = message["spans"].as_array().into_iter().flatten();
                // The count of errors at the end has no place in the source.
                for span in spans.filter(|span| span["is_primary"] == true) {
                    let line = span["line_start"].as_u64().unwrap_or_default();
                    let spots = compiled.errors.entry(target.clone()).or_default();
                    spots.insert((usize::try_from(line)?, code.to_owned()));
                }
            }
            Some("compiler-message") if message["level"] == "error" => {
                return Err(format!("{target}, which the cases need, does not compile: {}", message["rendered"]).into());
            }
            _ => {}
        }
    }
    let reported = compiled.errors.len() + compiled.finished.len();
    let said = String::from_utf8_lossy(&output.stderr);
    if reported == 0 { Err(format!("cargo compiled no case: {said}").into()) } else { Ok(compiled) }
}

/// Only what the cases name, and ureq without TLS: it takes seconds to build, also the first time.
fn manifest(root: &Path, sources: &BTreeMap<String, PathBuf>) -> Result<String, Failed> {
    let path = |inside: &str| root.join("crates").join(inside).display().to_string();
    let mut manifest = format!(
        "[workspace]\n\n[package]\nname = \"grantflow-refusals\"\nedition = \"2024\"\n\n[dependencies]\n\
         grantflow = {{ path = {:?} }}\n\
         grantflow-mcp = {{ path = {:?} }}\n\
         grantflow-ureq = {{ path = {:?}, default-features = false }}\n\
         http = \"1\"\nserde = \"1\"\nserde_json = \"1\"\n",
        path("grantflow"),
        path("grantflow-mcp"),
        path("grantflow-ureq"),
    );
    for (name, source) in sources {
        write!(manifest, "\n[[bin]]\nname = {name:?}\npath = {:?}\n", source.display().to_string())?;
    }
    Ok(manifest)
}

/// What is wrong with the refusal of a case: a line that was accepted or refused for another reason, and a line that
/// was refused although the case does not say so.
fn judge(text: &str, errors: &BTreeSet<Spot>) -> Vec<String> {
    let mut expected: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    for (line, content) in (1..).zip(text.lines()) {
        let Some((_, codes)) = content.split_once("//~") else { continue };
        let (line, codes) = codes.strip_prefix('^').map_or((line, codes), |codes| (line - 1, codes));
        expected.entry(line).or_default().extend(codes.split_whitespace());
    }
    let mut complaints = Vec::new();
    if !text.starts_with("//! Refused: ") {
        complaints.push("does not open with what is refused".to_owned());
    }
    if expected.is_empty() {
        complaints.push("marks no line with //~".to_owned());
    }
    for (line, codes) in &expected {
        for code in codes {
            if !errors.contains(&(*line, (*code).to_owned())) {
                complaints.push(format!("line {line} was not refused with {code}; refused was {errors:?}"));
            }
        }
    }
    // One mistake may be reported in two ways, so a marked line may have more codes than it names.
    for (line, code) in errors.iter().filter(|(line, _)| !expected.contains_key(line)) {
        complaints.push(format!("line {line} was refused with {code}, and does not say so"));
    }
    complaints
}

fn judge_made_up_cases() -> Result<(), Failed> {
    let case = "//! Refused: this.\n\nfirst; //~ E0382\nsecond {\n    //~^ E0004\n}\n";
    let errors = |spots: &[(usize, &str)]| spots.iter().map(|(line, code)| (*line, (*code).to_owned())).collect();
    let complaints = |text: &str, spots: &[(usize, &str)]| judge(text, &errors(spots)).len();

    assert_eq!(complaints(case, &[(3, "E0382"), (4, "E0004")]), 0);
    assert_eq!(complaints(case, &[(3, "E0382"), (3, "E0308"), (4, "E0004")]), 0, "one mistake, two reports");
    assert_eq!(complaints(case, &[(3, "E0382")]), 1, "a line that compiles");
    assert_eq!(complaints(case, &[(3, "E0425"), (4, "E0004")]), 1, "another reason");
    assert_eq!(complaints(case, &[(3, "E0382"), (4, "E0004"), (1, "E0432")]), 1, "a line that ought to compile");
    assert_eq!(complaints(case, &[]), 2, "it compiles");
    assert_eq!(complaints("//! Refused: this.\nfirst;\n", &[]), 1, "nothing is marked");
    assert_eq!(complaints("first; //~ E0382\n", &[(1, "E0382")]), 1, "it does not say what is refused");
    Ok(())
}

/// The messages are the same on every machine, and each belongs to a case.
fn name_no_machine() -> Result<(), Failed> {
    let root = root().display().to_string();
    for entry in fs::read_dir(folder().join("refused"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            assert!(path.with_extension("stderr").exists(), "{}: it has no message", path.display());
            continue;
        }
        assert!(path.with_extension("rs").exists(), "{}: its case is gone", path.display());
        let text = fs::read_to_string(&path)?;
        assert!(!text.contains(&root), "{}: it names this folder", path.display());
        let places = text.lines().filter_map(|line| line.trim_start().split_once(' '));
        for (_, place) in places.filter(|(arrow, _)| ["-->", ":::"].contains(arrow)) {
            let relative = place.starts_with("refused/") || place.starts_with('$');
            assert!(relative, "{}: {place} is a place on one machine", path.display());
        }
    }
    Ok(())
}
