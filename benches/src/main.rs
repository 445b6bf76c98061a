//! grantflow beside `oauth2` 5.0.0 (default features off): six operations, the same inputs, in one run.
//!
//! ```text
//! cargo run --release -p grantflow-benches                  a table; fails if an operation costs more than oauth2's
//! cargo run --release -p grantflow-benches -- --markdown    the same for the README
//! ```
//!
//! What is counted: from inputs that are there to a result in hand. Clients and what can be used again are made before;
//! results are dropped after. In `oauth2` an answer cannot be had apart from its request, so there the request's cost,
//! measured alone, is subtracted from the whole exchange's.

mod inputs;
mod measure;
mod ours;
mod table;
mod theirs;

use std::any::Any;
use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::Duration;

/// One run of an operation; gives its result, so that dropping it is not part of the run.
type Case = Box<dyn FnOnce() -> Box<dyn Any>>;

/// What is compared.
#[derive(Clone, Copy, PartialEq, Eq)]
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

    /// The design's targets: instructions, allocations.
    fn target(self) -> (u64, u64) {
        match self {
            Self::Url => (8_500, 3),
            Self::CodeRequest => (6_000, 4),
            Self::TokenResponse => (7_000, 5),
            Self::ErrorResponse => (3_800, 4),
            Self::RefreshRequest => (4_500, 4),
            Self::Callback => (8_500, 4),
        }
    }
}

/// Whose code is measured.
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

/// What an implementation made of the inputs.
#[derive(Debug)]
struct Results {
    url: String,
    code_request: Vec<u8>,
    refresh_request: Vec<u8>,
    tokens: (String, String, Duration),
    error: String,
}

impl Results {
    /// Whether both came to the same; only the order of parameters may differ.
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
    let markdown = arguments == ["--markdown"];
    if !markdown && !arguments.is_empty() {
        eprintln!("unknown arguments; there is --markdown");
        return ExitCode::from(2);
    }
    let (ours, theirs) = (ours::results(), theirs::results());
    if !ours.same_work(&theirs) {
        eprintln!("the two sides did not do the same work:\n{ours:#?}\n{theirs:#?}");
        return ExitCode::FAILURE;
    }
    match compare(markdown) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Measures, prints, and says whether every operation costs less than the other side's.
fn compare(markdown: bool) -> Result<bool, String> {
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
        rows.push(table::Row { operation, ours, theirs });
    }
    if markdown {
        table::print_markdown(&rows)
    } else {
        table::print(&rows)
    }
    if !valgrind {
        println!("\ninstructions: skipped, valgrind was not found");
    }
    Ok(rows.iter().all(table::Row::is_cheaper))
}

/// What valgrind runs: an operation, some times.
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
