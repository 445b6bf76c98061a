//! The body of a request for a service.

use core::convert::Infallible;
use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll};

use bytes::Bytes;
use grantflow::Body;
use http_body::{Frame, SizeHint};

/// A request's body. It holds credentials: it is redacted when printed, and wiped when its last byte is dropped.
/// It is deliberately neither `Clone` nor `Default`: layers that retry or follow redirects need one of these, and
/// neither belongs below a grant.
/// belongs below a grant.
///
/// ```compile_fail,E0277
/// fn retry<B: Clone>(_: B) {}
/// # fn example(body: grantflow_tower::RequestBody) {
/// retry(body);
/// # }
/// ```
///
/// ```compile_fail,E0277
/// fn follow_redirects<B: Default>(_: B) {}
/// # fn example(body: grantflow_tower::RequestBody) {
/// follow_redirects(body);
/// # }
/// ```
pub struct RequestBody(Bytes);

impl RequestBody {
    /// All bytes.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

impl From<Body> for RequestBody {
    fn from(body: Body) -> Self {
        // The bytes stay in the body, which wipes them.
        Self(Bytes::from_owner(body))
    }
}

impl http_body::Body for RequestBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let bytes = core::mem::take(&mut self.0);
        Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.len() as u64)
    }
}

impl fmt::Debug for RequestBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestBody([{} bytes])", self.0.len())
    }
}
