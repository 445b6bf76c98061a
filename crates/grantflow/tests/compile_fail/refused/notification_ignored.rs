//! Refused: dropping the grant together with the verdict on a notification.

#![deny(unused_must_use)]

use grantflow::*;

fn drop_it(grant: BackchannelGrant, notification: &Notification) {
    grant.receive(notification); //~ unused_must_use
}

fn main() {}
