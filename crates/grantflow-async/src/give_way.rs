//! A turn for other tasks in a loop that never waits.

use core::future::poll_fn;
use core::task::Poll;

/// Pending once, and woken at once: other work of the task or the thread runs before the loop continues.
///
/// A loop over something that is always ready never lets its caller check a timer. Such a loop awaits this now and
/// then. The function is for adapters: it needs no runtime.
///
/// ```
/// # pollster::block_on(async {
/// for chunk in 0..1000 {
///     if chunk % 32 == 31 {
///         grantflow_async::give_way().await;
///     }
/// }
/// # });
/// ```
pub async fn give_way() {
    let mut given = false;
    poll_fn(|context| {
        if given {
            return Poll::Ready(());
        }
        given = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
