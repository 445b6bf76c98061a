//! Work in a separate thread, awaited.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crate::sync::{Mutex, lock};

/// Does `work` in a separate thread, from the first poll on. `None` if it panicked, or if no thread can be started.
pub(super) fn elsewhere<T, F>(work: F) -> impl Future<Output = Option<T>> + Send
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + Unpin + 'static,
{
    Elsewhere { work: Some(work), thread: None, end: End::default() }
}

struct Elsewhere<T, F> {
    work: Option<F>,
    thread: Option<JoinHandle<T>>,
    end: End,
}

/// Set when the work has ended, and the waker of the task that waits for it.
#[derive(Clone, Default)]
struct End(Arc<Mutex<(bool, Option<Waker>)>>);

/// Sets the end when it is dropped, so also after a panic.
struct SetOnDrop(End);

impl Drop for SetOnDrop {
    fn drop(&mut self) {
        let waker = {
            let mut end = lock(&self.0.0);
            end.0 = true;
            end.1.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T, F> Future for Elsewhere<T, F>
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + Unpin + 'static,
{
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        if let Some(work) = self.work.take() {
            let set_on_drop = SetOnDrop(self.end.clone());
            let thread = thread::Builder::new().name("grantflow-keyring".to_owned()).spawn(move || {
                let _set_on_drop = set_on_drop;
                work()
            });
            match thread {
                Ok(thread) => self.thread = Some(thread),
                Err(_) => return Poll::Ready(None),
            }
        }
        {
            let mut end = lock(&self.end.0);
            if !end.0 {
                end.1 = Some(context.waker().clone());
                return Poll::Pending;
            }
        }
        // The thread has set the end, so it ends at once.
        Poll::Ready(self.thread.take().and_then(|thread| thread.join().ok()))
    }
}
