//! What atproto's server does. It binds every token to a key of its client (RFC 9449), and this project has no keys yet: so
//! there are its metadata, pushed requests up to the code, the documents of clients, and what it says to those without a
//! proof. No token, no refresh and no call of its API is possible until then.

use grantflow::{
    Authorization, Begun, Callback, Challenges, Client, ClientIdDocument, ClientMetadata, Discovery, Env, Error,
    ErrorCode, Left, Next, Redirect, ResourceDiscovery, Revocation, Server, ServerMetadata, StepUp, Tokens,
};
use grantflow_tests::support::peer::{Browser, Kind, Landing};
use grantflow_tests::support::transport::{SysRng, now};
use http::{Request, StatusCode};

use crate::world::{Got, Outcome, REDIRECT_URI, Row, World, check, failed, start};

const HERE: &[Kind] = &[Kind::Atproto];
/// A client on this machine needs no document: its identifier says everything.
const LOCAL: &str = "http://localhost?redirect_uri=http%3A%2F%2F127.0.0.1%3A8765%2Fcb&scope=atproto";
const DOCUMENT: &str = "https://client.example.com/about.json";
const ELSEWHERE: &str = "https://client.example.com/cb";
const SCOPE: &str = "atproto";

pub(crate) const CHECKS: [Row; 10] = [
    Row { name: "metadata of the resource, its server, and what it demands", check: metadata, on: HERE },
    Row { name: "its API wants a key", check: api, on: HERE },
    Row { name: "pushed by itself, and the person says no", check: says_no, on: HERE },
    Row { name: "pushed by itself, and a code is good for nobody without a key", check: says_yes, on: HERE },
    Row { name: "a refresh without a key does not cost the grant", check: refresh, on: HERE },
    Row { name: "a request that is not pushed is shown to the person all the same", check: not_pushed, on: HERE },
    Row { name: "pushed: what is wrong is said at once", check: refused, on: HERE },
    Row { name: "a client that is a document", check: document, on: HERE },
    Row { name: "a client whose document says something else, or is not there", check: wrong_document, on: HERE },
    Row { name: "revocation of what nobody knows is well", check: nothing_to_revoke, on: HERE },
];

impl World {
    fn told(&self) -> Got<ServerMetadata> {
        Ok(self.agent.run(Discovery::new(self.peer.issuer())?)?)
    }

    fn client_called(&self, id: &str) -> Got<Client> {
        Ok(Client::from(&self.told()?.server()?.client(id).public()?))
    }

    /// The reference to a pushed request, because the metadata demands it.
    fn pushes(&self, authorization: &Authorization) -> Got<Redirect> {
        match authorization.begin(&mut Env::new(now(), &mut SysRng))? {
            Begun::Push(exchange) => Ok(self.agent.run(exchange)?),
            Begun::Redirect(redirect) => Err(format!("it was not pushed: {redirect:?}").into()),
        }
    }

    /// The person decides on its pages.
    fn person_says(&self, says: &str, Redirect { url, pending }: Redirect) -> Got<Callback> {
        let query = serde_urlencoded::to_string([("url", url.as_str()), ("says", says)])?;
        let page =
            Browser::new("http://127.0.0.1/none").visit(&self.peer.at_root(&format!("/_test/person?{query}")))?;
        Ok(pending.receive(&page.page()?.body.parse()?))
    }

    /// Puts a document where the server finds it.
    fn publishes(&self, url: &str, document: &str) -> Outcome {
        let form = [("url", url), ("document", document)];
        Browser::new("http://127.0.0.1/none").submit(&self.peer.at_root("/_test/document"), &form)?.page()?;
        Ok(())
    }
}

fn asks(client: &Client, redirect_uri: &str) -> Result<Authorization, Error> {
    Authorization::new(client, redirect_uri)?.scope(SCOPE)
}

