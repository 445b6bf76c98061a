//! Refused: a second registration by accident, and a second copy of credentials that a server replaces.

use grantflow::*;

fn twice(registration: Registration) -> [Registration; 2] {
    [registration.clone(), registration] //~ E0599
}

fn copied(registered: Registered) -> [Registered; 2] {
    [registered.clone(), registered] //~ E0599
}

fn changed(update: RegistrationUpdate) -> [RegistrationUpdate; 2] {
    [update.clone(), update] //~ E0599
}

fn main() {}
