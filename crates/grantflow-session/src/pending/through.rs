//! A pointer to a store of logins is a store of logins.

use std::sync::Arc;

use grantflow::{PendingKey, StoredCallback, UnixTime};

use super::PendingStore;
use crate::store::{Later, StoreError};

impl<S: PendingStore + ?Sized> PendingStore for &S {
    fn put<'a>(
        &'a self,
        browser: &'a str,
        key: &'a PendingKey,
        stored: StoredCallback,
        now: UnixTime,
    ) -> Later<'a, Result<(), StoreError>> {
        S::put(self, browser, key, stored, now)
    }

    fn take<'a>(
        &'a self,
        browser: &'a str,
        key: &'a PendingKey,
        now: UnixTime,
    ) -> Later<'a, Result<Option<StoredCallback>, StoreError>> {
        S::take(self, browser, key, now)
    }

    fn rename<'a>(&'a self, from: &'a str, to: &'a str) -> Later<'a, Result<(), StoreError>> {
        S::rename(self, from, to)
    }
}

impl<S: PendingStore + ?Sized> PendingStore for Arc<S> {
    fn put<'a>(
        &'a self,
        browser: &'a str,
        key: &'a PendingKey,
        stored: StoredCallback,
        now: UnixTime,
    ) -> Later<'a, Result<(), StoreError>> {
        S::put(self, browser, key, stored, now)
    }

    fn take<'a>(
        &'a self,
        browser: &'a str,
        key: &'a PendingKey,
        now: UnixTime,
    ) -> Later<'a, Result<Option<StoredCallback>, StoreError>> {
        S::take(self, browser, key, now)
    }

    fn rename<'a>(&'a self, from: &'a str, to: &'a str) -> Later<'a, Result<(), StoreError>> {
        S::rename(self, from, to)
    }
}

impl<S: PendingStore + ?Sized> PendingStore for Box<S> {
    fn put<'a>(
        &'a self,
        browser: &'a str,
        key: &'a PendingKey,
        stored: StoredCallback,
        now: UnixTime,
    ) -> Later<'a, Result<(), StoreError>> {
        S::put(self, browser, key, stored, now)
    }

    fn take<'a>(
        &'a self,
        browser: &'a str,
        key: &'a PendingKey,
        now: UnixTime,
    ) -> Later<'a, Result<Option<StoredCallback>, StoreError>> {
        S::take(self, browser, key, now)
    }

    fn rename<'a>(&'a self, from: &'a str, to: &'a str) -> Later<'a, Result<(), StoreError>> {
        S::rename(self, from, to)
    }
}
