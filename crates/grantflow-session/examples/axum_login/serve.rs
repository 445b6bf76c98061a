//! How both are served. `axum::serve` lets a visitor take any time for a request. Here each request has a deadline, and
//! the number of connections is limited.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// The greatest number of connections. Further ones wait in the system's queue.
const CONNECTIONS: usize = 1000;
/// How long a request may take, from its head to its answer, including its body and the question to the provider. More
/// than the deadline of the agent, so that the agent ends first.
const REQUEST: Duration = Duration::from_secs(45);

/// Serves until the process ends. `head` is how long a connection may take to send a request's head, the first and each
/// later one.
pub(crate) async fn serve(socket: TcpListener, router: Router, head: Duration) {
    let router = router.layer(from_fn(in_time));
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        // The semaphore is never closed.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let Ok((stream, _)) = socket.accept().await else {
            // Most likely there are no file descriptors left.
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        let service = TowerToHyperService::new(router.clone());
        tokio::spawn(async move {
            let mut server = http1::Builder::new();
            server.timer(TokioTimer::new()).header_read_timeout(head).max_buf_size(64 * 1024);
            // It fails for every visitor that goes away, which is no news.
            let _ = server.serve_connection(TokioIo::new(stream), service).await;
            drop(place);
        });
    }
}

async fn in_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(REQUEST, next.run(request)).await {
        Ok(answer) => answer,
        Err(_) => StatusCode::REQUEST_TIMEOUT.into_response(),
    }
}
