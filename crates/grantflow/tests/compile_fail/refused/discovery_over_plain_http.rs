//! Refused: metadata over plain `http`. The door for it opens endpoints only.

use grantflow::*;

fn find(network: &PlainHttp) -> Result<Discovery, Error> {
    network.discovery("http://auth:8080") //~ E0599
}

fn widen(metadata: &ServerMetadata, network: &PlainHttp) -> Result<Server, Error> {
    metadata.server_over(network) //~ E0599
}

fn main() {}