fn metadata(world: &World) -> Outcome {
    let resource = world.agent.run(ResourceDiscovery::new(world.peer.issuer())?)?;
    check(resource.resource() == world.peer.issuer(), resource.resource().to_owned())?;
    let issuer = resource.only_authorization_server().ok_or("not one server")?;
    let told = world.agent.run(resource.discovery(issuer)?)?;
    check(told.issuer().as_str() == world.peer.issuer(), told.issuer().to_string())?;
    check(told.tolerated().is_empty(), format!("{:?}", told.tolerated()))?;
    check(told.authorization_endpoint() == Some(&world.authorization_endpoint()), "authorization endpoint")?;
    check(told.token_endpoint() == Some(&world.token_endpoint()), "token endpoint")?;
    let pushed = world.peer.url(world.places().pushed);
    check(told.pushed_authorization_request_endpoint() == Some(&pushed), "where requests are pushed")?;
    check(told.announces_s256() && told.authorization_response_iss_parameter_supported(), "S256 and `iss`")?;
    let json: serde_json::Value = serde_json::from_str(told.as_json())?;
    for name in ["require_pushed_authorization_requests", "client_id_metadata_document_supported"] {
        check(json[name] == true, name)?;
    }
    let algs = json["dpop_signing_alg_values_supported"].as_array().ok_or("no DPoP")?;
    check(algs.iter().any(|alg| alg == "ES256"), format!("{algs:?}"))
}

fn api(world: &World) -> Outcome {
    let call = |token: Option<&str>| -> Got<(StatusCode, http::HeaderMap)> {
        let mut request = Request::get(world.api());
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let response = world.agent.send(request.body(grantflow::Body::default())?).map_err(|(_, error)| error)?;
        Ok((response.status(), response.headers().clone()))
    };
    let (status, headers) = call(None)?;
    let challenges = Challenges::of(&headers);
    let dpop = challenges.dpop().next().ok_or("no DPoP challenge")?;
    check(status == 401 && dpop.algs().any(|alg| alg == "ES256"), format!("{status}: {challenges:?}"))?;
    check(challenges.bearer().count() == 1 && StepUp::of(status, &headers).is_none(), format!("{challenges:?}"))?;
    let (status, headers) = call(Some("nobody-knows-it"))?;
    let error = Challenges::of(&headers).bearer().find_map(|bearer| bearer.error());
    check(status == 401 && error == Some(ErrorCode::InvalidToken), format!("{status}: {error:?}"))
}

fn says_no(world: &World) -> Outcome {
    let redirect = world.pushes(&asks(&world.client_called(LOCAL)?, REDIRECT_URI)?)?;
    match world.person_says("no", redirect)? {
        Callback::Denied(error) => check(*error.code() == ErrorCode::AccessDenied, error.code().to_string()),
        other => Err(format!("not denied: {other:?}").into()),
    }
}

fn says_yes(world: &World) -> Outcome {
    let redirect = world.pushes(&asks(&world.client_called(LOCAL)?, REDIRECT_URI)?)?;
    let Callback::Granted(exchange) = world.person_says("yes", redirect)? else { return Err("not granted".into()) };
    let (error, left) = failed(world.agent.run(exchange))?;
    let code = error.code().map(ErrorCode::as_str);
    check(code == Some("invalid_dpop_proof") && error.status() == Some(StatusCode::UNAUTHORIZED), error.to_string())?;
    check(!matches!(left, Left::Unknown(_)), format!("{left:?}"))
}

/// It looks at no refresh token before it has seen a proof, so nothing is known about this one.
fn refresh(world: &World) -> Outcome {
    let tokens = Tokens::of_refresh_token(&world.client_called(LOCAL)?, "nobody-knows-it")?.build();
    let (error, left) = failed(world.agent.run(tokens.refresh()?))?;
    let code = error.code().map(ErrorCode::as_str);
    check(code == Some("invalid_dpop_proof") && error.status() == Some(StatusCode::UNAUTHORIZED), error.to_string())?;
    check(!matches!(left, Left::Spent), format!("{left:?}"))
}

