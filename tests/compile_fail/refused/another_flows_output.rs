//! Refused: using one flow's output as another's.

use grantflow::*;

fn run<X: Exchange<Output = Tokens>>(_: X) {}

fn pass(exchange: ClientCredentials, tokens: Tokens, pending: PendingCallback) {
    let _code: CodeExchange = exchange;
    run(tokens);
    run(pending);
}

fn main() {}
