//! Refused: spelling the implicit grant.

use grantflow::*;

fn spell(authorization: Authorization) {
    let _ = ResponseMode::Fragment; //~ E0599
    let _ = ResponseType::Token; //~ E0433
    let _ = authorization.clone().implicit(); //~ E0599
    let _ = authorization.response_type("token"); //~ E0599
}

fn main() {}
