//! The progress of a request's connection: records that connecting has begun, and that the connection is complete,
//! including proxy and TLS handshake.
//!
//! A deadline in a TLS handshake and one while the server works give the same error. The difference is whether
//! connecting had succeeded, and only a connector sees that.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};

use grantflow::Sent;
use tower_layer::Layer;
use tower_service::Service;

tokio::task_local! {
    /// Of the request that is being polled. Without a pool, reqwest connects in the request's future.
    static PROGRESS: Progress;
}

/// It only goes up: a request that may have been sent stays so.
#[derive(Clone, Default)]
pub(crate) struct Progress(Arc<AtomicU8>);

const BEGUN: u8 = 1;
const CONNECTED: u8 = 2;

impl Progress {
    /// Polls a request, with this visible to the connector.
    pub(crate) async fn of<F: Future>(self, request: F) -> F::Output {
        PROGRESS.scope(self, request).await
    }

    /// Whether the failure of this request proves that it was not sent. If no connector was seen at work, the phase of
    /// the error decides.
    pub(crate) fn sent(&self, error: &reqwest::Error) -> Sent {
        match self.0.load(Ordering::SeqCst) {
            BEGUN => Sent::NotSent,
            0 if error.is_builder() || error.is_connect() => Sent::NotSent,
            _ => Sent::MaybeSent,
        }
    }
}

/// Wraps every connector.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RecordConnecting;

impl<S> Layer<S> for RecordConnecting {
    type Service = Recorder<S>;

    fn layer(&self, inner: S) -> Recorder<S> {
        Recorder(inner)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Recorder<S>(S);

impl<S, T> Service<T> for Recorder<S>
where
    S: Service<T>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, target: T) -> Self::Future {
        let progress = PROGRESS.try_with(Progress::clone).unwrap_or_default();
        progress.0.fetch_max(BEGUN, Ordering::SeqCst);
        let connecting = self.0.call(target);
        Box::pin(async move {
            let connection = connecting.await?;
            progress.0.fetch_max(CONNECTED, Ordering::SeqCst);
            Ok(connection)
        })
    }
}
