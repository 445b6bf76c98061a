//! What all threads of a listener share: open sockets, visitors and their requests, and what has arrived.

use std::collections::BTreeMap;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use grantflow::PendingKey;
use http::Request;

use crate::answer::Answer;

/// How many visitors are served in parallel. A place costs a sleeping thread. The more places there are, the longer a
/// new visitor is safe from a flood of others.
pub(crate) const PLACES: usize = 256;
/// How many visitors' threads may exist: those of the places, and those of visitors who were sent away and are about to
/// end.
const MAX_THREADS: usize = 2 * PLACES;
/// The number of places that always exist.
const FEWEST_PLACES: usize = 4;
/// How often starting a thread for a visitor is tried, and the pause after each try.
const ATTEMPTS: usize = 10;
const SOON: Duration = Duration::from_millis(10);
/// How long a new visitor waits for one of those threads to end, before it is refused.
const ROOM_SOON: Duration = Duration::from_millis(100);
/// How long a visitor may stay silent when file descriptors are short.
const TIME_TO_ASK: Duration = Duration::from_millis(250);
/// How often a closing thread looks again. The sockets' threads report when they are done, so this hardly ever matters.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

#[derive(Default)]
pub(crate) struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
pub(crate) struct State {
    /// The addresses that are listened at.
    pub(crate) open: Vec<SocketAddr>,
    /// Why a socket was closed by an error.
    pub(crate) accept_error: Option<io::Error>,
    /// A `Stop` was used.
    pub(crate) is_stopped: bool,
    /// No more visitors are accepted.
    pub(crate) is_over: bool,
    pub(crate) arrived: Option<Arrived>,
    visitors: BTreeMap<u64, Visitor>,
    threads: usize,
    admitted: u64,
    /// How many places do not exist because threads are short.
    missing: usize,
}

/// The callback that has come.
pub(crate) struct Arrived {
    /// The login's key, for a browser that sends its callback again.
    pub(crate) key: PendingKey,
    pub(crate) page: Arc<str>,
    pub(crate) is_page_delivered: bool,
}

struct Visitor {
    stream: Arc<TcpStream>,
    came: Instant,
    stage: Stage,
}

/// The stage of a visitor. Its thread waits for the answer on a channel: with one condition variable, each answer would
/// wake all of them.
enum Stage {
    /// The request is not complete yet; or the answer is written, and the visitor may take a moment to leave.
    Idle,
    /// The answer is being written.
    Answering,
    /// The request waits for the thread in `Listener::wait`, which may not have started yet.
    Asking(Arc<Request<Vec<u8>>>, SyncSender<Answer>),
    /// The thread in `Listener::wait` judges the request.
    Judged(SyncSender<Answer>),
}

impl Visitor {
    fn is_idle(&self) -> bool {
        matches!(self.stage, Stage::Idle)
    }
}

/// The next task of the thread in `Listener::wait`.
pub(crate) enum Turn {
    /// Judge the request of this visitor.
    Judge(u64, Arc<Request<Vec<u8>>>),
    Stopped,
    /// No socket is open any more.
    Closed(Option<io::Error>),
    Late,
}

