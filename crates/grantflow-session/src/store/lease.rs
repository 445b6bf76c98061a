//! Leases, for stores whose lock cannot die with its process: a row in a database stays when a machine burns.

use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::sync::Arc;
use std::time::SystemTime;

use crate::key::Key;
use crate::store::{Later, Lock, StoreError};

/// Where leases are written down: two statements of a database, from which [`Lease`] makes the lock of a
/// [`Store`](crate::Store).
///
/// Both go by **the store's clock**, never by the clock of the process that asks: the clocks of machines differ. In SQL:
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
    /// Writes down that `holder` has `key` for `lifetime` from now, unless another holder's lease still runs; in one step.
    /// Says whether `holder` has it. One who has it already has it for `lifetime` from now.
    fn take<'a>(&'a self, key: &'a Key, holder: &'a str, lifetime: Duration) -> Later<'a, Result<bool, StoreError>>;

    /// Ends the lease of `key`, if it is still `holder`'s.
    ///
    /// It is called where a lock is dropped, so that it can neither wait nor fail: a store whose driver is async starts the
    /// statement on its runtime (`Handle::spawn`). One that is not given back ends by itself.
    fn give_back(&self, key: &Key, holder: &str);
}

/// A lease that is held: a lock that ends by a clock. Dropping it gives it back.
///
/// A store whose lock is a lease leaves [`Store::lock_dies_with_its_process`](crate::Store::lock_dies_with_its_process) at
/// `false`. **Safety does not hang on the lease**, for its holder may sleep through its end and write afterwards. What stops
/// that holder is compare-and-swap: the next one has changed the entry, so the old revision is a conflict. The lease sees to it
/// that two rarely send the same refresh token.
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
/// // The whole of a store's `try_lock`:
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
    /// How long a lease runs, unless a policy asks for more: 90 s. A lease has to outlive a request and the write after it: take
    /// the policy's `send_deadline` (60 s by default) and 30 s.
    pub const LIFETIME: Duration = Duration::from_secs(90);

    /// Takes the lease of `key` for `lifetime`, unless somebody holds it. It waits for nobody.
    ///
    /// # Errors
    /// What the store says.
    pub async fn take(
        leases: Arc<impl Leases + 'static>,
        key: &Key,
        lifetime: Duration,
    ) -> Result<Option<Self>, StoreError> {
        // Made before it is taken: where this future is dropped in between, it is given back.
        let lease = Self { leases, key: key.clone(), holder: holder(), lifetime };
        let taken = lease.renew().await?;
        Ok(taken.then_some(lease))
    }

    /// Lets the lease run for its whole lifetime from now on. Says whether it is still this one's: `false` if it was over and
    /// somebody else has taken it. Then nothing that was begun under it may go on.
    ///
    /// # Errors
    /// What the store says; then it may have been renewed or not.
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

/// A name that no other holder has, in this process or another. It need not be hard to guess.
fn holder() -> Box<str> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let time = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |time| time.as_nanos());
    let who = (std::process::id(), count, time);
    // std's hashers begin with what the system drew by chance.
    let draws = [RandomState::new().hash_one(who), RandomState::new().hash_one((who, count))];
    format!("{:016x}{:016x}", draws[0], draws[1]).into()
}
