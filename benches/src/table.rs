//! The table.

use crate::Operation;
use crate::measure::Cost;

/// One operation, both sides.
pub(crate) struct Row {
    pub(crate) operation: Operation,
    pub(crate) ours: Cost,
    pub(crate) theirs: Cost,
}

impl Row {
    /// Fewer instructions, where they were counted, and fewer allocations.
    pub(crate) fn is_cheaper(&self) -> bool {
        let instructions = self.ours.instructions.zip(self.theirs.instructions);
        instructions.is_none_or(|(ours, theirs)| ours < theirs) && self.ours.allocations < self.theirs.allocations
    }

    fn ratio(&self) -> String {
        match self.ours.instructions.zip(self.theirs.instructions) {
            Some((ours, theirs)) => format!("{:.2}", ours as f64 / theirs as f64),
            None => "-".to_owned(),
        }
    }

    fn meets_target(&self) -> bool {
        let (instructions, allocations) = self.operation.target();
        self.ours.instructions.is_none_or(|count| count <= instructions) && self.ours.allocations <= allocations
    }
}

pub(crate) fn print(rows: &[Row]) {
    println!("                           instructions                    allocations      bytes            ns (noise)");
    println!(
        "operation                  oauth2  grantflow  ratio  target  oauth2  ours  target   oauth2   ours   oauth2   ours"
    );
    for row in rows {
        let (instructions, allocations) = row.operation.target();
        println!(
            "{:<24} {:>8}   {:>8}   {:>4}  {:>6}  {:>6}  {:>4}  {:>6}  {:>7}  {:>5}  {:>7}  {:>5}  {}",
            row.operation.name(),
            count(row.theirs.instructions),
            count(row.ours.instructions),
            row.ratio(),
            grouped(instructions),
            row.theirs.allocations,
            row.ours.allocations,
            allocations,
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
        let (instructions, allocations) = row.operation.target();
        println!(
            "| {} | {} / {} | {} / {} | {} | ≤ {} / {} |",
            row.operation.name(),
            count(row.theirs.instructions),
            row.theirs.allocations,
            count(row.ours.instructions),
            row.ours.allocations,
            row.ratio(),
            grouped(instructions),
            allocations,
        );
    }
}

fn verdict(row: &Row) -> &'static str {
    if !row.is_cheaper() {
        "NOT CHEAPER"
    } else if row.meets_target() {
        "target met"
    } else {
        "target missed"
    }
}

fn count(instructions: Option<u64>) -> String {
    instructions.map_or("-".to_owned(), grouped)
}

/// Thousands apart.
fn grouped(number: u64) -> String {
    match number {
        0..=999 => number.to_string(),
        _ => format!("{},{:03}", number / 1000, number % 1000),
    }
}
