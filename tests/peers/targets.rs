//! What a token is for: authorization details (RFC 9396) and resource indicators (RFC 8707).
//!
//! The server knows the resources `https://payments.example/` and `urn:example:accounts`, and the types of details
//! `payment_initiation`, which needs a member `instructedAmount`, and `account_information`; it announces both types.

use grantflow::{
    Authorization, AuthorizationDetails, Callback, Client, ConfidentialClient, DetailsFault, Discovery, Env, Error,
    ErrorCode, Introspected, Introspection, Left, Misuse, Redirect, Server, Tokens,
};
use grantflow_tests::support::peer::{self, Browser, Kind};
use grantflow_tests::support::transport::{SysRng, now};

use crate::world::{Got, Outcome, REDIRECT_URI, Row, SCOPE, World, check, failed};

const HERE: &[Kind] = &[Kind::PushingOidcProvider];
const PAYMENTS: &str = "https://payments.example/";
const ACCOUNTS: &str = "urn:example:accounts";
const PAYMENT: &str =
    r#"[{"type":"payment_initiation","actions":["initiate"],"instructedAmount":{"currency":"EUR","amount":"123.50"}}]"#;

pub(crate) const CHECKS: [Row; 6] = [
    Row { name: "authorization details: granted, read back and introspected", check: granted, on: HERE },
    Row { name: "authorization details: a token for a part of them", check: part, on: HERE },
    Row { name: "authorization details: an unannounced type is not sent", check: unannounced, on: HERE },
    Row { name: "authorization details: the server refuses what its type does not allow", check: refused, on: HERE },
    Row { name: "resources: a token for one of two, renewed, and one for the other", check: one_of_two, on: HERE },
    Row { name: "resources: the server refuses one that it does not know", check: unknown_resource, on: HERE },
];

impl World {
    fn announcing_server(&self) -> Got<Server> {
        Ok(self.agent.run(Discovery::new(self.peer.issuer())?)?.server()?)
    }

    fn announced(&self) -> Got<ConfidentialClient> {
        let secret = peer::BASIC.secret.unwrap_or_default();
        Ok(self.announcing_server()?.client(peer::BASIC.id).secret_basic(secret)?)
    }

    fn arrives(&self, authorization: &Authorization) -> Got<Callback> {
        let push = authorization.push(&mut Env::new(now(), &mut SysRng))?;
        let Redirect { url, pending } = self.agent.run(push)?;
        let back = Browser::new(REDIRECT_URI).visit(url.as_str())?.callback()?;
        Ok(pending.receive(&back.parse()?))
    }

    fn code_for(&self, authorization: &Authorization) -> Got<grantflow::CodeExchange> {
        match self.arrives(authorization)? {
            Callback::Granted(exchange) => Ok(exchange),
            other => Err(format!("not granted: {other:?}").into()),
        }
    }

    fn introspected(&self, tokens: &Tokens) -> Got<Box<grantflow::ActiveToken>> {
        let question = Introspection::new(&self.announced()?, tokens.bearer()?.expose_secret())?;
        match self.agent.run(question)? {
            Introspected::Active(token) => Ok(token),
            Introspected::Inactive => Err("the token is not active".into()),
        }
    }
}

fn asks(client: impl Into<Client>) -> Result<Authorization, Error> {
    // For `offline_access`, the server requires that the person is asked.
    Authorization::new(client, REDIRECT_URI)?.scope(SCOPE)?.param("prompt", "consent")
}

fn types(tokens: &Tokens) -> Got<Vec<String>> {
    let granted = tokens.authorization_details();
    let details = granted.granted().ok_or(format!("the server granted {granted:?}"))?;
    Ok(details.types().map(str::to_owned).collect())
}

