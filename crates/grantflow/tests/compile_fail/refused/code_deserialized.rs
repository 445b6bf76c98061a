//! Refused: reading a code exchange, or a pending grant that is checked against no client, from a store.

use grantflow::*;

fn restore<T: serde::de::DeserializeOwned>(_: &str) -> Option<T> {
    None
}

fn exchange(stored: &str) -> Option<CodeExchange> {
    restore::<CodeExchange>(stored) //~ E0277
}

fn pending(stored: &str) -> Option<PendingCallback> {
    restore::<PendingCallback>(stored) //~ E0277
}

fn main() {}
