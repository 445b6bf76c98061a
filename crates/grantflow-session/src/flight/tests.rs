use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;

use super::*;

#[derive(Default)]
struct Counted(AtomicUsize);

impl Wake for Counted {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// A future that a test completes. It counts how often it was begun.
#[derive(Clone, Default)]
struct Gate(Arc<Mutex<Door>>);

#[derive(Default)]
struct Door {
    result: Option<u32>,
    waker: Option<Waker>,
    begun: usize,
}

impl Gate {
    fn work(&self) -> Work<u32> {
        lock(&self.0).begun += 1;
        let gate = self.clone();
        Box::pin(core::future::poll_fn(move |context| {
            let mut door = lock(&gate.0);
            match door.result.take() {
                Some(result) => Poll::Ready(result),
                None => {
                    door.waker = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        }))
    }

    fn open(&self, result: u32) {
        let waker = {
            let mut door = lock(&self.0);
            door.result = Some(result);
            door.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn begun(&self) -> usize {
        lock(&self.0).begun
    }
}

fn poll<T: Clone + Send + 'static>(join: &mut Join<T>, waker: &Arc<Counted>) -> Poll<Option<T>> {
    let waker = Waker::from(Arc::clone(waker));
    Pin::new(join).poll(&mut Context::from_waker(&waker))
}

#[test]
fn all_who_wait_get_the_result_of_one_flight() {
    let (flight, gate) = (Flight::new(), Gate::default());
    let wakers: Vec<_> = (0..3).map(|_| Arc::new(Counted::default())).collect();
    let mut joins: Vec<_> = (0..3).map(|_| flight.join(|| gate.work())).collect();
    for (join, waker) in joins.iter_mut().zip(&wakers) {
        assert!(poll(join, waker).is_pending());
    }
    gate.open(7);
    for at in [1, 0, 2] {
        assert_eq!(wakers[at].0.load(Ordering::SeqCst), 1, "each is woken once");
        assert_eq!(poll(&mut joins[at], &wakers[at]), Poll::Ready(Some(7)));
    }
    assert_eq!(gate.begun(), 1);
    // The next caller begins again.
    let mut join = flight.join(|| gate.work());
    assert!(poll(&mut join, &wakers[0]).is_pending());
    assert_eq!(gate.begun(), 2);
}

#[test]
fn when_a_leader_is_cancelled_another_caller_continues_the_same_work() {
    let (flight, gate) = (Flight::new(), Gate::default());
    let (first, second) = (Arc::new(Counted::default()), Arc::new(Counted::default()));
    let mut leader = flight.join(|| gate.work());
    let mut follower = flight.join(|| gate.work());
    assert!(poll(&mut leader, &first).is_pending());
    assert!(poll(&mut follower, &second).is_pending());
    drop(leader);
    gate.open(9);
    assert_eq!(second.0.load(Ordering::SeqCst), 1, "the follower was told to take over");
    assert_eq!(poll(&mut follower, &second), Poll::Ready(Some(9)));
    assert_eq!(gate.begun(), 1);
}

#[test]
fn a_leader_that_is_never_polled_again_delays_no_other_caller() {
    let (flight, gate) = (Flight::new(), Gate::default());
    let (first, second) = (Arc::new(Counted::default()), Arc::new(Counted::default()));
    let mut paused = flight.join(|| gate.work());
    let mut other = flight.join(|| gate.work());
    assert!(poll(&mut paused, &first).is_pending());
    assert!(poll(&mut other, &second).is_pending());
    gate.open(4);
    assert_eq!(second.0.load(Ordering::SeqCst), 1);
    assert_eq!(poll(&mut other, &second), Poll::Ready(Some(4)));
    drop(paused);
}

#[test]
fn a_flight_without_callers_waits_for_the_next_one() {
    let (flight, gate) = (Flight::new(), Gate::default());
    let waker = Arc::new(Counted::default());
    let mut leader = flight.join(|| gate.work());
    assert!(poll(&mut leader, &waker).is_pending());
    assert!(flight.lead(|| gate.work()).is_none(), "the work is in progress");
    drop(leader);
    gate.open(3);
    let mut next = flight.lead(|| gate.work()).expect("no caller works on it");
    assert_eq!(poll(&mut next, &waker), Poll::Ready(Some(3)));
    assert_eq!(gate.begun(), 1);
}

#[test]
fn when_the_work_panics_every_caller_is_told() {
    let flight: Flight<u32> = Flight::new();
    let waker = Arc::new(Counted::default());
    let mut follower = {
        let mut leader = flight.join(|| Box::pin(async { panic!("a plug panicked") }));
        let follower = flight.join(|| Box::pin(async { 1 }));
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| poll(&mut leader, &waker)));
        assert!(caught.is_err());
        follower
    };
    assert_eq!(poll(&mut follower, &waker), Poll::Ready(None));
    assert_eq!(poll(&mut flight.join(|| Box::pin(async { 2 })), &waker), Poll::Ready(Some(2)));
}

#[test]
fn a_wake_up_inside_the_poll_is_not_lost() {
    let flight = Flight::new();
    let waker = Arc::new(Counted::default());
    let mut first = true;
    let mut join = flight.join(|| {
        Box::pin(core::future::poll_fn(move |context| {
            if core::mem::take(&mut first) {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            Poll::Ready(5)
        }))
    });
    assert_eq!(poll(&mut join, &waker), Poll::Ready(Some(5)));
}

#[test]
fn a_result_that_all_have_had_is_not_kept() {
    let waker = Arc::new(Counted::default());
    let flight = Flight::new();
    let token = Arc::new(());
    let watch = Arc::downgrade(&token);
    let mut join = flight.join(|| Box::pin(core::future::ready(token)));
    let other = flight.join(|| Box::pin(core::future::pending()));
    let mut paused = flight.join(|| Box::pin(core::future::pending()));
    drop(poll(&mut join, &waker));
    assert!(watch.upgrade().is_some(), "two have not had it");
    drop(other);
    assert!(watch.upgrade().is_some(), "one has not had it");
    assert!(matches!(poll(&mut paused, &waker), Poll::Ready(Some(_))));
    assert!(watch.upgrade().is_none());

    let token = Arc::new(());
    let watch = Arc::downgrade(&token);
    drop(poll(&mut flight.join(|| Box::pin(core::future::ready(token))), &waker));
    assert!(watch.upgrade().is_none(), "all have had it");
}
