//! Refused: using one flow's output as another's.

use grantflow::*;

fn exchange_code(_: CodeExchange) {}
fn refresh(_: RefreshExchange) {}

fn mix(credentials: ClientCredentials, tokens: Tokens, pending: PendingCallback, code: CodeExchange) {
    exchange_code(credentials); //~ E0308
    exchange_code(tokens); //~ E0308
    exchange_code(pending); //~ E0308
    refresh(code); //~ E0308
}

fn refresh_without_setting_out(tokens: Tokens) {
    refresh(tokens); //~ E0308
}

fn send_what_waits_for_a_person(pending: PendingCallback, env: &mut Env<'_>) {
    let _ = pending.request(env); //~ E0599
}

fn main() {}