impl Shared {
    /// No code panics with the lock held. If it did, the state would still be true.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, and wakes all threads that wait for a change.
    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        let result = change(&mut self.lock());
        self.changed.notify_all();
        result
    }

    /// Waits until `find` returns something, at most until `until` (`None`: for ever).
    pub(crate) fn wait<R>(&self, until: Option<Instant>, mut find: impl FnMut(&mut State) -> Option<R>) -> Option<R> {
        let mut state = self.lock();
        loop {
            if let Some(found) = find(&mut state) {
                return Some(found);
            }
            state = match until.map(|until| until.saturating_duration_since(Instant::now())) {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(Duration::ZERO) => return None,
                Some(left) => self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0,
            };
        }
    }

    /// For the thread in `Listener::wait`, until `until`.
    pub(crate) fn next(&self, until: Option<Instant>) -> Turn {
        let is_late = || until.is_some_and(|until| until <= Instant::now());
        let next = self.wait(until, |state| {
            if state.is_stopped {
                Some(Turn::Stopped)
            } else if state.open.is_empty() {
                Some(Turn::Closed(state.accept_error.take()))
            } else if is_late() {
                // Even if more requests come.
                Some(Turn::Late)
            } else {
                state.question().map(|(number, request)| Turn::Judge(number, request))
            }
        });
        next.unwrap_or(Turn::Late)
    }

    /// Answers a visitor, and may set what has arrived. Then the other waiting visitors look at that.
    pub(crate) fn reply(&self, number: u64, answer: Answer, arrived: Option<Arrived>) {
        let mut state = self.lock();
        if let Some(visitor) = state.visitors.get_mut(&number)
            && let Stage::Judged(reply) = std::mem::replace(&mut visitor.stage, Stage::Answering)
        {
            // A visitor that has gone misses nothing that matters.
            let _ = reply.try_send(answer);
        }
        if arrived.is_some() {
            state.arrived = arrived;
            for visitor in state.visitors.values_mut().filter(|visitor| !visitor.is_idle()) {
                visitor.stage = Stage::Answering;
            }
        }
    }

    /// A place for a visitor, in which a thread serves it; `None` if there is none.
    ///
    /// If all places are taken, the visitor goes that has been here longest without a request that is about to be
    /// answered. So a new visitor is read before many silent ones, and a flood only harms slow visitors.
    fn admit(self: &Arc<Self>, stream: Arc<TcpStream>) -> Option<Place> {
        let mut state = self.lock();
        while state.visitors.len() >= PLACES - state.missing {
            state.send_one_away();
        }
        if state.threads >= MAX_THREADS {
            drop(state);
            let until = Instant::now().checked_add(ROOM_SOON);
            self.wait(until, |state| (state.threads < MAX_THREADS).then_some(()))?;
            state = self.lock();
        }
        if state.is_over {
            return None;
        }
        state.threads += 1;
        state.admitted += 1;
        let number = state.admitted;
        let visitor = Visitor { stream: Arc::clone(&stream), came: Instant::now(), stage: Stage::Idle };
        state.visitors.insert(number, visitor);
        Some(Place { shared: Arc::clone(self), number, stream })
    }

    /// Admits a visitor, and lets `serve` start a thread for it. If the system has no more threads, there are fewer
    /// places from then on, and an older visitor has to go.
    pub(crate) fn let_in(self: &Arc<Self>, stream: TcpStream, serve: impl Fn(Place) -> io::Result<()>) {
        let stream = Arc::new(stream);
        for _ in 0..ATTEMPTS {
            let Some(place) = self.admit(Arc::clone(&stream)) else { return };
            if serve(place).is_ok() {
                return;
            }
            let threads = self.change(|state| {
                state.missing = PLACES.saturating_sub(state.threads.max(FEWEST_PLACES));
                state.send_one_away();
                state.threads
            });
            // Its thread ends soon.
            let soon = Instant::now().checked_add(SOON);
            self.wait(soon, |state| (state.threads < threads).then_some(()));
        }
    }

    /// Accepts no more visitors: closes the sockets, and ends all visits. Calls `wake` with each address whose thread
    /// sleeps in `accept`, because std has no other way to end it.
    pub(crate) fn close(&self, wake: impl Fn(SocketAddr), patience: Duration) {
        let until = Instant::now().checked_add(patience);
        self.change(|state| {
            state.is_over = true;
            while !state.visitors.is_empty() {
                state.send_one_away();
            }
        });
        loop {
            let open = self.lock().open.clone();
            // More than once only if a connection could not be made.
            open.into_iter().for_each(&wake);
            let soon = Instant::now().checked_add(LOOK_AGAIN);
            let is_closed = self.wait(soon, |state| state.open.is_empty().then_some(()));
            if is_closed.is_some() || until.is_none_or(|until| Instant::now() >= until) {
                return;
            }
        }
    }
}

impl State {
    /// The oldest request that was not judged yet.
    fn question(&mut self) -> Option<(u64, Arc<Request<Vec<u8>>>)> {
        self.visitors.iter_mut().find_map(|(number, visitor)| {
            let Stage::Asking(request, reply) = &visitor.stage else { return None };
            let (request, reply) = (Arc::clone(request), reply.clone());
            visitor.stage = Stage::Judged(reply);
            Some((*number, request))
        })
    }

    fn set_stage(&mut self, number: u64, stage: Stage) {
        if let Some(visitor) = self.visitors.get_mut(&number) {
            visitor.stage = stage;
        }
    }

