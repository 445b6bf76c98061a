//! Leases, for stores whose lock cannot end with its process: a row in a database stays when a machine fails.

use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::sync::Arc;
use std::time::SystemTime;

use crate::key::Key;
use crate::store::{Later, Lock, StoreError};

/// Stores leases: two statements of a database, from which [`Lease`] makes the lock of a [`Store`](crate::Store).
///
/// Both use **the store's clock**, never the clock of the process that asks, because the clocks of machines differ. In
/// SQL:
///
/// ```text
/// -- take: one statement; the lease is taken if it changed one row
/// INSERT INTO lease (key, holder, until) VALUES (:key, :holder, now() + :lifetime)
///   ON CONFLICT (key) DO UPDATE SET holder = :holder, until = now() + :lifetime
///   WHERE lease.until <= now() OR lease.holder = :holder;
/// -- give_back
/// DELETE FROM lease WHERE key = :key AND holder = :holder;
/// ```
pub trait Leases: Send + Sync {
    /// Writes, in one step, that `holder` has `key` for `lifetime` from now, unless another holder's lease still runs.
    /// Returns whether `holder` has it. A holder that has it already has it for `lifetime` from now.
    fn take<'a>(&'a self, key: &'a Key, holder: &'a str, lifetime: Duration) -> Later<'a, Result<bool, StoreError>>;

    /// Ends the lease of `key`, if it is still `holder`'s.
    ///
    /// It is called when a lock is dropped, so it can neither wait nor fail. A store with an async driver starts the
    /// statement on its runtime (`Handle::spawn`). A lease that is not given back ends by its clock.
    fn give_back(&self, key: &Key, holder: &str);
}

/// A lease that is held: a lock that ends by a clock. Dropping it gives it back.
///
/// A store whose lock is a lease leaves [`Store::lock_dies_with_its_process`](crate::Store::lock_dies_with_its_process)
/// at `false`. **Safety does not depend on the lease**: its holder may sleep through its end and write afterwards.
/// Compare-and-swap stops that holder: the next one has changed the entry, so the old revision is a conflict. The lease
/// makes it rare that two processes send the same refresh token.
///
/// ```
/// # use std::sync::Arc;
/// # use grantflow_session::{Key, Lease, Leases, Later, Lock, StoreError};
/// # struct Db;
/// # impl Leases for Db {
/// #     fn take<'a>(&'a self, _: &'a Key, _: &'a str, _: std::time::Duration) -> Later<'a, Result<bool, StoreError>> {
/// #         Box::pin(async { Ok(true) })
/// #     }
/// #     fn give_back(&self, _: &Key, _: &str) {}
/// # }
/// # let db = Arc::new(Db);
/// # let key = Key::new("ada")?;
/// // A store's `try_lock`:
/// # let lock = pollster::block_on(async {
/// let lease = Lease::take(db, &key, Lease::LIFETIME).await?;
/// let lock = lease.map(Lock::new);
/// # Ok::<_, StoreError>(lock)
/// # })?;
/// # assert!(lock.is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "it is given back when it is dropped"]
pub struct Lease {
    leases: Arc<dyn Leases>,
    key: Key,
    holder: Box<str>,
    lifetime: Duration,
}

impl Lease {
    /// How long a lease runs, unless a policy needs more: 90 s. A lease has to outlive a request and the write after
    /// it: use the policy's `send_deadline` (60 s by default) plus 30 s.
    pub const LIFETIME: Duration = Duration::from_secs(90);

    /// Takes the lease of `key` for `lifetime`, unless another holder has it. It does not wait.
    ///
    /// # Errors
    /// The store's error.
    pub async fn take(
        leases: Arc<impl Leases + 'static>,
        key: &Key,
        lifetime: Duration,
    ) -> Result<Option<Self>, StoreError> {
        // Made before the lease is taken: if this future is dropped in between, the lease is given back.
        let lease = Self { leases, key: key.clone(), holder: holder(), lifetime };
        let taken = lease.renew().await?;
        Ok(taken.then_some(lease))
    }

    /// Lets the lease run for its whole lifetime from now. Returns whether it is still held: `false` if it was over and
    /// another holder has taken it. Then no work that was begun under it may continue.
    ///
    /// # Errors
    /// The store's error; then it is unknown whether the lease was renewed.
    pub async fn renew(&self) -> Result<bool, StoreError> {
        self.leases.take(&self.key, &self.holder, self.lifetime).await
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.leases.give_back(&self.key, &self.holder);
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lease({}, {:?})", self.key, self.lifetime)
    }
}

impl From<Lease> for Lock {
    fn from(lease: Lease) -> Self {
        Self::new(lease)
    }
}

/// A name that no other holder has, in this process or another. It does not have to be hard to guess.
fn holder() -> Box<str> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let time = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |time| time.as_nanos());
    let who = (std::process::id(), count, time);
    // std's hashers start from random numbers of the system.
    let draws = [RandomState::new().hash_one(who), RandomState::new().hash_one((who, count))];
    format!("{:016x}{:016x}", draws[0], draws[1]).into()
}
