//! Counts instructions by valgrind, allocations by a counting allocator, and time by the clock.

use std::process::Command;
use std::time::Instant;

use crate::{Operation, Side};

/// The cost of one operation.
#[derive(Clone, Copy, Default)]
pub(crate) struct Cost {
    pub(crate) instructions: Option<u64>,
    /// Allocations and reallocations.
    pub(crate) allocations: u64,
    pub(crate) bytes: u64,
    pub(crate) nanoseconds: u64,
}

impl Cost {
    /// This cost without another's share.
    pub(crate) fn minus(self, other: Self) -> Self {
        Self {
            instructions: self.instructions.zip(other.instructions).map(|(a, b)| a.saturating_sub(b)),
            allocations: self.allocations.saturating_sub(other.allocations),
            bytes: self.bytes.saturating_sub(other.bytes),
            nanoseconds: self.nanoseconds.saturating_sub(other.nanoseconds),
        }
    }
}

pub(crate) fn cost(side: Side, operation: Operation, valgrind: bool) -> Result<Cost, String> {
    let counted = {
        let case = side.case(operation);
        let mut output = None;
        let counted = allocation_counter::measure(|| output = Some(case()));
        drop(output);
        counted
    };
    // The box around the output belongs to the harness.
    Ok(Cost {
        instructions: if valgrind { Some(instructions(side, operation)?) } else { None },
        allocations: counted.count_total - 1,
        bytes: counted.bytes_total,
        nanoseconds: nanoseconds(side, operation),
    })
}

/// The median of several batches; it still varies.
fn nanoseconds(side: Side, operation: Operation) -> u64 {
    const BATCH: usize = 200;
    let mut batches: Vec<u64> = (0..15)
        .map(|_| {
            let cases: Vec<_> = (0..BATCH).map(|_| side.case(operation)).collect();
            let mut outputs = Vec::with_capacity(BATCH);
            let start = Instant::now();
            outputs.extend(cases.into_iter().map(|case| case()));
            let elapsed = start.elapsed();
            drop(outputs);
            (elapsed.as_nanos() / BATCH as u128) as u64
        })
        .collect();
    batches.sort_unstable();
    batches[batches.len() / 2]
}

/// The compiler version, which changes the count of instructions.
pub(crate) fn compiler() -> String {
    let output = Command::new("rustc").arg("--version").output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    text.unwrap_or_else(|_| "an unknown compiler".to_owned())
}

pub(crate) fn has_valgrind() -> bool {
    Command::new("valgrind").arg("--version").output().is_ok_and(|output| output.status.success())
}

/// Runs this program again under callgrind, which counts only inside the functions whose names begin with `measured_`.
/// Runs it twice, with one run and with eleven: the difference contains nothing that happens only the first time.
fn instructions(side: Side, operation: Operation) -> Result<u64, String> {
    let few = collected(side, operation, 1)?;
    let many = collected(side, operation, 11)?;
    Ok((many - few) / 10)
}

fn collected(side: Side, operation: Operation, runs: usize) -> Result<u64, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let toggle = format!("--toggle-collect=*{}::{}*", side.module(), operation.function(side));
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--collect-atstart=no", &toggle])
        .arg(program)
        .args(["--run", side.module(), operation.name(), &runs.to_string()])
        .output()
        .map_err(|error| format!("valgrind: {error}"))?;
    let log = String::from_utf8_lossy(&output.stderr);
    let count = log.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse::<u64>().ok());
    match count {
        Some(count) if output.status.success() && count > 0 => Ok(count),
        _ => Err(format!("valgrind counted nothing for {} {}:\n{log}", side.module(), operation.name())),
    }
}
