//! What the errors of hyper-util's client prove.

use core::error::Error as StdError;

use grantflow::Sent;
use hyper_util::client::legacy;

/// For [`Agent::phase`](crate::Agent::phase) over hyper-util's legacy client: after an error in connecting, including
/// the TLS handshake, the request was certainly not sent. The client's error is also found if layers have wrapped it
/// and name it as their source. Feature `hyper-util`.
pub fn hyper_util_phase(error: &(dyn StdError + 'static)) -> Sent {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<legacy::Error>() {
            return if error.is_connect() { Sent::NotSent } else { Sent::MaybeSent };
        }
        next = error.source();
    }
    Sent::MaybeSent
}
