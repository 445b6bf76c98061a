//! Refused: a public client that asks a person on a phone.

use grantflow::*;

fn ask(client: &PublicClient) -> Result<BackchannelRequest, Error> {
    BackchannelRequest::with_login_hint(client, "ada") //~ E0308
}

// Which kind of client this is has been forgotten, and cannot be claimed again.
fn ask_as_any(client: &Client) -> Result<BackchannelRequest, Error> {
    BackchannelRequest::with_login_hint(client, "ada") //~ E0308
}

fn main() {}
