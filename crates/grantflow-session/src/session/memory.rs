//! What a session remembers, and what it was asked to do and has not done yet.
//!
//! A login and a logout are wishes: they are noted at the call, and the session's one flight carries them out like a
//! renewal. So a login is in memory from the call until the store has it, even if its caller is gone, and two procedures
//! of one session never run at the same time.

use std::sync::{Arc, Weak};

use grantflow::{Tokens, UnixTime};

use crate::error::SessionError;
use crate::fresh::FreshToken;
use crate::renewal::{Insist, Outcome, Plan, Stored, Unsaved};
use crate::standing::{Advice, Standing, State};
use crate::sync::{Mutex, lock};

/// Identifies a wish. Later wishes have greater tickets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ticket(u64);

#[derive(Default)]
pub(super) struct Memory {
    pub(super) standing: Standing,
    /// A login that is not stored yet. A later one replaces it.
    login: Option<Login>,
    /// A logout that is not carried out yet.
    logout: Option<Ticket>,
    /// The callers that want what a logout removes. If they have gone, it is not kept for them.
    takers: Vec<Weak<Mutex<Vec<Taken>>>>,
    /// How the last logout ended.
    logged_out: Option<(Ticket, Result<(), SessionError>)>,
    tickets: u64,
}

/// What a logout removes.
#[derive(Clone)]
pub(super) enum Taken {
    /// From the store.
    Stored(Stored),
    /// From the memory.
    Unsaved(Unsaved),
}

impl Taken {
    /// The tokens, if they belong to the plan's client and can be read.
    pub(super) fn tokens(&self, plan: &Plan) -> Option<Tokens> {
        let stored = match self {
            Self::Stored(stored) => stored.expose_tokens(),
            Self::Unsaved(unsaved) => unsaved.expose_tokens(),
        };
        Tokens::from_stored(stored.ok()?, &plan.client).ok()
    }
}

struct Login {
    ticket: Ticket,
    unsaved: Unsaved,
    /// A write of it was begun, and the outcome is unknown.
    perhaps_stored: bool,
}

/// What a flight has to do.
pub(super) enum Task {
    /// Renew the grant. Store these tokens first, if there are any.
    Renew { unsaved: Option<Unsaved>, weary: Option<FreshToken>, insist: Insist },
    /// Look whether the store has a token. If it has none, end with this error.
    Look { weary: Option<FreshToken>, error: SessionError },
    /// Store a login whose write was not begun, in place of what is there.
    Login { ticket: Ticket, unsaved: Unsaved },
    /// Store a login that may be stored already and may have been renewed since by another process.
    LoginAgain { ticket: Ticket, unsaved: Unsaved },
    /// Remove the grant.
    Logout { ticket: Ticket },
}

impl Task {
    /// What a caller insists on.
    pub(super) fn insist(&self) -> Insist {
        if let Self::Renew { insist, .. } = self { *insist } else { Insist::default() }
    }

    /// The wish that it carries out.
    pub(super) fn wish(&self) -> Option<Ticket> {
        match self {
            Self::Renew { .. } | Self::Look { .. } => None,
            Self::Login { ticket, .. } | Self::LoginAgain { ticket, .. } | Self::Logout { ticket } => Some(*ticket),
        }
    }
}

impl Memory {
    /// The same session with other settings: the store is read again, and what is not stored is kept.
    pub(super) fn anew(&mut self) -> Self {
        let mut anew = Self { login: self.login.take(), tickets: self.tickets, ..Self::default() };
        anew.standing.unsaved = self.standing.unsaved.take();
        anew
    }

    pub(super) fn advice(&self, now: UnixTime, plan: &Plan) -> Advice {
        if self.login.is_some() || self.logout.is_some() {
            // A grant that was replaced or removed gives no token.
            return Advice::Renew;
        }
        self.standing.advice(now, plan)
    }

    pub(super) fn usable(&self, now: UnixTime) -> Option<FreshToken> {
        if self.login.is_some() || self.logout.is_some() { None } else { self.standing.usable(now) }
    }

    pub(super) fn state(&self, now: UnixTime, under_way: bool) -> State {
        match self.standing.state(now, under_way) {
            State::Refreshing => State::Refreshing,
            _ if self.login.is_some() => State::Due,
            state => state,
        }
    }

    pub(super) fn unsaved(&self) -> Option<Unsaved> {
        let login = self.login.as_ref().map(|login| login.unsaved.clone());
        login.or_else(|| self.standing.unsaved.clone())
    }

    /// A person has logged in.
    pub(super) fn log_in(&mut self, unsaved: Unsaved) -> Ticket {
        let ticket = self.ticket();
        self.login = Some(Login { ticket, unsaved, perhaps_stored: false });
        ticket
    }

    /// A person logs out. This also ends every login before it. `taker` gets what is removed.
    pub(super) fn log_out(&mut self, taker: Option<&Arc<Mutex<Vec<Taken>>>>) -> Ticket {
        let ticket = self.ticket();
        self.logout = Some(ticket);
        self.takers.retain(|taker| taker.strong_count() > 0);
        self.takers.extend(taker.map(Arc::downgrade));
        ticket
    }

