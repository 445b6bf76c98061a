//! Refused: reading the scope of a token without having asked whether it is active.

use grantflow::*;

fn scope(said: &Introspected) -> Option<&Scope> {
    said.scope() //~ E0599
}

fn of_an_inactive_one(said: &Introspected) -> Option<&Scope> {
    match said {
        Introspected::Active(token) => token.scope(),
        Introspected::Inactive(token) => token.scope(), //~ E0532
    }
}

fn forgotten(said: &Introspected) -> Option<&Scope> {
    match said { //~ E0004
        Introspected::Active(token) => token.scope(),
    }
}

fn main() {}
