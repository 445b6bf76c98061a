//! The end of a body: all of it, without its compression.

use grantflow::Body;
use http::HeaderMap;

use crate::collector::{BodyError, Collector};

impl Collector {
    /// The complete body. With the feature `gzip`, it is decompressed if `headers` name a coding that is known, and
    /// also from gzip if they name none; their entries about the compressed body (`Content-Encoding`, `Content-Length`)
    /// are removed. A body stays as it is if its coding is unknown, or if it does not begin like that coding.
    ///
    /// # Errors
    /// With the feature `gzip`: [`BodyError::TooLarge`], if the decompressed body is larger than the limit;
    /// [`BodyError::Undecodable`], if the body was cut or damaged.
    pub fn finish(self, headers: &mut HeaderMap) -> Result<Body, BodyError> {
        #[cfg(feature = "gzip")]
        let collected = crate::gzip::undo(self, headers)?;
        #[cfg(not(feature = "gzip"))]
        let (collected, _) = (self, headers);
        Ok(collected.into_body())
    }
}
