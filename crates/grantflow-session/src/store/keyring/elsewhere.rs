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
    Elsewhere { work: Some(work), thread: None, bell: Bell::default() }
}

struct Elsewhere<T, F> {
    work: Option<F>,
    thread: Option<JoinHandle<T>>,
    bell: Bell,
}

/// Rung when the work is over.
#[derive(Clone, Default)]
struct Bell(Arc<Mutex<(bool, Option<Waker>)>>);

/// Rings when it is dropped: after a panic too.
struct Rope(Bell);

impl Drop for Rope {
    fn drop(&mut self) {
        let waker = {
            let mut bell = lock(&self.0.0);
            bell.0 = true;
            bell.1.take()
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
            let rope = Rope(self.bell.clone());
            let thread = thread::Builder::new().name("grantflow-keyring".to_owned()).spawn(move || {
                let _rope = rope;
                work()
            });
            match thread {
                Ok(thread) => self.thread = Some(thread),
                Err(_) => return Poll::Ready(None),
            }
        }
        {
            let mut bell = lock(&self.bell.0);
            if !bell.0 {
                bell.1 = Some(context.waker().clone());
                return Poll::Pending;
            }
        }
        // It has rung the bell, so that it ends at once.
        Poll::Ready(self.thread.take().and_then(|thread| thread.join().ok()))
    }
}
