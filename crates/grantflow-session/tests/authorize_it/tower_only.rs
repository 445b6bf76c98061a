use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use grantflow_session::authorize::tower::{AuthorizeLayer, Error};
use grantflow_session::{Key, MemoryStore, Session, Tower};
use http::{Request, Response};
use tower::{Layer as _, Service, ServiceBuilder, ServiceExt as _};

use crate::world::{World, client, login};

const API: &str = "https://api.example";

fn request() -> Request<String> {
    Request::post(format!("{API}/clubs")).body("a body".to_owned()).unwrap()
}

/// The API's answer, by the world's server, in the same process.
fn answer(world: &World, authorization: &http::HeaderMap) -> Response<String> {
    let values = authorization.get_all("authorization").iter().map(|value| value.to_str().unwrap().to_owned());
    let mut response = Response::new(String::new());
    if !world.knows(&values.collect::<Vec<_>>()) {
        *response.status_mut() = http::StatusCode::UNAUTHORIZED;
        let challenge = http::HeaderValue::from_static("Bearer error=\"invalid_token\"");
        response.headers_mut().insert("www-authenticate", challenge);
    }
    response
}

/// A service that must be asked for room before each call, and gives none at the first time.
struct Strict {
    world: World,
    calls: Arc<AtomicUsize>,
    asked: u32,
}

impl Clone for Strict {
    fn clone(&self) -> Self {
        Self { world: self.world.clone(), calls: Arc::clone(&self.calls), asked: 0 }
    }
}

impl Service<Request<String>> for Strict {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Response<String>, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.asked += 1;
        if self.asked == 1 {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<String>) -> Self::Future {
        assert!(self.asked >= 2, "called without being ready");
        assert_eq!(request.body(), "a body");
        assert_eq!(request.extensions().get(), Some(&"kept"));
        self.asked = 0;
        self.calls.fetch_add(1, Ordering::SeqCst);
        std::future::ready(Ok(answer(&self.world, request.headers())))
    }
}

#[tokio::test]
async fn each_try_has_a_service_that_is_ready_for_it() {
    let world = World::new();
    let session = world.session(API);
    world.revoke();
    let calls = Arc::new(AtomicUsize::new(0));
    let strict = Strict { world: world.clone(), calls: Arc::clone(&calls), asked: 0 };
    let mut service = AuthorizeLayer::new(session).replaying_clones().layer(strict);
    for expected in [2, 3] {
        let mut request = request();
        request.extensions_mut().insert("kept");
        let response = service.ready().await.unwrap().call(request).await.unwrap();
        assert_eq!((response.status().as_u16(), calls.load(Ordering::SeqCst)), (200, expected));
    }
    assert_eq!(world.refreshes(), 1);
}

static PASSED: AtomicUsize = AtomicUsize::new(0);

/// The session renews over the same stack that its requests use, and that stack has room for one.
#[tokio::test]
async fn a_request_that_waits_for_a_token_takes_up_no_room() {
    let world = World::new();
    let handler = {
        let world = world.clone();
        tower::service_fn(move |request: Request<axum::body::Body>| {
            let world = world.clone();
            async move {
                tokio::task::yield_now().await;
                let (head, body) = request.into_parts();
                if head.uri.host() == Some("api.example") {
                    return Ok::<_, Infallible>(answer(&world, &head.headers));
                }
                let body = axum::body::to_bytes(body, 4096).await.unwrap();
                let response = world.provider(|provider| provider.handle(&Request::from_parts(head, body)));
                Ok(response.map(|body| String::from_utf8(body).unwrap()))
            }
        })
    };
    let stack = ServiceBuilder::new().concurrency_limit(1).service(handler);
    let agent = grantflow_tower::Agent::with_body(stack.clone(), tokio::time::sleep, axum::body::Body::new);
    let outside = {
        // The world's clock, in 2025, goes forward when the test says so.
        fn now() -> grantflow::UnixTime {
            let passed = PASSED.load(Ordering::SeqCst) as u64;
            grantflow::UnixTime::from_secs(grantflow_testkit::Server::START + passed)
        }
        Tower::new(agent, tokio::time::sleep).clock(now)
    };
    let (client, tokens) = world.provider(|provider| {
        let client = client(provider, API);
        let tokens = login(provider, &client);
        (client, tokens)
    });
    let session = Session::new(&client, Key::new("ada").unwrap(), MemoryStore::new(), outside);
    session.prime(tokens).await.unwrap();
    world.revoke();

    let layer = AuthorizeLayer::new(session.clone())
        .replaying(|body: &axum::body::Body| http_body::Body::is_end_stream(body).then(axum::body::Body::empty));
    let service = layer.layer(stack);
    let get = || {
        let request = Request::get(format!("{API}/clubs")).body(axum::body::Body::empty()).unwrap();
        let service = service.clone();
        async { tokio::time::timeout(Duration::from_secs(5), service.oneshot(request)).await.expect("no deadlock") }
    };
    // Refused, renewed, sent again.
    assert_eq!(get().await.unwrap().status(), 200);
    // Renewed before it is sent, with others in the queue. Not at once: a token that is refused as soon as it comes is
    // renewed after a pause.
    PASSED.store(120, Ordering::SeqCst);
    session.refused(&session.token().await.unwrap());
    let (a, b, c) = tokio::join!(get(), get(), get());
    assert!([a, b, c].into_iter().all(|response| response.unwrap().status() == 200));
    assert_eq!(world.refreshes(), 2);
}

#[tokio::test]
async fn the_services_own_error_is_kept() {
    let world = World::new();
    let service = tower::service_fn(async |_: Request<String>| Err::<Response<String>, _>(std::fmt::Error));
    let service = AuthorizeLayer::new(world.session(API)).layer(service);
    match service.oneshot(request()).await {
        Err(Error::Transport(error)) => assert!(error.is::<std::fmt::Error>()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn it_fits_into_a_stack() {
    let world = World::new();
    let service = {
        let world = world.clone();
        tower::service_fn(move |request: Request<String>| {
            let answer = answer(&world, request.headers());
            async { Ok::<_, Infallible>(answer) }
        })
    };
    let session = world.session(API);
    let service = ServiceBuilder::new()
        .boxed_clone()
        .concurrency_limit(8)
        .layer(AuthorizeLayer::new(session.clone()))
        .concurrency_limit(8)
        .service(service);
    assert_eq!(service.oneshot(request()).await.unwrap().status(), 200);
    assert!(!format!("{:?}", AuthorizeLayer::<String>::new(session)).contains("s3cret"));
}
