//! Callbacks that are not the answer: invented, misplaced, or of another grant.

use grantflow::Callback;
use grantflow_testkit::CallbackFault;

use super::identity::provider;
use super::wire::{parameter, receive};
use super::{Model, Stage, Waiting};

impl Model {
    /// A forged callback: it must end nothing.
    pub(super) fn forge(&mut self, Waiting { pending, url, way }: Waiting, argument: u8) -> Stage {
        let state = parameter(&url, "state");
        let forged = match argument % 8 {
            0 => "code=evil".to_owned(),
            1 => "code=evil&state=".to_owned(),
            2 => format!("code=evil&state={state}x"),
            3 => format!("error=access_denied&state={}", &state[1..]),
            4 => format!("code=evil&state={state}&state={state}"),
            5 => "error=access_denied".to_owned(),
            6 => format!("code=evil&state={}", state.to_ascii_uppercase() + "_"),
            _ => format!("code=evil&state=%ff{state}"),
        };
        let old = self.delivered.get(usize::from(argument) % self.delivered.len().max(1));
        let verdict = match (argument / 64, old) {
            (0 | 1, _) => receive(pending, &self.carried_like(&url, &forged)),
            // A callback that was good once, for another grant.
            (2, Some(old)) => receive(pending, old),
            // Correct, except for the place.
            _ => {
                let place = ["https://app.example/other", "https://bad.example/cb"][usize::from(argument % 2)];
                pending.receive_url(&format!("{place}?code=evil&state={state}&iss=https%3A%2F%2Fas.example"))
            }
        };
        match verdict {
            Callback::Unrelated { pending, why } => {
                self.ledger.show(&why);
                Stage::Waiting(Waiting { pending, url, way })
            }
            other => panic!("a forged callback ended the grant: {other:?}"),
        }
    }

    /// A forged callback in the response mode that the grant waits for.
    fn carried_like(&self, url: &str, parameters: &str) -> grantflow_testkit::Callback {
        // Only the testkit can make the type: take one that it made, of another server, and write into it.
        let mut scratch = provider();
        scratch.knobs().spoil_callback(CallbackFault::Raw(parameters.to_owned()));
        // A pushed request is not in the URL of the redirect: this is its content.
        let query = url.split_once('?').map_or("", |(_, query)| query);
        scratch.visit(&format!("{}?{query}", scratch.authorize_url())).expect("the URL was made for this server")
    }
}