fn both() -> Result<AuthorizationDetails, Error> {
    AuthorizationDetails::from_json(&format!(r#"[{{"type":"account_information"}},{}"#, &PAYMENT[1..]))
}

fn granted(world: &World) -> Outcome {
    let authorization = asks(&world.announced()?)?.resource(PAYMENTS)?.authorization_details(both()?)?;
    let tokens = world.agent.run(world.code_for(&authorization)?)?;
    check(types(&tokens)? == ["account_information", "payment_initiation"], "other types")?;
    let token = world.introspected(&tokens)?;
    let details = token.authorization_details().ok_or("introspection says nothing")?;
    check(details.types().count() == 2, details.as_json())?;
    check(token.is_for(PAYMENTS), format!("it is for {:?}", token.audience()))?;
    let tokens = world.agent.run(tokens.refresh()?)?;
    check(types(&tokens)?.len() == 2, "the refresh lost some")
}

fn part(world: &World) -> Outcome {
    let authorization = asks(&world.announced()?)?.resource(PAYMENTS)?.authorization_details(both()?)?;
    let exchange = world.code_for(&authorization)?;
    let tokens = world.agent.run(exchange.authorization_details(AuthorizationDetails::from_json(PAYMENT)?)?)?;
    check(types(&tokens)? == ["payment_initiation"], "the token is for more")?;
    let token = world.introspected(&tokens)?;
    let details = token.authorization_details().ok_or("introspection says nothing")?;
    check(details.types().eq(["payment_initiation"]), details.as_json())?;
    let refresh = tokens.refresh()?;
    let accounts = AuthorizationDetails::from_json(r#"[{"type":"account_information"}]"#)?;
    let tokens = world.agent.run(refresh.authorization_details(accounts)?)?;
    check(types(&tokens)? == ["account_information"], "the renewed token is for more")
}

fn unannounced(world: &World) -> Outcome {
    let odd = AuthorizationDetails::from_json(r#"[{"type":"loyalty"}]"#)?;
    match asks(&world.announced()?)?.authorization_details(odd) {
        Err(Error::Misuse(Misuse::AuthorizationDetails(DetailsFault::NotSupported))) => Ok(()),
        other => Err(format!("{other:?}").into()),
    }
}

fn refused(world: &World) -> Outcome {
    let incomplete = AuthorizationDetails::from_json(r#"[{"type":"payment_initiation"}]"#)?;
    let authorization = asks(&world.announced()?)?.resource(PAYMENTS)?.authorization_details(incomplete)?;
    let push = authorization.push(&mut Env::new(now(), &mut SysRng))?;
    let (error, left) = failed(world.agent.run(push))?;
    let is_it = error.code() == Some(&ErrorCode::InvalidAuthorizationDetails);
    check(is_it && matches!(left, Left::Intact(_)), error.to_string())
}

fn one_of_two(world: &World) -> Outcome {
    let authorization = asks(&world.announced()?)?.resource(PAYMENTS)?.resource(ACCOUNTS)?;
    let tokens = world.agent.run(world.code_for(&authorization)?.resource(PAYMENTS)?)?;
    check(world.introspected(&tokens)?.audience() == [PAYMENTS], "the token is for more")?;
    let tokens = world.agent.run(tokens.refresh()?)?;
    check(world.introspected(&tokens)?.audience() == [PAYMENTS], "the renewed token is for another one")?;
    let tokens = world.agent.run(tokens.refresh()?.resource(ACCOUNTS)?)?;
    check(world.introspected(&tokens)?.audience() == [ACCOUNTS], "the other token is for more")?;
    check(tokens.resources() == [ACCOUNTS], format!("{:?}", tokens.resources()))
}

fn unknown_resource(world: &World) -> Outcome {
    let authorization = asks(&world.announced()?)?.resource("https://elsewhere.example/")?;
    let push = authorization.push(&mut Env::new(now(), &mut SysRng))?;
    let (error, left) = failed(world.agent.run(push))?;
    check(error.code() == Some(&ErrorCode::InvalidTarget) && matches!(left, Left::Intact(_)), error.to_string())
}
