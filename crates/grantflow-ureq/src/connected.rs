//! The last link of the chain that connects: it records that there is a connection, TLS handshake included.
//!
//! A handshake that is cut off and a request that gets no answer give the same error. What tells them apart is whether
//! connecting had succeeded, and that only a connector sees.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::Uri;
use ureq::Error;
use ureq::unversioned::transport::{ConnectionDetails, Connector, DefaultConnector, Transport};

use crate::same_authority;

/// ureq's own chain, and after it a note that it has succeeded. Made for one request.
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
        // A connection to a proxy is none to the server: nothing has been sent through it yet.
        if transport.is_some() && same_authority(details.uri, &self.target) {
            self.connected.store(true, Ordering::SeqCst);
        }
        Ok(transport)
    }
}
