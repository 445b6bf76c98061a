//! Refused: a step-up that no API asked for.

use grantflow::*;

fn made_up(own: StepUp) -> StepUp {
    StepUp { reason: ErrorCode::InsufficientScope, ..own } //~ E0451
}

fn main() {}
