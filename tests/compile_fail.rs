//! What the compiler must refuse: each guarantee is a program that does not compile, with the message that it gets.
//!
//! Messages change from compiler to compiler, so they are pinned to one. On others the cases are not compared, and the
//! test says so: it is listed as ignored, with the reason. (libtest cannot decide that at run time; libtest-mimic can.)

use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Failed, Trial};

/// The compiler whose messages the `.stderr` files hold.
const PINNED: &str = "rustc 1.95.0";

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let compiler = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())).arg("--version").output();
    let compiler = compiler.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default();
    let pinned = compiler.starts_with(PINNED);
    let kind = if pinned { String::new() } else { format!("messages are pinned to {PINNED}, this is {compiler}") };
    let trial = Trial::test("the compiler refuses every misuse", refuse_every_misuse)
        .with_ignored_flag(!pinned)
        .with_kind(kind);
    libtest_mimic::run(&arguments, vec![trial]).exit_code()
}

fn refuse_every_misuse() -> Result<(), Failed> {
    let cases = trybuild::TestCases::new();
    // If this one does not compile, the others fail for the wrong reason.
    cases.pass("compile_fail/control.rs");
    cases.compile_fail("compile_fail/refused/*.rs");
    // The outcome comes when the cases are dropped: trybuild panics if one is not as it should be.
    Ok(())
}
