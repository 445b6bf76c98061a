//! The terminal output, the same in every example.

use std::error::Error;

use anstyle::{AnsiColor, Style};

const TITLE: Style = Style::new().bold();
const STATE: Style = AnsiColor::Cyan.on_default().bold();
const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const FAINT: Style = Style::new().dimmed();

pub(crate) fn title(text: &str, about: &str) {
    anstream::println!("{TITLE}{text}{TITLE:#}  {FAINT}{about}{FAINT:#}");
}

/// A new part begins.
pub(crate) fn part(name: &str) {
    anstream::println!("\n{TITLE}{name}{TITLE:#}");
}

/// A transition: one state, what was done with it, the next.
pub(crate) fn step(from: &str, by: &str, to: &str) {
    anstream::println!("   {STATE}{from}{STATE:#} {FAINT}─{by}→{FAINT:#} {STATE}{to}{STATE:#}");
}

/// A check that passed.
pub(crate) fn good(text: &str) {
    anstream::println!("   {GOOD}✓{GOOD:#} {text}");
}

pub(crate) fn note(text: &str) {
    anstream::println!("   {FAINT}{text}{FAINT:#}");
}

pub(crate) fn all_well(text: &str) {
    anstream::println!("\n{GOOD}{text}{GOOD:#}");
}

/// An error and, below it, its causes. To stderr, like everything that is not a result.
pub(crate) fn failed(error: &dyn Error) {
    anstream::eprintln!("\n{BAD}✗ {error}{BAD:#}");
    let mut cause = error.source();
    while let Some(error) = cause {
        anstream::eprintln!("  because {error}");
        cause = error.source();
    }
}
