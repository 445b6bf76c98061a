//! Every interleaving, by loom: `RUSTFLAGS="--cfg grantflow_loom" cargo test -p grantflow-session --lib --release models`.

use loom::future::block_on;
use loom::thread;

use super::*;

/// A future that another thread completes once and for all. It counts how often it was begun.
#[derive(Clone)]
struct Gate(Arc<Mutex<Door>>);

struct Door {
    open: bool,
    waker: Option<Waker>,
    begun: usize,
}

impl Gate {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(Door { open: false, waker: None, begun: 0 })))
    }

    fn work(&self) -> Work<u32> {
        lock(&self.0).begun += 1;
        let gate = self.clone();
        Box::pin(core::future::poll_fn(move |context| {
            let mut door = lock(&gate.0);
            if door.open {
                return Poll::Ready(7);
            }
            door.waker = Some(context.waker().clone());
            Poll::Pending
        }))
    }

    fn open(&self) {
        let waker = {
            let mut door = lock(&self.0);
            door.open = true;
            door.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

fn poll_once(join: &mut Join<u32>) {
    // Its wake-ups go nowhere, because it is dropped soon.
    let _ = Pin::new(join).poll(&mut Context::from_waker(Waker::noop()));
}

#[test]
fn a_leader_can_be_cancelled_at_any_moment() {
    loom::model(|| {
        let (flight, gate) = (Flight::new(), Gate::new());
        let mut leader = flight.join(|| gate.work());
        let follower = flight.join(|| gate.work());
        let io = {
            let gate = gate.clone();
            thread::spawn(move || gate.open())
        };
        let cancelled = thread::spawn(move || {
            poll_once(&mut leader);
            drop(leader);
        });
        assert_eq!(block_on(follower), Some(7));
        io.join().unwrap();
        cancelled.join().unwrap();
        assert_eq!(lock(&gate.0).begun, 1, "the work was begun again");
    });
}

#[test]
fn two_who_wait_get_one_result() {
    loom::model(|| {
        let (flight, gate) = (Flight::new(), Gate::new());
        let first = flight.join(|| gate.work());
        let second = flight.join(|| gate.work());
        let other = thread::spawn(move || block_on(second));
        gate.open();
        assert_eq!(block_on(first), Some(7));
        assert_eq!(other.join().unwrap(), Some(7));
        assert_eq!(lock(&gate.0).begun, 1);
    });
}

#[test]
fn the_next_caller_continues_after_all_have_gone() {
    loom::model(|| {
        let (flight, gate) = (Flight::new(), Gate::new());
        let mut gone = flight.join(|| gate.work());
        let io = {
            let gate = gate.clone();
            thread::spawn(move || gate.open())
        };
        poll_once(&mut gone);
        let was_done = !flight.is_under_way();
        drop(gone);
        let next = flight.join(|| gate.work());
        assert_eq!(block_on(next), Some(7));
        io.join().unwrap();
        assert_eq!(lock(&gate.0).begun, 1 + usize::from(was_done));
    });
}

#[test]
fn of_two_callers_with_a_due_token_one_leads() {
    loom::model(|| {
        let (flight, gate) = (Flight::<u32>::new(), Gate::new());
        gate.open();
        let lead = |flight: Flight<u32>, gate: Gate| move || flight.lead(|| gate.work()).map(|join| block_on(join));
        let other = thread::spawn(lead(flight.clone(), gate.clone()));
        let results = [lead(flight, gate.clone())(), other.join().unwrap()];
        let led = results.iter().flatten().count();
        assert!(results.iter().flatten().all(|result| *result == Some(7)));
        // Two, if one ended before the other began.
        assert!(led >= 1 && lock(&gate.0).begun == led, "{led}");
    });
}

#[test]
fn a_result_is_kept_until_every_caller_has_it() {
    loom::model(|| {
        let (flight, gate) = (Flight::new(), Gate::new());
        gate.open();
        let first = flight.join(|| gate.work());
        let second = flight.join(|| gate.work());
        let third = flight.join(|| gate.work());
        let waits = thread::spawn(move || block_on(second));
        let goes = thread::spawn(move || drop(third));
        assert_eq!(block_on(first), Some(7));
        assert_eq!(waits.join().unwrap(), Some(7), "it was dropped too early");
        goes.join().unwrap();
        let slot = lock(&flight.0.slot);
        assert!(slot.result.is_none() && slot.owed == 0, "it is still in memory");
    });
}
