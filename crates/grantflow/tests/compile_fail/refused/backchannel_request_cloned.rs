//! Refused: keeping a second backchannel request, which would let the phone ring again.

use grantflow::*;

fn keep(request: BackchannelRequest) -> [BackchannelRequest; 2] {
    [request.clone(), request] //~ E0599
}

fn main() {}
