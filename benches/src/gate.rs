//! The cost bounds of an operation: less than the peer's, about what it was last time, and no more than the design's
//! target.

use std::fmt;

use crate::Operation;
use crate::figure::Figure;
use crate::measure::Cost;

/// The last recorded figures. A change that moves one by more than [`SLACK`] records it again, and says so in its
/// commit.
pub(crate) const RECORDED: &str = include_str!("../figures.txt");
pub(crate) const RECORDED_FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/figures.txt");

/// By how many percent an operation may cost more than its last recorded figure.
const SLACK: u64 = 5;

/// Why an operation fails.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It costs as much as the peer's, or more.
    NotBelowPeer,
    /// It costs more than the last recorded figure plus the slack.
    Dearer(Figure),
    /// It costs more than the design allows.
    AboveTarget(Figure),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotBelowPeer => f.write_str("NOT BELOW oauth2"),
            Self::Dearer(last) => write!(f, "MORE THAN {SLACK} % ABOVE THE LAST FIGURE, {last}"),
            Self::AboveTarget(target) => write!(f, "ABOVE THE TARGET, {target}"),
        }
    }
}

/// All faults of an operation's cost. If instructions were not counted, only allocations are compared.
pub(crate) fn faults(ours: Cost, theirs: Cost, last: Figure, target: Figure) -> Vec<Fault> {
    let exceeds = |limit: Figure, percent: u64| {
        let more = |count: u64, limit: u64| count * 100 > limit * (100 + percent);
        ours.instructions.is_some_and(|count| more(count, limit.instructions))
            || more(ours.allocations, limit.allocations)
    };
    let fewer_instructions = ours.instructions.zip(theirs.instructions).is_none_or(|(ours, theirs)| ours < theirs);
    let mut faults = Vec::new();
    if !fewer_instructions || ours.allocations >= theirs.allocations {
        faults.push(Fault::NotBelowPeer);
    }
    if exceeds(last, SLACK) {
        faults.push(Fault::Dearer(last));
    }
    if exceeds(target, 0) {
        faults.push(Fault::AboveTarget(target));
    }
    faults
}

/// The figure of an operation in a file of lines such as `callback: 5456 / 2`. Lines that begin with `#` are comments.
pub(crate) fn recorded(file: &str, operation: Operation) -> Result<Figure, String> {
    let lines = file.lines().filter(|line| !line.starts_with('#'));
    let mut of_it = lines.filter_map(|line| line.split_once(": ")).filter(|(name, _)| *name == operation.name());
    let figure = match (of_it.next(), of_it.next()) {
        (Some((_, figure)), None) => figure.split_once(" / "),
        _ => None,
    };
    let numbers = figure.and_then(|(instructions, allocations)| {
        Some(Figure::new(instructions.trim().parse().ok()?, allocations.trim().parse().ok()?))
    });
    numbers.ok_or_else(|| format!("figures.txt: it has no one figure of {}", operation.name()))
}