fn not_pushed(world: &World) -> Outcome {
    // Its metadata says that it takes none, and a client that is configured by hand does not know.
    let server = Server::new(&world.authorization_endpoint(), &world.token_endpoint())?;
    let client = Client::from(&server.issuer_always_sent(world.peer.issuer())?.client(LOCAL).public()?);
    let Redirect { url, .. } = start(&asks(&client, REDIRECT_URI)?)?;
    match Browser::new(REDIRECT_URI).visit(url.as_str())? {
        Landing::Page(page) => check(page.status == 200 && page.body.contains("clientMetadata"), page.body),
        Landing::Callback(url) => Err(format!("it led to {url}").into()),
    }
}

fn refused(world: &World) -> Outcome {
    let client = world.client_called(LOCAL)?;
    let elsewhere = asks(&client, "http://127.0.0.1:8765/elsewhere")?;
    let scope = Authorization::new(&client, REDIRECT_URI)?.scope("nobody:knows")?;
    for authorization in [elsewhere, scope] {
        let exchange = authorization.push(&mut Env::new(now(), &mut SysRng))?;
        let (error, left) = failed(world.agent.run(exchange))?;
        check(
            error.code().is_some()
                && error.status() == Some(StatusCode::BAD_REQUEST)
                && error.next() == Next::FixConfiguration
                && matches!(left, Left::Intact(_)),
            error.to_string(),
        )?;
    }
    Ok(())
}

/// What a client says about itself, at the URL that is its identifier.
fn about(id: &str) -> Result<ClientIdDocument, Error> {
    let metadata = ClientMetadata::new()
        .client_name("A client of this test")?
        .redirect_uri(ELSEWHERE)?
        .scope(SCOPE)?
        .grant_types(&["authorization_code", "refresh_token"])?
        .response_types(&["code"])?
        // What atproto demands.
        .member("dpop_bound_access_tokens", &true)?;
    ClientIdDocument::new(id, metadata)
}

fn document(world: &World) -> Outcome {
    let document = about(DOCUMENT)?;
    world.publishes(document.client_id(), document.to_json())?;
    // Its metadata says that it takes such clients.
    let client = Client::from(&document.client(&world.told()?.server()?)?);
    for (says, denied) in [("no", true), ("yes", false)] {
        let redirect = world.pushes(&asks(&client, ELSEWHERE)?)?;
        match world.person_says(says, redirect)? {
            Callback::Denied(error) if denied => {
                check(*error.code() == ErrorCode::AccessDenied, error.code().to_string())?;
            }
            Callback::Granted(_) if !denied => {}
            other => return Err(format!("{says}: {other:?}").into()),
        }
    }
    Ok(())
}

fn wrong_document(world: &World) -> Outcome {
    // Another client's document at this client's place, and none.
    let (other, none) = ("https://other.example.com/about.json", "https://none.example.com/about.json");
    world.publishes(other, about(DOCUMENT)?.to_json())?;
    for id in [other, none] {
        let authorization = asks(&world.client_called(id)?, ELSEWHERE)?;
        let (error, left) = failed(world.agent.run(authorization.push(&mut Env::new(now(), &mut SysRng))?))?;
        let code = error.code().map(ErrorCode::as_str);
        check(
            code == Some("invalid_client_metadata") && error.status() == Some(StatusCode::BAD_REQUEST),
            error.to_string(),
        )?;
        check(error.next() == Next::FixConfiguration && matches!(left, Left::Intact(_)), format!("{left:?}"))?;
    }
    Ok(())
}

fn nothing_to_revoke(world: &World) -> Outcome {
    let client = world.client_called(LOCAL)?;
    Ok(world.agent.run(Revocation::of_token(&client, "nobody-knows-it", None)?)?)
}