    /// Frees one place, if any is taken. Its thread finds the connection shut, and ends.
    fn send_one_away(&mut self) {
        let idle = self.visitors.iter().find(|(_, visitor)| visitor.is_idle());
        let Some(number) = idle.or(self.visitors.iter().next()).map(|(number, _)| *number) else { return };
        self.send_away(number);
    }

    /// Ends the visit that has been slow for longest, if that is longer than a visitor with a request needs.
    pub(crate) fn end_the_slowest_visit(&mut self) {
        let is_slow = |visitor: &Visitor| visitor.is_idle() && visitor.came.elapsed() > TIME_TO_ASK;
        let Some(number) = self.visitors.iter().find(|(_, visitor)| is_slow(visitor)).map(|(number, _)| *number) else {
            return;
        };
        self.send_away(number);
    }

    fn send_away(&mut self, number: u64) {
        if let Some(visitor) = self.visitors.remove(&number) {
            let _ = visitor.stream.shutdown(Shutdown::Both);
        }
    }
}

/// A visitor's place, which is free again when this is dropped.
pub(crate) struct Place {
    pub(crate) shared: Arc<Shared>,
    number: u64,
    pub(crate) stream: Arc<TcpStream>,
}

/// Why a request was not judged by the thread in `Listener::wait`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NoAnswer {
    /// It was not judged in time.
    Unseen,
    /// The visitor was sent away, or the wait has ended: [`State::arrived`] says whether the callback has come.
    Over,
}

impl Place {
    /// Gives a request to the thread in `Listener::wait`, and waits for the answer, at most for `patience`.
    pub(crate) fn ask(&self, request: &Arc<Request<Vec<u8>>>, patience: Duration) -> Result<Answer, NoAnswer> {
        let (reply, answered) = sync_channel(1);
        self.shared.change(|state| {
            let asking = Stage::Asking(Arc::clone(request), reply);
            // After the callback has come, no request is judged any more.
            let stage = if state.arrived.is_some() { Stage::Answering } else { asking };
            state.set_stage(self.number, stage);
        });
        answered.recv_timeout(patience).map_err(|error| match error {
            RecvTimeoutError::Timeout => NoAnswer::Unseen,
            RecvTimeoutError::Disconnected => NoAnswer::Over,
        })
    }

    /// The answer is complete: the visitor may be sent away.
    pub(crate) fn is_answered(&self) {
        self.shared.lock().set_stage(self.number, Stage::Idle);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.shared.change(|state| {
            state.threads -= 1;
            state.visitors.remove(&self.number);
        });
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::net::{Ipv4Addr, TcpListener};

    use super::*;

    /// Both ends of a connection.
    fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (listener.accept().unwrap().0, client)
    }

    impl Place {
        /// As if the request were complete.
        fn begin(&self) {
            let request = Arc::new(Request::new(Vec::new()));
            self.shared.lock().set_stage(self.number, Stage::Asking(request, sync_channel(1).0));
        }
    }

    fn is_shut(client: &mut TcpStream) -> bool {
        client.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        matches!(client.read(&mut [0]), Ok(0))
    }

    #[test]
    fn when_all_places_are_taken_the_oldest_goes_who_is_idle() {
        let shared = Arc::new(Shared::default());
        let (places, mut clients): (Vec<_>, Vec<_>) = (0..PLACES)
            .map(|_| {
                let (server, client) = pair();
                (shared.admit(server.into()).unwrap(), client)
            })
            .unzip();
        assert!(!is_shut(&mut clients[0]) && !is_shut(&mut clients[1]));
        places[0].begin();
        let (server, mut newest) = pair();
        let newest_place = shared.admit(server.into()).unwrap();
        assert!(is_shut(&mut clients[1]), "the oldest who is idle");
        assert!(!is_shut(&mut clients[0]) && !is_shut(&mut clients[2]) && !is_shut(&mut newest));
        assert_eq!(shared.lock().visitors.len(), PLACES);

        // If no visitor is idle, the oldest of all.
        places.iter().chain([&newest_place]).for_each(Place::begin);
        let (server, _client) = pair();
        let _place = shared.admit(server.into()).unwrap();
        assert!(is_shut(&mut clients[0]) && !is_shut(&mut clients[2]));
    }

    #[test]
    fn a_visitor_who_asks_and_is_sent_away_does_not_wait_for_the_answer() {
        let shared = Arc::new(Shared::default());
        let (server, _client) = pair();
        let place = shared.admit(server.into()).unwrap();
        let asking =
            std::thread::spawn(move || place.ask(&Arc::new(Request::new(Vec::new())), Duration::from_secs(20)).err());
        while shared.wait(None, |state| state.question()).is_none() {}
        shared.change(State::send_one_away);
        assert_eq!(asking.join().unwrap(), Some(NoAnswer::Over));
    }

