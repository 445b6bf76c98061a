//! The table.

use crate::Operation;
use crate::figure::{Figure, grouped};
use crate::gate::{self, Fault};
use crate::measure::Cost;

/// One operation, both sides.
pub(crate) struct Row {
    pub(crate) operation: Operation,
    pub(crate) ours: Cost,
    pub(crate) theirs: Cost,
    /// The last recorded figure of ours.
    pub(crate) last: Figure,
}

impl Row {
    /// All its faults.
    pub(crate) fn faults(&self) -> Vec<Fault> {
        gate::faults(self.ours, self.theirs, self.last, self.operation.target())
    }

    fn ratio(&self) -> String {
        match self.ours.instructions.zip(self.theirs.instructions) {
            Some((ours, theirs)) => format!("{:.2}", ours as f64 / theirs as f64),
            None => "-".to_owned(),
        }
    }

    /// By how many percent it costs more than the last recorded figure.
    fn change(&self) -> String {
        match self.ours.instructions {
            Some(ours) => format!("{:+.1} %", (ours as f64 / self.last.instructions as f64 - 1.0) * 100.0),
            None => "-".to_owned(),
        }
    }
}

pub(crate) fn print(rows: &[Row]) {
    println!(
        "                        | instructions                                      | allocations         | bytes          | ns (noise)"
    );
    println!(
        "operation               |  oauth2    ours  ratio    last   change   target  | oauth2  ours target | oauth2    ours | oauth2   ours | verdict"
    );
    for row in rows {
        let target = row.operation.target();
        println!(
            "{:<23} | {:>7} {:>7}   {:>4} {:>7} {:>8}  {:>7}  | {:>6} {:>5} {:>6} | {:>6} {:>7} | {:>6} {:>6} | {}",
            row.operation.name(),
            count(row.theirs.instructions),
            count(row.ours.instructions),
            row.ratio(),
            grouped(row.last.instructions),
            row.change(),
            grouped(target.instructions),
            row.theirs.allocations,
            row.ours.allocations,
            target.allocations,
            row.theirs.bytes,
            row.ours.bytes,
            row.theirs.nanoseconds,
            row.ours.nanoseconds,
            verdict(row),
        );
    }
}

pub(crate) fn print_markdown(rows: &[Row]) {
    println!("| operation | `oauth2`: instructions / allocations | grantflow | ratio | target |");
    println!("|---|---|---|---|---|");
    for row in rows {
        println!(
            "| {} | {} / {} | {} / {} | {} | ≤ {} |",
            row.operation.name(),
            count(row.theirs.instructions),
            row.theirs.allocations,
            count(row.ours.instructions),
            row.ours.allocations,
            row.ratio(),
            row.operation.target(),
        );
    }
}

fn verdict(row: &Row) -> String {
    let faults = row.faults();
    if faults.is_empty() {
        return "passes".to_owned();
    }
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn count(instructions: Option<u64>) -> String {
    instructions.map_or("-".to_owned(), grouped)
}
