//! What providers document, met with exactly the quirks that this library's documentation names them for.

mod answers;
mod check;
mod fixture;
mod kinds;
mod named;
mod requests;
