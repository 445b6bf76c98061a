//! The side of `oauth2` 5.0.0, used as its documentation shows.

use std::cell::RefCell;
use std::hint::black_box;

use oauth2::basic::{BasicClient, BasicErrorResponse, BasicTokenResponse};
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet, HttpRequest,
    HttpResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RefreshToken, RequestTokenError, Scope,
    TokenResponse, TokenUrl, url::Url,
};

use crate::inputs::*;
use crate::{Case, Operation};

type Client = BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// The transport's error when it should only look at the request.
#[derive(Debug)]
struct Stop;

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("stop")
    }
}

impl std::error::Error for Stop {}

type Outcome = Result<BasicTokenResponse, RequestTokenError<Stop, BasicErrorResponse>>;

#[inline(never)]
fn measured_url(client: &Client, verifier: &PkceCodeVerifier, state: CsrfToken) -> (Url, CsrfToken) {
    client
        .authorize_url(|| state)
        .add_scope(Scope::new(SCOPES[0].to_owned()))
        .add_scope(Scope::new(SCOPES[1].to_owned()))
        .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(verifier))
        .url()
}

/// A code exchange, up to the transport, which keeps the request and either stops or answers.
#[inline(never)]
fn measured_code(
    client: &Client,
    code: AuthorizationCode,
    verifier: PkceCodeVerifier,
    transport: &Transport,
) -> Outcome {
    client.exchange_code(code).set_pkce_verifier(verifier).request(&|request| transport.carry(request))
}

#[inline(never)]
fn measured_refresh_request(client: &Client, token: &RefreshToken, transport: &Transport) -> Outcome {
    client.exchange_refresh_token(token).request(&|request| transport.carry(request))
}

/// The documentation's example of a callback, from the request's target to a code that can be exchanged.
#[inline(never)]
fn measured_callback(target: &str, expected: &CsrfToken) -> AuthorizationCode {
    let url = Url::parse(&("http://localhost".to_owned() + target)).unwrap();
    let code = url
        .query_pairs()
        .find(|(key, _)| key == "code")
        .map(|(_, code)| AuthorizationCode::new(code.into_owned()))
        .unwrap();
    let state =
        url.query_pairs().find(|(key, _)| key == "state").map(|(_, state)| CsrfToken::new(state.into_owned())).unwrap();
    assert_eq!(state.secret(), expected.secret());
    code
}

#[derive(Default)]
struct Transport {
    seen: RefCell<Option<HttpRequest>>,
    answer: RefCell<Option<HttpResponse>>,
}

impl Transport {
    fn answering(status: u16, body: &[u8]) -> Self {
        let response = http::Response::builder()
            .status(status)
            .header("content-type", "application/json")
            .body(body.to_vec())
            .unwrap();
        Self { seen: RefCell::new(None), answer: RefCell::new(Some(response)) }
    }

    fn carry(&self, request: HttpRequest) -> Result<HttpResponse, Stop> {
        *self.seen.borrow_mut() = Some(request);
        self.answer.borrow_mut().take().ok_or(Stop)
    }
}

fn client() -> Client {
    BasicClient::new(ClientId::new(CLIENT_ID.to_owned()))
        .set_client_secret(ClientSecret::new(CLIENT_SECRET.to_owned()))
        .set_auth_uri(AuthUrl::new(AUTHORIZE_URL.to_owned()).unwrap())
        .set_token_uri(TokenUrl::new(TOKEN_URL.to_owned()).unwrap())
        .set_redirect_uri(RedirectUrl::new(REDIRECT_URI.to_owned()).unwrap())
        .set_auth_type(AuthType::RequestBody)
}

fn code() -> AuthorizationCode {
    AuthorizationCode::new(CODE.to_owned())
}

fn verifier() -> PkceCodeVerifier {
    PkceCodeVerifier::new(VERIFIER.to_owned())
}

/// One run of an operation with its inputs. For the two answers that is the whole exchange: there is no public way to
/// pass an answer alone, so the request's share is subtracted (see [`Operation::share_to_subtract`]).
pub(crate) fn case(operation: Operation) -> Case {
    let client = client();
    match operation {
        Operation::Url => {
            let (verifier, state) = (verifier(), CsrfToken::new(STATE.to_owned()));
            Box::new(move || Box::new(measured_url(black_box(&client), black_box(&verifier), state)))
        }
        Operation::CodeRequest | Operation::TokenResponse | Operation::ErrorResponse => {
            let transport = match operation {
                Operation::TokenResponse => Transport::answering(200, TOKEN_ANSWER),
                Operation::ErrorResponse => Transport::answering(400, ERROR_ANSWER),
                _ => Transport::default(),
            };
            let (code, verifier) = (code(), verifier());
            Box::new(move || {
                let outcome = measured_code(black_box(&client), black_box(code), black_box(verifier), &transport);
                Box::new((outcome, transport))
            })
        }
        Operation::RefreshRequest => {
            let (token, transport) = (RefreshToken::new(REFRESH_TOKEN.to_owned()), Transport::default());
            Box::new(move || {
                let outcome = measured_refresh_request(black_box(&client), black_box(&token), &transport);
                Box::new((outcome, transport))
            })
        }
        Operation::Callback => {
            let (target, state) = (callback_target(), CsrfToken::new(STATE.to_owned()));
            Box::new(move || Box::new(measured_callback(black_box(&target), black_box(&state))))
        }
    }
}

/// The results, for comparison with the other side's.
pub(crate) fn results() -> crate::Results {
    let client = client();
    let transport = Transport::answering(200, TOKEN_ANSWER);
    let tokens = measured_code(&client, code(), verifier(), &transport).unwrap();
    let refresh = Transport::default();
    let _ = measured_refresh_request(&client, tokens.refresh_token().unwrap(), &refresh);
    let refused = measured_code(&client, code(), verifier(), &Transport::answering(400, ERROR_ANSWER));
    let Err(RequestTokenError::ServerResponse(refusal)) = refused else { unreachable!("the answer is an error") };
    crate::Results {
        url: measured_url(&client, &verifier(), CsrfToken::new(STATE.to_owned())).0.to_string(),
        code_request: transport.seen.take().unwrap().into_body(),
        refresh_request: refresh.seen.take().unwrap().into_body(),
        tokens: (
            tokens.access_token().secret().clone(),
            tokens.refresh_token().unwrap().secret().clone(),
            tokens.expires_in().unwrap(),
        ),
        error: refusal.error().as_ref().to_owned(),
    }
}
