//! Refused: credentials that are serialized or displayed by accident.

use grantflow_mcp::*;

fn serialized(credentials: &Credentials, clients: &Clients, grant: &Grant) {
    let _ = serde_json::to_string(credentials); //~ E0277
    let _ = serde_json::to_string(clients); //~ E0277
    let _ = serde_json::to_string(grant); //~ E0277
}

fn displayed(credentials: &Credentials) -> String {
    credentials.to_string() //~ E0599
}

fn main() {}