    fn ticket(&mut self) -> Ticket {
        self.tickets += 1;
        Ticket(self.tickets)
    }

    /// The latest login or logout that has to be carried out.
    pub(super) fn wish(&self) -> Option<Ticket> {
        self.logout.max(self.login.as_ref().map(|login| login.ticket))
    }

    /// Whether there are tokens of a renewal that are not stored.
    pub(super) fn has_unsaved(&self) -> bool {
        self.standing.unsaved.is_some()
    }

    /// Whether the login or logout of this ticket still waits.
    pub(super) fn awaits(&self, ticket: Ticket) -> bool {
        self.logout == Some(ticket) || self.awaits_login(ticket)
    }

    /// Whether the login of this ticket still waits.
    pub(super) fn awaits_login(&self, ticket: Ticket) -> bool {
        self.login.as_ref().is_some_and(|login| login.ticket == ticket)
    }

    /// The outcome of a logout, if it has ended: its own, or that of a later one, which removed as much.
    pub(super) fn logout_ended(&self, ticket: Ticket) -> Option<Result<(), SessionError>> {
        let (ended, result) = self.logged_out.as_ref()?;
        (*ended >= ticket).then(|| result.clone())
    }

    /// What a flight that begins now has to do, or its result, if there is nothing to do.
    pub(super) fn task(&mut self, now: UnixTime, plan: &Plan) -> Result<Task, Result<FreshToken, SessionError>> {
        if let Some(ticket) = self.logout {
            return Ok(Task::Logout { ticket });
        }
        if let Some(Login { ticket, unsaved, perhaps_stored }) = &self.login {
            let (ticket, unsaved) = (*ticket, unsaved.clone());
            return Ok(if *perhaps_stored {
                Task::LoginAgain { ticket, unsaved }
            } else {
                Task::Login { ticket, unsaved }
            });
        }
        // Between the caller's question and this point, another flight may have begun and ended.
        match self.standing.advice(now, plan) {
            Advice::Use(token) => Err(Ok(token)),
            Advice::Wait(error) => Err(Err(error)),
            Advice::Look(error) => Ok(Task::Look { weary: self.standing.weary.clone(), error }),
            Advice::RenewAhead(_) | Advice::Renew => {
                let (unsaved, weary) = (self.standing.unsaved.clone(), self.standing.weary.clone());
                Ok(Task::Renew { unsaved, weary, insist: self.standing.insist(now) })
            }
        }
    }

    /// Notes that these tokens are about to be written: from now on they may be in the store. Returns whether that was
    /// so before.
    pub(super) fn about_to_write(&mut self, wish: Option<Ticket>, tokens: &Unsaved) -> bool {
        match &mut self.login {
            Some(login) if Some(login.ticket) == wish && tokens.is_login() => {
                login.unsaved = tokens.clone();
                core::mem::replace(&mut login.perhaps_stored, true)
            }
            // A later login has replaced it.
            _ if tokens.is_login() => true,
            _ => {
                self.standing.unsaved = Some(tokens.clone());
                true
            }
        }
    }

    /// A login was certainly not written.
    pub(super) fn not_written(&mut self, wish: Option<Ticket>) {
        if let Some(login) = &mut self.login
            && Some(login.ticket) == wish
        {
            login.perhaps_stored = false;
        }
    }

    /// The grant is removed from the store, or it could not be removed and is still there.
    pub(super) fn logout_ends(&mut self, ticket: Ticket, result: Result<(), SessionError>, taken: Option<Taken>) {
        if result.is_ok() {
            let renewed = std::mem::take(&mut self.standing).unsaved;
            let login = self.login.take_if(|login| login.ticket < ticket).map(|login| login.unsaved);
            let all: Vec<Taken> =
                taken.into_iter().chain([renewed, login].into_iter().flatten().map(Taken::Unsaved)).collect();
            for taker in self.takers.drain(..).filter_map(|taker| taker.upgrade()) {
                lock(&taker).extend(all.iter().cloned());
            }
        }
        self.logout.take_if(|wanted| *wanted == ticket);
        self.logged_out = Some((ticket, result));
    }

    /// Takes what the end of a login or a renewal means for unsaved tokens.
    pub(super) fn ends(&mut self, wish: Option<Ticket>, outcome: &Outcome) {
        match outcome {
            Outcome::NotStored { unsaved, .. } if unsaved.is_login() => {
                if let Some(login) = &mut self.login
                    && Some(login.ticket) == wish
                {
                    login.unsaved = unsaved.clone();
                    login.perhaps_stored = true;
                }
            }
            Outcome::NotStored { unsaved, .. } => self.standing.unsaved = Some(unsaved.clone()),
            // The store could not be asked, or its content is no answer: nothing has replaced the login.
            Outcome::Failed(
                SessionError::Store(_) | SessionError::Busy | SessionError::Contended | SessionError::Record(_),
            ) => {}
            Outcome::NothingNew => {}
            // It is stored, or a later write or removal has replaced it: a renewal begins only after that.
            _ => {
                self.login.take_if(|login| Some(login.ticket) == wish);
                self.standing.unsaved = None;
            }
        }
    }
}
