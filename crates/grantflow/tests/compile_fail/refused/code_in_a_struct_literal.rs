//! Refused: putting a code exchange together from its parts.

use grantflow::*;

fn put_together(own: CodeExchange) -> CodeExchange {
    CodeExchange { ..own } //~ E0451
}

fn main() {}
