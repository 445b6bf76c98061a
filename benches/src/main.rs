//! grantflow beside `oauth2` 5.0.0 (default features off): six operations, the same inputs, in one run.
//!
//! ```text
//! cargo run --release -p grantflow-benches                  a table; fails if an operation does not pass
//! cargo run --release -p grantflow-benches -- --markdown    the same for the README
//! cargo run --release -p grantflow-benches -- --record      the same, and records the figures in figures.txt
//! ```
//!
//! An operation passes if it costs less than oauth2's, at most 5 % more than its last recorded figure, and no more than
//! the design's target.
//!
//! The counts cover the way from existing inputs to the result. Clients and other reusable values are made before;
//! results are dropped after. In `oauth2` an answer cannot be separated from its request, so the request's cost,
//! measured alone, is subtracted from that of the whole exchange.

mod figure;
mod gate;
mod inputs;
mod measure;
mod ours;
mod table;
mod theirs;

use std::any::Any;
use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::Duration;

use figure::Figure;

/// One run of an operation; returns its result, so that dropping it is not part of the run.
type Case = Box<dyn FnOnce() -> Box<dyn Any>>;

/// The compared operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Url,
    CodeRequest,
    TokenResponse,
    ErrorResponse,
    RefreshRequest,
    Callback,
}

impl Operation {
    const ALL: [Self; 6] =
        [Self::Url, Self::CodeRequest, Self::TokenResponse, Self::ErrorResponse, Self::RefreshRequest, Self::Callback];

    fn name(self) -> &'static str {
        match self {
            Self::Url => "authorization URL",
            Self::CodeRequest => "code-exchange request",
            Self::TokenResponse => "token response",
            Self::ErrorResponse => "error response",
            Self::RefreshRequest => "refresh request",
            Self::Callback => "callback",
        }
    }

    /// The function whose instructions are counted.
    fn function(self, side: Side) -> &'static str {
        match (self, side) {
            (Self::Url, _) => "measured_url",
            (Self::CodeRequest | Self::TokenResponse | Self::ErrorResponse, Side::Theirs) => "measured_code",
            (Self::CodeRequest, Side::Ours) => "measured_code_request",
            (Self::TokenResponse, Side::Ours) => "measured_token_response",
            (Self::ErrorResponse, Side::Ours) => "measured_error_response",
            (Self::RefreshRequest, _) => "measured_refresh_request",
            (Self::Callback, _) => "measured_callback",
        }
    }

    /// The operation whose cost is part of what was measured on the other side.
    fn share_to_subtract(self, side: Side) -> Option<Self> {
        match (self, side) {
            (Self::TokenResponse | Self::ErrorResponse, Side::Theirs) => Some(Self::CodeRequest),
            _ => None,
        }
    }

    /// The design's target.
    fn target(self) -> Figure {
        match self {
            Self::Url => Figure::new(8_200, 2),
            Self::CodeRequest => Figure::new(3_300, 3),
            Self::TokenResponse => Figure::new(7_000, 4),
            Self::ErrorResponse => Figure::new(3_900, 3),
            Self::RefreshRequest => Figure::new(2_800, 3),
            Self::Callback => Figure::new(5_700, 2),
        }
    }
}

/// The implementation that is measured.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Ours,
    Theirs,
}

impl Side {
    fn module(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Theirs => "theirs",
        }
    }

    fn case(self, operation: Operation) -> Case {
        match self {
            Self::Ours => ours::case(operation),
            Self::Theirs => theirs::case(operation),
        }
    }
}

/// An implementation's results.
#[derive(Debug)]
struct Results {
    url: String,
    code_request: Vec<u8>,
    refresh_request: Vec<u8>,
    tokens: (String, String, Duration),
    error: String,
}

impl Results {
    /// Whether both results are equal; only the order of parameters may differ.
    fn same_work(&self, other: &Self) -> bool {
        self.parameters() == other.parameters() && self.tokens == other.tokens && self.error == other.error
    }

    fn parameters(&self) -> [BTreeSet<String>; 3] {
        let set = |text: &str| text.split(['?', '&']).map(str::to_owned).collect();
        let form = |bytes: &[u8]| set(&String::from_utf8_lossy(bytes));
        [set(&self.url), form(&self.code_request), form(&self.refresh_request)]
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [run, side, operation, runs] = arguments.as_slice()
        && run == "--run"
    {
        return run_child(side, operation, runs);
    }
    let output = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => Output::Table,
        ["--markdown"] => Output::Markdown,
        ["--record"] => Output::Record,
        _ => {
            eprintln!("unknown arguments; there are --markdown and --record");
            return ExitCode::from(2);
        }
    };
    let (ours, theirs) = (ours::results(), theirs::results());
    if !ours.same_work(&theirs) {
        eprintln!("the two sides did not do the same work:\n{ours:#?}\n{theirs:#?}");
        return ExitCode::FAILURE;
    }
    match compare(output) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// What happens to the figures.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Output {
    Table,
    Markdown,
    Record,
}

/// Measures, prints, and returns whether every operation passes.
fn compare(output: Output) -> Result<bool, String> {
    let valgrind = measure::has_valgrind();
    if !valgrind && std::env::var_os("CI").is_some() {
        return Err("valgrind is not installed, and in CI instructions must be counted".to_owned());
    }
    let full = |side, operation| measure::cost(side, operation, valgrind);
    let mut rows = Vec::new();
    for operation in Operation::ALL {
        let ours = full(Side::Ours, operation)?;
        let mut theirs = full(Side::Theirs, operation)?;
        if let Some(share) = operation.share_to_subtract(Side::Theirs) {
            theirs = theirs.minus(full(Side::Theirs, share)?);
        }
        let last = match (output, ours.instructions) {
            (Output::Record, Some(instructions)) => Figure::new(instructions, ours.allocations),
            (Output::Record, None) => return Err("without valgrind there are no figures to record".to_owned()),
            _ => gate::recorded(gate::RECORDED, operation)?,
        };
        rows.push(table::Row { operation, ours, theirs, last });
    }
    match output {
        Output::Markdown => table::print_markdown(&rows),
        Output::Table | Output::Record => table::print(&rows),
    }
    if !valgrind {
        println!("\ninstructions: skipped, valgrind was not found");
    }
    let passes = rows.iter().all(|row| row.faults().is_empty());
    if output == Output::Record && passes {
        let figures: Vec<_> = rows.iter().map(|row| (row.operation, row.last)).collect();
        let file = gate::record(&figures, &measure::compiler());
        std::fs::write(gate::RECORDED_FILE, file).map_err(|error| format!("figures.txt: {error}"))?;
        println!("\nrecorded; README.md has the same figures, from --markdown");
    }
    Ok(passes)
}

/// The part that valgrind runs: an operation, several times.
fn run_child(side: &str, operation: &str, runs: &str) -> ExitCode {
    let side = [Side::Ours, Side::Theirs].into_iter().find(|s| s.module() == side);
    let operation = Operation::ALL.into_iter().find(|o| o.name() == operation);
    let (Some(side), Some(operation), Ok(runs)) = (side, operation, runs.parse::<usize>()) else {
        return ExitCode::from(2);
    };
    for _ in 0..runs {
        drop(side.case(operation)());
    }
    ExitCode::SUCCESS
}
