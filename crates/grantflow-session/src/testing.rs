//! A suite that every [`Store`] must pass: run it over yours. Feature `testing`.
//!
//! ```
//! use grantflow_session::{MemoryStore, testing};
//!
//! testing::check(MemoryStore::new())?;
//! # Ok::<(), testing::Failed>(())
//! ```
//!
//! A store that outlives the process is checked through a function that opens it. The suite then compares two handles
//! on it, and checks that what one has written is there for the next:
//!
//! ```
//! use grantflow_session::{FileStore, testing::Suite};
//!
//! # let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
//! # let path = dir.path().join("grants");
//! Suite::opening(|| FileStore::open(&path).expect("a folder")).run()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! In a test, `.unwrap()` prints every broken rule, what was found, and what to do.
//!
//! The suite writes under keys that begin with `grantflow-check`, and removes its entries. It cannot check whether an
//! answer of `Swapped` survives a power failure, or whether a lock ends with its process.

use core::fmt;

use crate::store::{Later, Store, Value};

mod bench;
mod entries;
mod leases;
mod locks;
mod many;
#[cfg(all(test, not(grantflow_loom)))]
mod tests;

use bench::{Bench, Trouble};

/// Checks a store by every rule that needs only the store itself.
///
/// # Errors
/// [`Failed`]: which rules it breaks.
pub fn check(store: impl Store) -> Result<(), Failed> {
    Suite::of(&store).run()
}

type Open<'a> = dyn Fn() -> Box<dyn Store + 'a> + 'a;
type Executor<'a> = dyn Fn(Later<'_, ()>) + Sync + 'a;

/// The suite, with what a store needs for it.
#[must_use = "it does nothing before it is run"]
pub struct Suite<'a> {
    open: Box<Open<'a>>,
    executor: Box<Executor<'a>>,
    lease_ends: Option<Box<dyn Fn() + 'a>>,
    largest: usize,
}

impl<'a> Suite<'a> {
    /// A suite for an existing store.
    pub fn of(store: &'a impl Store) -> Self {
        Self::opening(move || store)
    }

    /// A suite for a store that `open` opens: the same store each time, as another process would open it.
    pub fn opening<S: Store + 'a>(open: impl Fn() -> S + 'a) -> Self {
        Self {
            open: Box::new(move || Box::new(open())),
            executor: Box::new(|future| pollster::block_on(future)),
            lease_ends: None,
            largest: 2 << 20,
        }
    }

    /// Runs the store's futures by `executor`, which must return when they have ended, for a store that needs a
    /// runtime: for example `|future| runtime.block_on(future)`. Several threads call it at a time.
    pub fn on(self, executor: impl Fn(Later<'_, ()>) + Sync + 'a) -> Self {
        Self { executor: Box::new(executor), ..self }
    }

    /// Also checks that a lock which is not given back ends, and what its holder can do afterwards, for a store whose
    /// lock is a lease. `wait` returns when a lease that was taken before is over: it sleeps, or puts the store's clock
    /// forward.
    pub fn lease_ends(self, wait: impl Fn() + 'a) -> Self {
        Self { lease_ends: Some(Box::new(wait)), ..self }
    }

    /// Sets the largest value that the store has to keep: 2 MiB, unless it is for small grants by design.
    pub fn largest(self, bytes: usize) -> Self {
        Self { largest: bytes.min(Value::MAX), ..self }
    }

    /// Runs the suite.
    ///
    /// # Errors
    /// [`Failed`]: which rules the store breaks.
    pub fn run(self) -> Result<(), Failed> {
        let bench = Bench(self);
        let mut broken = Vec::new();
        let mut waits = false;
        for check in entries::CHECKS.iter().chain(many::CHECKS).chain(locks::CHECKS).chain(leases::CHECKS) {
            // If a lock waits, a caller that asks for it a second time would wait for ever.
            if waits && check.locks {
                continue;
            }
            if let Err(trouble) = (check.run)(&bench) {
                waits |= check.name == locks::DOES_NOT_WAIT;
                broken.push(Broken::of(check, trouble));
            }
        }
        bench.clear_all();
        if broken.is_empty() { Ok(()) } else { Err(Failed(broken)) }
    }
}

impl fmt::Debug for Suite<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Suite")
    }
}

/// One rule and how it is checked.
struct Check {
    name: &'static str,
    rule: &'static str,
    mend: &'static str,
    /// Whether it asks for locks that are held.
    locks: bool,
    run: fn(&Bench<'_>) -> Result<(), Trouble>,
}

/// A rule that a store breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Broken {
    /// The name of the check.
    pub check: &'static str,
    /// What every store must do.
    pub rule: &'static str,
    /// What this store did. It shows no value.
    pub found: String,
    /// The usual cause, and how to repair it.
    pub mend: &'static str,
}

impl Broken {
    fn of(check: &Check, trouble: Trouble) -> Self {
        match trouble {
            Trouble::Broken(found) => Self { check: check.name, rule: check.rule, found, mend: check.mend },
            Trouble::Shown => Self {
                check: "errors_show_no_value",
                rule: "an error never shows a value, because errors end in logs",
                found: format!("an error of the check {} prints the value", check.name),
                mend: "do not pass on a driver's error that quotes the statement's parameters; say what failed and where",
            },
        }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; found: {}; to repair it: {}", self.check, self.rule, self.found, self.mend)
    }
}

/// The rules that a store breaks, at least one.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
pub struct Failed(Vec<Broken>);

impl Failed {
    /// The broken rules.
    pub fn broken(&self) -> &[Broken] {
        &self.0
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the store breaks {} of the rules of grantflow_session::Store", self.0.len())?;
        self.0.iter().try_for_each(|broken| write!(f, "\n- {broken}"))
    }
}

/// The same as `Display`, so that `unwrap` in a test says everything.
impl fmt::Debug for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
