//! Java and Maven, for servers in Java.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::super::StartError;
use super::{ASK, Tool, failed, install, missing, run};

/// A server that Maven downloads, and a source file of this project that Java compiles whenever it starts it.
pub(super) struct Java {
    /// The oldest Java that runs it.
    pub(super) oldest: u32,
    /// For the virtual machine.
    pub(super) arguments: &'static [&'static str],
    /// What is run after the download, one after the other: the source file and its arguments.
    pub(super) steps: &'static [[&'static str; 2]],
}

/// From an empty cache, on a machine that is busy compiling.
const DOWNLOAD: Duration = Duration::from_secs(600);
const STEP: Duration = Duration::from_secs(600);
const MAVEN: &str = if cfg!(windows) { "mvn.cmd" } else { "mvn" };
/// Maven copies the artifacts to this folder.
const ARTIFACTS: &str = "lib";
/// The artifacts that belong there, as `sha256sum` prints them.
const CHECKSUMS: &str = "checksums.txt";
/// Pinned like the artifacts, because a plugin of another version could resolve others.
const COPY: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";
/// The words of Maven and Java for a repository that could not be reached.
const OFFLINE: [&str; 7] = [
    "Unknown host",
    "Connection refused",
    "Network is unreachable",
    "No route to host",
    "onnect timed out",
    "name resolution",
    "in offline mode",
];

impl Java {
    fn java(&self, folder: &Path) -> Command {
        let mut java = Command::new(self.program(folder));
        java.args(self.arguments).current_dir(folder);
        java
    }
}

impl Tool for Java {
    /// The artifacts are the same everywhere. What the steps make of them depends on the version.
    fn found(&self) -> Result<String, StartError> {
        let answer = run(Command::new("java").arg("--version"), ASK)
            .map_err(|e| missing(format!("no Java (`java --version`: {e})")))?;
        let line = answer.out.lines().next().unwrap_or_default().to_owned();
        let major = line.split([' ', '.', '-', '+']).nth(1).and_then(|number| number.parse::<u32>().ok());
        if !answer.success || major.is_none_or(|major| major < self.oldest) {
            return Err(missing(format!(
                "Java {} or later is needed, and `java --version` says {line:?}",
                self.oldest
            )));
        }
        let modules = run(Command::new("java").arg("--list-modules"), ASK)
            .map_err(|e| missing(format!("`java --list-modules`: {e}")))?;
        if !modules.out.contains("jdk.compiler") {
            return Err(missing("this Java has no compiler: a JDK is needed"));
        }
        Ok(line)
    }

    fn install(&self, fresh: &Path) -> Result<(), StartError> {
        let mut maven = Command::new(MAVEN);
        // With strict checksums, a file that is not what the repository says about it is refused at once.
        maven
            .args(["--batch-mode", "--no-transfer-progress", "--strict-checksums", COPY])
            .arg(format!("-DoutputDirectory={ARTIFACTS}"))
            .current_dir(fresh);
        install("mvn", &mut maven, DOWNLOAD, &OFFLINE)?;
        check(fresh)?;
        for step in self.steps {
            install("java", self.java(fresh).args(step), STEP, &[])?;
        }
        Ok(())
    }

    fn program(&self, _folder: &Path) -> PathBuf {
        "java".into()
    }

    fn arguments(&self) -> &'static [&'static str] {
        self.arguments
    }
}

/// Maven has no lock file, and versions say nothing about content: the folder must hold these files and no others.
fn check(fresh: &Path) -> Result<(), StartError> {
    let list = fs::read_to_string(fresh.join(CHECKSUMS)).map_err(failed("the checksums cannot be read"))?;
    let lines = list.lines().filter_map(|line| line.split_once("  "));
    let wanted: BTreeMap<String, String> = lines.map(|(sum, name)| (name.to_owned(), sum.to_owned())).collect();
    let there = checksums(&fresh.join(ARTIFACTS)).map_err(failed("the artifacts cannot be read"))?;
    if wanted == there {
        return Ok(());
    }
    let differ =
        there.iter().filter(|(name, sum)| wanted.get(*name) != Some(*sum)).map(|(name, sum)| format!("{sum}  {name}"));
    let absent = wanted.keys().filter(|name| !there.contains_key(*name)).map(|name| format!("no {name}"));
    let lines: Vec<_> = differ.chain(absent).collect();
    Err(StartError::Failed(format!("the artifacts are not those of {CHECKSUMS}:\n{}", lines.join("\n"))))
}

fn checksums(folder: &Path) -> io::Result<BTreeMap<String, String>> {
    let mut sums = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let sum = Sha256::digest(fs::read(entry.path())?).iter().map(|byte| format!("{byte:02x}")).collect();
        sums.insert(entry.file_name().to_string_lossy().into_owned(), sum);
    }
    Ok(sums)
}
