//! What providers document, read with exactly the quirks for which this library's documentation names them.

mod answers;
mod check;
mod fixture;
mod kinds;
mod named;
mod requests;
