//! Refused: sending an identity assertion to another server than the one it was requested for, and making one up.

use grantflow::*;

fn elsewhere(assertion: &IdentityAssertion, other: &Client) -> AssertionGrant {
    assertion.grant(other) //~ E0061
}

fn as_any_grant(assertion: IdentityAssertion, other: &Client) -> AssertionGrant {
    AssertionGrant::new(other, assertion) //~ E0308
}

fn without_the_resources_client(client: &Client, id_token: SecurityToken) -> Result<IdentityAssertionRequest, Error> {
    IdentityAssertionRequest::new(client, id_token) //~ E0061
}

fn main() {}
