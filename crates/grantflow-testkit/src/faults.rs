//! What goes wrong at which endpoint, and when.

use std::collections::VecDeque;

use crate::{CallbackFault, Endpoint, Knobs, Misbehaviour};

/// How the answers of one endpoint go wrong.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    always: Vec<Misbehaviour>,
    next: VecDeque<Misbehaviour>,
}

impl Knobs {
    /// Makes a coming token answer go wrong in this way: the next one that has no entry yet.
    pub fn misbehave(&mut self, how: Misbehaviour) -> &mut Knobs {
        self.next.push_back(how);
        self
    }

    /// Makes a coming answer of this endpoint go wrong in this way: the next one that has no entry yet. At
    /// [`Endpoint::Token`] this is [`Knobs::misbehave`].
    ///
    /// The answers of [`Endpoint::Authorization`] are pages and redirects. Edits change nothing there: use a
    /// replacement, or [`Knobs::spoil_callback`].
    pub fn misbehave_at(&mut self, endpoint: Endpoint, how: Misbehaviour) -> &mut Knobs {
        match endpoint {
            Endpoint::Token => self.next.push_back(how),
            endpoint => self.faults.entry(endpoint).or_default().next.push_back(how),
        }
        self
    }

    /// Makes every answer of this endpoint go wrong in this way, before the entry of [`Knobs::misbehave_at`] is
    /// applied. At [`Endpoint::Token`] this adds to [`Knobs::always`].
    pub fn always_at(&mut self, endpoint: Endpoint, how: Misbehaviour) -> &mut Knobs {
        match endpoint {
            Endpoint::Token => self.always.push(how),
            endpoint => self.faults.entry(endpoint).or_default().always.push(how),
        }
        self
    }

    /// Makes this endpoint behave well again: it removes all entries of [`Knobs::misbehave_at`] and
    /// [`Knobs::always_at`].
    pub fn behave_at(&mut self, endpoint: Endpoint) -> &mut Knobs {
        if endpoint == Endpoint::Token {
            self.always.clear();
            self.next.clear();
        }
        self.faults.remove(&endpoint);
        self
    }

    /// What goes wrong with the answer that this endpoint is about to give.
    pub(crate) fn take_faults(&mut self, endpoint: Endpoint) -> Vec<Misbehaviour> {
        let (always, next) = match endpoint {
            Endpoint::Token => (&self.always, &mut self.next),
            endpoint => match self.faults.get_mut(&endpoint) {
                Some(faults) => (&faults.always, &mut faults.next),
                None => return Vec::new(),
            },
        };
        always.iter().cloned().chain(next.pop_front()).collect()
    }

    /// Makes a coming callback go wrong in this way: the next one that has no entry yet.
    pub fn spoil_callback(&mut self, how: CallbackFault) -> &mut Knobs {
        self.next_callbacks.push_back(how);
        self
    }
}
