//! The last link in the chain of connectors: records that the connection is complete, including the TLS handshake.
//!
//! A handshake that is cut and a request without an answer give the same error. The difference is whether connecting
//! had succeeded, and only a connector sees that.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::Uri;
use ureq::Error;
use ureq::unversioned::transport::{ConnectionDetails, Connector, DefaultConnector, Transport};

use crate::same_authority;

/// ureq's own chain, followed by a record that it has succeeded. Made for one request.
#[derive(Debug)]
pub(crate) struct RecordConnected {
    chain: Arc<DefaultConnector>,
    target: Uri,
    connected: Arc<AtomicBool>,
}

impl RecordConnected {
    pub(crate) fn new(chain: Arc<DefaultConnector>, target: Uri, connected: Arc<AtomicBool>) -> Self {
        Self { chain, target, connected }
    }
}

impl Connector<()> for RecordConnected {
    type Out = Box<dyn Transport>;

    fn connect(&self, details: &ConnectionDetails<'_>, chained: Option<()>) -> Result<Option<Self::Out>, Error> {
        let transport = self.chain.connect(details, chained)?;
        // A connection to a proxy is not one to the server: nothing was sent through it yet.
        if transport.is_some() && same_authority(details.uri, &self.target) {
            self.connected.store(true, Ordering::SeqCst);
        }
        Ok(transport)
    }
}
