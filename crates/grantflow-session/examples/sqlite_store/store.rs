//! An own store: grants in SQLite, for processes on one machine or several that share a database.
//!
//! **The database holds tokens in plain text**: keep its file in a folder that no other account can enter.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use grantflow_session::{Entry, Key, Later, Lease, Leases, Lock, Revision, Store, StoreError, Swap, Value};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

/// A removed entry stays as a row without a value, so that no revision is used twice.
const TABLES: &str = "
    PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
    CREATE TABLE IF NOT EXISTS entry (key TEXT PRIMARY KEY, revision INTEGER NOT NULL, value BLOB);
    CREATE TABLE IF NOT EXISTS lease (key TEXT PRIMARY KEY, holder TEXT NOT NULL, until REAL NOT NULL);";
const LOAD: &str = "SELECT revision, value FROM entry WHERE key = ?1 AND value IS NOT NULL";
const CREATE: &str = "INSERT INTO entry VALUES (?1, 1, ?2) ON CONFLICT (key) DO UPDATE
    SET revision = revision + 1, value = excluded.value WHERE entry.value IS NULL RETURNING revision";
const REPLACE: &str = "UPDATE entry SET revision = revision + 1, value = ?2
    WHERE key = ?1 AND revision = ?3 AND value IS NOT NULL RETURNING revision";
/// Uses the database's clock only.
const TAKE: &str = "INSERT INTO lease VALUES (?1, ?2, unixepoch('subsec') + ?3) ON CONFLICT (key) DO UPDATE
    SET holder = excluded.holder, until = excluded.until
    WHERE lease.until <= unixepoch('subsec') OR lease.holder = excluded.holder";
const GIVE_BACK: &str = "DELETE FROM lease WHERE key = ?1 AND holder = ?2";

pub(crate) struct SqliteStore {
    database: Arc<Database>,
    lease: Duration,
}
struct Database(Mutex<Connection>);

impl SqliteStore {
    /// Opens the database in `file`. A lock is a lease that runs for `lease`: [`Lease::LIFETIME`] for the default policy.
    pub(crate) fn open(file: &Path, lease: Duration) -> Result<Self, StoreError> {
        let connection = Connection::open(file).map_err(|error| StoreError::new("open its database", error))?;
        let database = Arc::new(Database(Mutex::new(connection)));
        database.ask("make its tables", |db| db.busy_timeout(Duration::from_secs(10)).and(db.execute_batch(TABLES)))?;
        Ok(Self { database, lease })
    }
}

impl Database {
    fn ask<T, F: FnOnce(&Connection) -> rusqlite::Result<T>>(
        &self,
        doing: &'static str,
        ask: F,
    ) -> Result<T, StoreError> {
        ask(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).map_err(|error| StoreError::new(doing, error))
    }
}

impl Store for SqliteStore {
    fn load<'a>(&'a self, key: &'a Key) -> Later<'a, Result<Option<Entry>, StoreError>> {
        let entry = |row: &Row<'_>| {
            Ok(Entry { revision: Revision::new(row.get::<_, i64>(0)?.unsigned_abs()), value: Value::new(row.get(1)?) })
        };
        let load = move |db: &Connection| db.query_row(LOAD, [key.as_str()], entry).optional();
        Box::pin(async move { self.database.ask("read an entry", load) })
    }

    fn compare_and_swap<'a>(
        &'a self,
        key: &'a Key,
        expected: Option<Revision>,
        new: Option<Value>,
    ) -> Later<'a, Result<Swap, StoreError>> {
        let new = move |db: &Connection| {
            let (key, value) = (key.as_str(), new.as_ref().map(Value::expose_secret));
            let revision = |row: &Row<'_>| row.get::<_, i64>(0);
            match expected.map(|expected| i64::try_from(expected.number()).unwrap_or(-1)) {
                None => db.query_row(CREATE, params![key, value], revision),
                Some(expected) => db.query_row(REPLACE, params![key, value, expected], revision),
            }
            .optional()
        };
        Box::pin(async move {
            let revision = self.database.ask("change an entry", new)?;
            Ok(revision.map_or(Swap::Conflict, |number| Swap::Swapped(Revision::new(number.unsigned_abs()))))
        })
    }

    fn try_lock<'a>(&'a self, key: &'a Key) -> Later<'a, Result<Option<Lock>, StoreError>> {
        Box::pin(async move { Ok(Lease::take(Arc::clone(&self.database), key, self.lease).await?.map(Lock::new)) })
    }
}

impl Leases for Database {
    fn take<'a>(&'a self, key: &'a Key, holder: &'a str, runs: Duration) -> Later<'a, Result<bool, StoreError>> {
        let take = move |db: &Connection| db.execute(TAKE, params![key.as_str(), holder, runs.as_secs_f64()]);
        Box::pin(async move { Ok(self.ask("take a lease", take)? == 1) })
    }

    fn give_back(&self, key: &Key, holder: &str) {
        // A lease that cannot be given back ends by its clock.
        let _ = self.ask("end a lease", |db| db.execute(GIVE_BACK, params![key.as_str(), holder]));
    }
}
