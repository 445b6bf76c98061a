//! Refused: a server from metadata that was not checked or not requested yet.

use grantflow::*;

fn restore<T: serde::de::DeserializeOwned>(_: &str) -> Option<T> {
    None
}

fn by_serde(json: &str) -> Option<ServerMetadata> {
    restore::<ServerMetadata>(json) //~ E0277
}

fn before_it_was_asked(discovery: Discovery) -> Result<Server, Error> {
    discovery.server() //~ E0599
}

fn of_a_text_that_nobody_checked(resource: &ResourceMetadata) -> Result<Discovery, Error> {
    resource.discovery("https://attacker.example") //~ E0308
}

fn main() {}
