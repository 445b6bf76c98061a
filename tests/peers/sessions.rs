//! A session whose grant ends before its time.

use grantflow::{Challenges, ErrorCode, Tokens};
use grantflow_session::{FreshToken, SessionError, State};
use grantflow_tests::support::peer::{self, Kind};
use grantflow_tests::support::transport::{block_on, session};
use http::{Request, StatusCode};

use crate::world::{ALL, Got, Outcome, Row, World, check};

pub(crate) const CHECKS: [Row; 1] =
    [Row { name: "a session says that its grant was revoked", check: grant_revoked, on: ALL }];

impl World {
    /// What the API says to a session's token.
    fn calls(&self, token: &FreshToken) -> Got<(StatusCode, Option<ErrorCode>)> {
        let mut request = Request::get(self.api()).body(grantflow::Body::default())?;
        token.authorize(&mut request)?;
        let response = self.agent.send(request).map_err(|(_, error)| error)?;
        let said = Challenges::of(response.headers()).bearer().find_map(|bearer| bearer.error());
        Ok((response.status(), said))
    }

    fn refuses(&self, token: &FreshToken) -> Outcome {
        let said = self.calls(token)?;
        check((said.0, said.1.as_ref().map(ErrorCode::as_str)) == self.refusal(), format!("{said:?}"))
    }
}

fn grant_revoked(world: &World) -> Outcome {
    let client = world.with_secret(peer::BASIC)?;
    let tokens = world.log_in(&client)?;
    let kept = serde_json::to_string(&tokens.into_stored())?;
    let session = session(world.transport, &client);
    let first = block_on(session.prime(Tokens::from_stored(serde_json::from_str(&kept)?, &client)?))?;
    check(world.calls(&first)?.0 == StatusCode::OK, "the token is not good at first")?;
    let given_up = Tokens::from_stored(serde_json::from_str(&kept)?, &client)?;
    world.agent.run(given_up.revoke().map_err(|failure| failure.error)?)?;
    if world.kind() == Kind::Idpyoidc {
        // The access token outlives the grant; its API has another reason to refuse it.
        check(world.calls(&first)?.0 == StatusCode::OK, "the access token ended with the grant")?;
    } else {
        world.refuses(&first)?;
    }
    check(session.refused(&first), "the session does not believe the API")?;
    match block_on(session.token()) {
        Err(SessionError::Lost { .. }) => check(session.state() == State::Lost, format!("{:?}", session.state())),
        Err(error) => Err(error.into()),
        Ok(_) => Err("there is a token of a grant that is over".into()),
    }
}
