//! Refused: using a registration that is on its way to be deleted, read or changed.

use grantflow::*;

fn deleted(registered: Registered, server: &Server) {
    let _deletion = registered.delete();
    let _client = registered.client(server); //~ E0382
}

fn read(registered: Registered) {
    let _read = registered.read();
    let _stored = registered.into_stored(); //~ E0382
}

fn changed_twice(registered: Registered, changes: ClientMetadata) {
    let _update = registered.update(changes.clone());
    let _another = registered.update(changes); //~ E0382
}

fn answered_twice(deletion: RegistrationDeletion, env: &mut Env<'_>, answer: http::Response<Vec<u8>>) {
    let _ = deletion.respond(env, answer.clone());
    let _ = deletion.respond(env, answer); //~ E0382
}

fn main() {}
