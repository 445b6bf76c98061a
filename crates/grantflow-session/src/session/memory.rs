//! What a session remembers, and what it has been asked to do and has not done yet.
//!
//! A login and a logout are wishes: they are noted when somebody asks for them, and carried out by the session's one flight, like a
//! renewal. So a login is in memory from the call on until the store has it, whatever becomes of the caller, and two procedures of one
//! session never run at the same time.

use grantflow::UnixTime;

use crate::error::SessionError;
use crate::fresh::FreshToken;
use crate::renewal::{Insist, Outcome, Plan, Unsaved};
use crate::standing::{Advice, Standing, State};

/// Tells a wish from those before and after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ticket(u64);

#[derive(Default)]
pub(super) struct Memory {
    pub(super) standing: Standing,
    /// A login that is not stored yet. A later one takes its place.
    login: Option<Login>,
    /// Somebody wants the grant removed.
    logout: Option<Ticket>,
    /// How the last logout ended.
    logged_out: Option<(Ticket, Result<(), SessionError>)>,
    tickets: u64,
}

struct Login {
    ticket: Ticket,
    unsaved: Unsaved,
    /// A write of it was begun, and nobody knows whether it was done.
    perhaps_stored: bool,
}

/// What a flight is to do.
pub(super) enum Task {
    /// Renew the grant; store these first, if there are any.
    Renew { unsaved: Option<Unsaved>, weary: Option<FreshToken>, insist: Insist },
    /// Look whether the store has a token; this error, if it has none.
    Look { weary: Option<FreshToken>, error: SessionError },
    /// Store a login that no write was begun for, in place of what is there.
    Login { ticket: Ticket, unsaved: Unsaved },
    /// Store a login that may be stored already, and may have been renewed since by another process.
    LoginAgain { ticket: Ticket, unsaved: Unsaved },
    /// Remove the grant.
    Logout { ticket: Ticket },
}

impl Task {
    /// What a caller insists on.
    pub(super) fn insist(&self) -> Insist {
        if let Self::Renew { insist, .. } = self { *insist } else { Insist::default() }
    }

    /// Whose wish it is.
    pub(super) fn wish(&self) -> Option<Ticket> {
        match self {
            Self::Renew { .. } | Self::Look { .. } => None,
            Self::Login { ticket, .. } | Self::LoginAgain { ticket, .. } | Self::Logout { ticket } => Some(*ticket),
        }
    }
}

impl Memory {
    /// The same session with other settings: what is stored is read anew, and what is not stored is not dropped.
    pub(super) fn anew(&mut self) -> Self {
        let mut anew = Self { login: self.login.take(), tickets: self.tickets, ..Self::default() };
        anew.standing.unsaved = self.standing.unsaved.take();
        anew
    }

    pub(super) fn advice(&self, now: UnixTime, plan: &Plan) -> Advice {
        if self.login.is_some() || self.logout.is_some() {
            // A token of the grant that somebody has replaced or given up is given to nobody.
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

    /// Somebody has logged in.
    pub(super) fn log_in(&mut self, unsaved: Unsaved) -> Ticket {
        let ticket = self.ticket();
        self.login = Some(Login { ticket, unsaved, perhaps_stored: false });
        ticket
    }

    /// Somebody logs out. It holds for every login before it, too.
    pub(super) fn log_out(&mut self) -> Ticket {
        let ticket = self.ticket();
        self.logout = Some(ticket);
        ticket
    }

    fn ticket(&mut self) -> Ticket {
        self.tickets += 1;
        Ticket(self.tickets)
    }

    /// The latest login or logout that is to be carried out.
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

    /// How a logout ended, if it has: its own, or a later one, which removed as much.
    pub(super) fn logout_ended(&self, ticket: Ticket) -> Option<Result<(), SessionError>> {
        let (ended, result) = self.logged_out.as_ref()?;
        (*ended >= ticket).then(|| result.clone())
    }

    /// What a flight that begins now is to do; how it ends already, if there is nothing to be done.
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
        // Between the caller's question and here, another flight may have come and gone.
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

    /// These tokens are about to be written: from now on, they may be in the store or may not. Says whether that was so before.
    pub(super) fn about_to_write(&mut self, wish: Option<Ticket>, tokens: &Unsaved) -> bool {
        match &mut self.login {
            Some(login) if Some(login.ticket) == wish && tokens.is_login() => {
                login.unsaved = tokens.clone();
                core::mem::replace(&mut login.perhaps_stored, true)
            }
            // A later login has taken its place.
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

    /// The grant is out of the store, or it could not be removed and is still there.
    pub(super) fn logout_ends(&mut self, ticket: Ticket, result: Result<(), SessionError>) {
        if result.is_ok() {
            self.standing = Standing::default();
            self.login.take_if(|login| login.ticket < ticket);
        }
        self.logout.take_if(|wanted| *wanted == ticket);
        self.logged_out = Some((ticket, result));
    }

    /// What the end of a login or a renewal means for what is not stored.
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
            // The store could not be asked, or what it holds is no answer: nothing has taken the place of the login.
            Outcome::Failed(
                SessionError::Store(_) | SessionError::Busy | SessionError::Contended | SessionError::Record(_),
            ) => {}
            Outcome::NothingNew => {}
            // It is stored, or it has given way to what somebody has stored or removed since: a renewal goes on only after that.
            _ => {
                self.login.take_if(|login| Some(login.ticket) == wish);
                self.standing.unsaved = None;
            }
        }
    }
}