/// The file for these figures.
pub(crate) fn record(figures: &[(Operation, Figure)], compiler: &str) -> String {
    let mut file = format!(
        "# What grantflow's operations cost, instructions / allocations, as recorded last ({compiler}).\n\
         # cargo run --release -p grantflow-benches -- --record writes it anew; the commit says why.\n"
    );
    for (operation, Figure { instructions, allocations }) in figures {
        file += &format!("{}: {instructions} / {allocations}\n", operation.name());
    }
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAST: Figure = Figure::new(1_000, 4);
    const TARGET: Figure = Figure::new(2_000, 6);

    fn cost(instructions: u64, allocations: u64) -> Cost {
        Cost { instructions: Some(instructions), allocations, ..Cost::default() }
    }

    fn of(ours: Cost, theirs: Cost) -> Vec<Fault> {
        faults(ours, theirs, LAST, TARGET)
    }

    #[test]
    fn what_is_cheaper_than_all_bounds_passes() {
        assert_eq!(of(cost(1_000, 4), cost(3_000, 9)), []);
        assert_eq!(of(cost(1, 0), cost(3_000, 9)), []);
        assert_eq!(of(cost(1_050, 4), cost(1_051, 5)), [], "five percent, and just below the peer");
    }

    #[test]
    fn what_costs_as_much_as_the_peers_fails() {
        assert_eq!(of(cost(900, 3), cost(900, 9)), [Fault::NotBelowPeer]);
        assert_eq!(of(cost(900, 3), cost(899, 9)), [Fault::NotBelowPeer]);
        assert_eq!(of(cost(900, 3), cost(3_000, 3)), [Fault::NotBelowPeer]);
    }

    #[test]
    fn what_is_dearer_than_last_time_fails() {
        assert_eq!(of(cost(1_051, 4), cost(3_000, 9)), [Fault::Dearer(LAST)]);
        assert_eq!(of(cost(900, 5), cost(3_000, 9)), [Fault::Dearer(LAST)], "an allocation is more than 5 % of four");
    }

    #[test]
    fn what_is_above_the_target_fails_at_any_last_figure() {
        let last = Figure::new(5_000, 9);
        assert_eq!(faults(cost(2_001, 6), cost(9_000, 10), last, TARGET), [Fault::AboveTarget(TARGET)]);
        assert_eq!(faults(cost(2_000, 7), cost(9_000, 10), last, TARGET), [Fault::AboveTarget(TARGET)]);
        assert_eq!(faults(cost(2_000, 6), cost(9_000, 10), last, TARGET), []);
    }

    #[test]
    fn all_that_is_wrong_is_said() {
        let all = of(cost(9_000, 9), cost(9_000, 9));
        assert_eq!(all, [Fault::NotBelowPeer, Fault::Dearer(LAST), Fault::AboveTarget(TARGET)]);
        assert_eq!(all[1].to_string(), "MORE THAN 5 % ABOVE THE LAST FIGURE, 1,000 / 4");
    }

    #[test]
    fn without_instructions_allocations_decide() {
        let uncounted = |allocations| Cost { instructions: None, allocations, ..Cost::default() };
        assert_eq!(of(uncounted(4), uncounted(9)), []);
        assert_eq!(of(uncounted(9), uncounted(9)).len(), 3);
    }

    #[test]
    fn a_file_is_read_as_it_was_written() {
        let figures: Vec<_> =
            Operation::ALL.into_iter().zip(1..).map(|(o, n)| (o, Figure::new(n * 1_000, n))).collect();
        let file = record(&figures, "rustc 1.88.0");
        for (operation, figure) in figures {
            assert_eq!(recorded(&file, operation), Ok(figure));
        }
    }

    #[test]
    fn a_figure_that_is_missing_doubled_or_invalid_is_an_error() {
        for file in ["", "callback: x / 2", "callback: 5456", "# callback: 1 / 1", "callback: 1 / 1\ncallback: 2 / 2"] {
            assert!(recorded(file, Operation::Callback).is_err(), "{file:?}");
        }
    }

    #[test]
    fn the_committed_figures_are_whole_and_meet_the_targets() {
        for operation in Operation::ALL {
            let last = recorded(RECORDED, operation).unwrap();
            let itself = cost(last.instructions, last.allocations);
            let peer = cost(u64::MAX / 200, u64::MAX / 200);
            assert_eq!(faults(itself, peer, last, operation.target()), [], "{}", operation.name());
        }
    }

    /// The README shows the recorded figures.
    #[test]
    fn the_readme_has_the_committed_figures() {
        let readme = include_str!("../../README.md");
        for operation in Operation::ALL {
            let row = readme.lines().find(|line| line.starts_with(&format!("| {} | ", operation.name()))).unwrap();
            let figure = recorded(RECORDED, operation).unwrap();
            assert!(row.contains(&format!("| {figure} |")), "{row}\nhas not {figure}: run with --markdown");
            assert!(row.contains(&format!("| ≤ {} |", operation.target())), "{row}\nhas another target");
        }
    }
}
