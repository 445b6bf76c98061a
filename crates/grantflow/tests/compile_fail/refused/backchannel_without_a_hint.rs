//! Refused: a backchannel request that names nobody, and one that names the person twice.

use grantflow::*;

fn nobody(client: &ConfidentialClient) -> Result<BackchannelRequest, Error> {
    BackchannelRequest::new(client) //~ E0599
}

fn twice(client: &ConfidentialClient) -> Result<BackchannelRequest, Error> {
    BackchannelRequest::with_login_hint(client, "ada")?.with_id_token_hint("a.b.c") //~ E0599
}

fn main() {}