    #[test]
    fn a_visitor_has_time_to_ask_though_descriptors_are_short() {
        let two = |shared: &Arc<Shared>| -> (Vec<_>, Vec<_>) {
            let two = (0..2).map(|_| {
                let (server, client) = pair();
                (shared.admit(server.into()).unwrap(), client)
            });
            two.unzip()
        };
        // A busy machine may take all of their time before this test looks: then they are no longer the right ones.
        let (shared, places, mut clients) = loop {
            let (shared, came) = (Arc::new(Shared::default()), Instant::now());
            let (places, clients) = two(&shared);
            shared.change(State::end_the_slowest_visit);
            if came.elapsed() < TIME_TO_ASK {
                break (shared, places, clients);
            }
        };
        assert!(!is_shut(&mut clients[0]) && !is_shut(&mut clients[1]));
        std::thread::sleep(TIME_TO_ASK);
        places[0].begin();
        shared.change(State::end_the_slowest_visit);
        assert!(!is_shut(&mut clients[0]) && is_shut(&mut clients[1]), "the first has asked");
    }

    #[test]
    fn threads_that_do_not_end_are_not_added_to_without_end() {
        let shared = Arc::new(Shared::default());
        let (places, _clients): (Vec<_>, Vec<_>) = (0..MAX_THREADS)
            .map(|_| {
                let (server, client) = pair();
                (shared.admit(server.into()).unwrap(), client)
            })
            .unzip();
        assert!(shared.admit(pair().0.into()).is_none());
        drop(places);
        assert!(shared.admit(pair().0.into()).is_some());
    }

    #[test]
    fn where_threads_are_short_somebody_goes_who_has_been_here_for_longer() {
        let shared = Arc::new(Shared::default());
        let inside = Mutex::new(Vec::new());
        // Ten threads are available, and one that is sent away ends when another is needed.
        let serve = |place: Place| {
            let mut inside = inside.lock().unwrap();
            let here = |place: &Place| place.shared.lock().visitors.contains_key(&place.number);
            inside.retain(here);
            if inside.len() == 10 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            inside.push(place);
            Ok(())
        };
        let mut clients = Vec::new();
        for _ in 0..30 {
            let (server, client) = pair();
            shared.let_in(server, serve);
            clients.push(client);
        }
        assert_eq!(inside.lock().unwrap().len(), 10);
        assert!(is_shut(&mut clients[0]) && is_shut(&mut clients[19]));
        assert!(!is_shut(&mut clients[20]) && !is_shut(&mut clients[29]), "the newest are served");
    }

    #[test]
    fn where_no_thread_can_be_had_a_visitor_is_turned_away() {
        let shared = Arc::new(Shared::default());
        let (server, mut client) = pair();
        shared.let_in(server, |_| Err(io::ErrorKind::WouldBlock.into()));
        assert!(is_shut(&mut client) && shared.lock().threads == 0);
    }

    #[test]
    fn a_place_that_is_given_back_is_free() {
        let shared = Arc::new(Shared::default());
        for _ in 0..3 * PLACES {
            let (server, mut client) = pair();
            drop(shared.admit(server.into()).unwrap());
            assert!(is_shut(&mut client));
        }
        let state = shared.lock();
        assert_eq!((state.threads, state.visitors.len()), (0, 0));
    }

    #[test]
    fn nobody_is_let_in_when_all_is_over() {
        let shared = Arc::new(Shared::default());
        let (server, mut client) = pair();
        let _place = shared.admit(server.into()).unwrap();
        shared.close(|_| (), Duration::from_secs(1));
        assert!(is_shut(&mut client) && shared.admit(pair().0.into()).is_none());
    }

    #[test]
    fn closing_gives_up_on_a_socket_that_does_not_close() {
        let shared = Shared::default();
        shared.change(|state| state.open.push((Ipv4Addr::LOCALHOST, 1).into()));
        let woken = std::cell::Cell::new(0);
        let started = Instant::now();
        shared.close(|_| woken.set(woken.get() + 1), Duration::from_secs(1));
        assert!(started.elapsed() < Duration::from_secs(10) && woken.get() > 1);
    }
}
