//! Refused: spelling the implicit grant.

use grantflow::*;

fn spell(authorization: Authorization) {
    let _ = ResponseMode::Fragment;
    let _ = ResponseType::Token;
    let _ = authorization.clone().implicit();
    let _ = authorization.response_type("token");
}

fn main() {}
