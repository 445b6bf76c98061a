//! Refused: a step-up that nobody counts, a count that is set back, and printing what an API wrote.

use grantflow::*;

fn uncounted(authorization: &Authorization, step_up: &StepUp, tokens: &Tokens) {
    let _ = authorization.step_up(step_up, tokens.scope()); //~ E0061
}

fn counted_anew(attempts: &mut StepUpAttempts) {
    attempts.made = 0; //~ E0616
}

fn printed(challenges: &Challenges, challenge: &Challenge, token: TokenChallenge<'_>, step_up: &StepUp) {
    println!("{challenges}"); //~ E0277
    println!("{challenge}"); //~ E0277
    println!("{token}"); //~ E0277
    println!("{step_up}"); //~ E0277
}

fn main() {}
