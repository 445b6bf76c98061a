//! A tokio runtime that carries the work of a session.
//!
//! A round trip is a task of this runtime. So its sockets and timers belong to one runtime from start to end, although
//! a task of another runtime, or a thread without one, may wait for the answer. When the runtime ends, the task ends,
//! and the waiting side gets an error.

use core::panic::AssertUnwindSafe;
use core::time::Duration;
use std::panic::{catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use grantflow::Sent;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::JoinHandle;

use super::guarded::{Failed, guarded};
use crate::error::CannotBlock;
use crate::store::Later;

const NO_RUNTIME: CannotBlock = CannotBlock::new(
    "there is no tokio runtime here to carry the request; give the outside the handle of one, or call token().await inside of one",
);
const CURRENT_THREAD: CannotBlock =
    CannotBlock::new("it runs a current-thread runtime, which would stop; call token().await, or use spawn_blocking");
const LOCAL: CannotBlock =
    CannotBlock::new("tokio does not let this task block, as in a LocalSet; call token().await, or use spawn_blocking");

/// How long a current-thread runtime may take to show that another thread runs it. A busy machine needs a part of it; all of it is waited
/// for by a caller who does what cannot work.
const SIGN_OF_LIFE: Duration = Duration::from_secs(1);

/// The runtime that was given, or else the current one.
#[derive(Clone, Default)]
pub(crate) struct Carrier(Option<Handle>);

impl Carrier {
    pub(crate) fn on(runtime: Handle) -> Self {
        Self(Some(runtime))
    }

    fn handle(&self) -> Option<Handle> {
        self.0.clone().or_else(|| Handle::try_current().ok())
    }

    /// Runs `work` as a task, for at most `limit`. If it has no result, says whether it was begun, and why it failed.
    pub(crate) async fn carry<T: Send + 'static>(
        &self,
        limit: Duration,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, (Sent, Failed)> {
        let Some(runtime) = self.handle() else { return Err((Sent::NotSent, Failed::NoRuntime)) };
        let begun = Arc::new(AtomicBool::new(false));
        let task = Task(runtime.spawn({
            let begun = Arc::clone(&begun);
            async move {
                begun.store(true, Ordering::SeqCst);
                work.await
            }
        }));
        let failed = match guarded(limit, task).await {
            Ok(Ok(result)) => return Ok(result),
            Ok(Err(error)) if error.is_panic() => Failed::Panicked,
            Ok(Err(_)) => Failed::ShutDown,
            Err(failed) => failed,
        };
        let sent = if begun.load(Ordering::SeqCst) { Sent::MaybeSent } else { Sent::NotSent };
        Err((sent, failed))
    }

    pub(crate) fn spawn(&self, renewal: Later<'static, ()>) {
        if let Some(runtime) = self.handle() {
            runtime.spawn(renewal);
        }
    }

    pub(crate) fn block_on(&self, work: Later<'_, ()>) -> Result<(), CannotBlock> {
        let Ok(here) = Handle::try_current() else {
            if self.0.is_none() {
                return Err(NO_RUNTIME);
            }
            pollster::block_on(work);
            return Ok(());
        };
        if is_multi_thread(&here) {
            return in_place(work);
        }
        let carried_elsewhere = self.0.as_ref().is_some_and(is_multi_thread);
        if !carried_elsewhere && !is_run_by_another_thread(&here) {
            return Err(CURRENT_THREAD);
        }
        pollster::block_on(work);
        Ok(())
    }
}

fn is_multi_thread(runtime: &Handle) -> bool {
    runtime.runtime_flavor() != RuntimeFlavor::CurrentThread
}

/// A thread of `spawn_blocking` may wait; the thread that runs the runtime may not. Tokio does not say which one this
/// is. A task that runs while this thread waits shows that another thread runs the runtime.
fn is_run_by_another_thread(runtime: &Handle) -> bool {
    let (sign, seen) = mpsc::channel();
    let task = runtime.spawn(async move {
        let _ = sign.send(());
    });
    let seen = seen.recv_timeout(SIGN_OF_LIFE).is_ok();
    task.abort();
    seen
}

/// Lets another thread take over the other tasks of this worker.
fn in_place(work: Later<'_, ()>) -> Result<(), CannotBlock> {
    let begun = AtomicBool::new(false);
    let run = AssertUnwindSafe(|| {
        tokio::task::block_in_place(|| {
            begun.store(true, Ordering::SeqCst);
            pollster::block_on(work);
        });
    });
    match catch_unwind(run) {
        Ok(()) => Ok(()),
        Err(panic) if begun.load(Ordering::SeqCst) => resume_unwind(panic),
        // If a task may not block, tokio panics and offers no question.
        Err(_) => Err(LOCAL),
    }
}

/// Aborts the task when the waiting future is dropped.
struct Task<T>(JoinHandle<T>);

impl<T> Future for Task<T> {
    type Output = Result<T, tokio::task::JoinError>;

    fn poll(
        mut self: core::pin::Pin<&mut Self>,
        context: &mut core::task::Context<'_>,
    ) -> core::task::Poll<Self::Output> {
        core::pin::Pin::new(&mut self.0).poll(context)
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
