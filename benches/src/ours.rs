//! grantflow's side. Each `measured_…` function is one operation; its input was made before.

use std::hint::black_box;

use grantflow::{
    Authorization, Callback, CodeExchange, ConfidentialClient, EntropyFailed, Env, Exchange, Failure, PendingCallback,
    Redirect, Server, Step, Tokens, UnixTime,
};
use http::{Request, Response, Uri};

use crate::inputs::*;
use crate::{Case, Operation};

const NOW: UnixTime = UnixTime::from_secs(1_750_000_000);

/// Returns the octets of the inputs' state, then of their verifier.
struct Fixed;

impl grantflow::Entropy for Fixed {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), EntropyFailed> {
        let (state, verifier) = bytes.split_at_mut(32);
        state.copy_from_slice(&STATE_OCTETS);
        verifier.copy_from_slice(&VERIFIER_OCTETS);
        Ok(())
    }
}

#[inline(never)]
fn measured_url(authorization: &Authorization) -> Redirect {
    authorization.start(&mut Env::new(NOW, &mut Fixed)).unwrap()
}

#[inline(never)]
fn measured_code_request(exchange: &CodeExchange) -> Request<grantflow::Body> {
    exchange.request(&mut Env::new(NOW, &mut Fixed)).unwrap()
}

#[inline(never)]
fn measured_token_response(exchange: CodeExchange, response: Response<Vec<u8>>) -> Tokens {
    match exchange.respond(&mut Env::new(NOW, &mut Fixed), response) {
        Ok(Step::Done(tokens)) => tokens,
        _ => unreachable!("the answer is good"),
    }
}

#[inline(never)]
fn measured_error_response(exchange: CodeExchange, response: Response<Vec<u8>>) -> Failure<CodeExchange> {
    exchange.respond(&mut Env::new(NOW, &mut Fixed), response).err().unwrap()
}

#[inline(never)]
fn measured_refresh_request(tokens: Tokens) -> (grantflow::RefreshExchange, Request<grantflow::Body>) {
    let exchange = tokens.refresh().ok().unwrap();
    let request = exchange.request(&mut Env::new(NOW, &mut Fixed)).unwrap();
    (exchange, request)
}

#[inline(never)]
fn measured_callback(pending: PendingCallback, target: &str) -> CodeExchange {
    let uri: Uri = target.parse().unwrap();
    match pending.receive(&uri) {
        Callback::Granted(exchange) => exchange,
        _ => unreachable!("the callback is good"),
    }
}

fn client() -> ConfidentialClient {
    Server::new(AUTHORIZE_URL, TOKEN_URL).unwrap().client(CLIENT_ID).secret_post(CLIENT_SECRET).unwrap()
}

fn authorization() -> Authorization {
    Authorization::new(&client(), REDIRECT_URI).unwrap().scope(&*SCOPES.join(" ")).unwrap()
}

fn exchange(authorization: &Authorization) -> CodeExchange {
    measured_callback_setup(measured_url_setup(authorization).pending)
}

// The same steps under other names, so that making an operation's input is not counted as the operation.
fn measured_url_setup(authorization: &Authorization) -> Redirect {
    authorization.start(&mut Env::new(NOW, &mut Fixed)).unwrap()
}

fn measured_callback_setup(pending: PendingCallback) -> CodeExchange {
    match pending.receive(&callback_target().parse().unwrap()) {
        Callback::Granted(exchange) => exchange,
        _ => unreachable!("the callback is good"),
    }
}

fn tokens(authorization: &Authorization) -> Tokens {
    let response = Response::new(TOKEN_ANSWER);
    match exchange(authorization).respond(&mut Env::new(NOW, &mut Fixed), response) {
        Ok(Step::Done(tokens)) => tokens,
        _ => unreachable!("the answer is good"),
    }
}

fn answer(status: u16, body: &[u8]) -> Response<Vec<u8>> {
    Response::builder().status(status).header("content-type", "application/json").body(body.to_vec()).unwrap()
}

/// One run of an operation with its inputs. The client outlives the run, as it does in a program.
pub(crate) fn case(operation: Operation) -> Case {
    let authorization = authorization();
    match operation {
        Operation::Url => Box::new(move || Box::new((measured_url(black_box(&authorization)), authorization))),
        Operation::CodeRequest => {
            let exchange = exchange(&authorization);
            Box::new(move || Box::new((measured_code_request(black_box(&exchange)), exchange, authorization)))
        }
        Operation::TokenResponse => {
            let (exchange, response) = (exchange(&authorization), answer(200, TOKEN_ANSWER));
            Box::new(move || {
                Box::new((measured_token_response(black_box(exchange), black_box(response)), authorization))
            })
        }
        Operation::ErrorResponse => {
            let (exchange, response) = (exchange(&authorization), answer(400, ERROR_ANSWER));
            Box::new(move || {
                Box::new((measured_error_response(black_box(exchange), black_box(response)), authorization))
            })
        }
        Operation::RefreshRequest => {
            let tokens = tokens(&authorization);
            Box::new(move || Box::new((measured_refresh_request(black_box(tokens)), authorization)))
        }
        Operation::Callback => {
            let (pending, target) = (measured_url_setup(&authorization).pending, callback_target());
            Box::new(move || Box::new((measured_callback(black_box(pending), black_box(&target)), authorization)))
        }
    }
}

/// The results, for comparison with the other side's.
pub(crate) fn results() -> crate::Results {
    let authorization = authorization();
    let exchange = exchange(&authorization);
    let request = exchange.request(&mut Env::new(NOW, &mut Fixed)).unwrap();
    let tokens = tokens(&authorization);
    let tokens_shown = (
        tokens.bearer().unwrap().expose_secret().to_owned(),
        tokens.refresh_token().unwrap().expose_secret().to_owned(),
        tokens.expires_at().unwrap().saturating_since(NOW),
    );
    let (_, refresh) = measured_refresh_request(tokens);
    let failure = measured_error_response(self::exchange(&authorization), answer(400, ERROR_ANSWER));
    crate::Results {
        url: measured_url(&authorization).url.as_str().to_owned(),
        code_request: Vec::from(request.into_body()),
        refresh_request: Vec::from(refresh.into_body()),
        tokens: tokens_shown,
        error: failure.error.code().unwrap().as_str().to_owned(),
    }
}
