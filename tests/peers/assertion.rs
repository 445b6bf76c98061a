//! Assertion grants (RFC 7523 §2.1). A server is set up for them like this: GET `/_test/assertion` gives a JWT that is good
//! there, for a subject that may have the scope `api:read`; its parameters `aud`, and `exp` in seconds from now, change it.

use grantflow::{Assertion, AssertionGrant, Client, ErrorCode, Left, Next};
use grantflow_tests::support::peer::{self, Browser, Kind};
use http::StatusCode;

use crate::world::{Got, Outcome, Row, World, check, failed};

/// The servers that take JWTs as grants.
const TAKES_JWTS: &[Kind] = &[Kind::Authlib, Kind::Zitadel, Kind::Hydra];

pub(crate) const CHECKS: [Row; 5] = [
    Row { name: "assertion: a JWT, and no client is named where none is asked for", check: nobody, on: TAKES_JWTS },
    Row { name: "assertion: for another audience", check: other_audience, on: TAKES_JWTS },
    Row { name: "assertion: one that has expired", check: expired, on: TAKES_JWTS },
    Row { name: "assertion: a signature that is not its issuer's", check: changed, on: TAKES_JWTS },
    Row { name: "assertion: the next token comes from the next one", check: again, on: TAKES_JWTS },
];

impl World {
    /// A JWT that its issuer signed, with these parameters.
    fn assertion(&self, parameters: &str) -> Got<String> {
        let url = self.peer.at_root(&format!("/_test/assertion?{parameters}"));
        Ok(Browser::new("http://127.0.0.1/none").visit(&url)?.page()?.body)
    }

    /// No client, where the server asks for none.
    fn nobody(&self) -> Got<Client> {
        match self.kind() {
            Kind::Hydra => Ok(Client::from(&self.basic(peer::BASIC)?)),
            _ => Ok(Client::from(&self.server()?.unidentified())),
        }
    }

    /// The assertion is refused, and the error says what to do about it.
    fn is_refused(&self, jwt: String) -> Outcome {
        let grant = AssertionGrant::new(self.nobody()?, Assertion::jwt(jwt)?).scope("api:read")?;
        let (error, left) = failed(self.agent.run(grant))?;
        check(error.code() == Some(&ErrorCode::InvalidGrant), error.to_string())?;
        check(matches!(left, Left::Spent) && error.next() == Next::Reauthorize, format!("{left:?}"))
    }
}

/// What is odd about a server's scope for a service.
fn scope(world: &World) -> &'static str {
    match world.kind() {
        Kind::Zitadel | Kind::Hydra => "openid api:read",
        _ => "api:read",
    }
}

fn nobody(world: &World) -> Outcome {
    let assertion = Assertion::jwt(world.assertion("")?)?;
    let tokens = world.agent.run(AssertionGrant::new(world.nobody()?, assertion).scope(scope(world))?)?;
    check(tokens.refresh_token().is_none(), "RFC 7521, section 4.1, expects no refresh token")?;
    let status = world.at_the_api(&tokens)?;
    check(status == StatusCode::OK, format!("the API answered {status}"))
}

fn other_audience(world: &World) -> Outcome {
    world.is_refused(world.assertion("aud=https://other.example")?)
}

fn expired(world: &World) -> Outcome {
    world.is_refused(world.assertion("exp=-300")?)
}

fn changed(world: &World) -> Outcome {
    let (jwt, other) = (world.assertion("")?, world.assertion("exp=299")?);
    let signed = jwt.rsplit_once('.').ok_or("no JWT")?.0;
    let signature = other.rsplit_once('.').ok_or("no JWT")?.1;
    world.is_refused(format!("{signed}.{signature}"))
}

/// A program without a person needs no refresh token: the next token comes from the next assertion.
fn again(world: &World) -> Outcome {
    let client = world.nobody()?;
    for _ in 0..3 {
        let grant = AssertionGrant::new(&client, Assertion::jwt(world.assertion("")?)?).scope(scope(world))?;
        let tokens = world.agent.run(grant)?;
        check(tokens.expires_at().is_some(), "it does not say how long it lives")?;
    }
    Ok(())
}
