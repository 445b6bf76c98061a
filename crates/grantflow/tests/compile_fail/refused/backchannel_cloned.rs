//! Refused: keeping a second backchannel grant, which would poll beside the first.

use grantflow::*;

fn keep(grant: BackchannelGrant) -> [BackchannelGrant; 2] {
    [grant.clone(), grant] //~ E0599
}

fn main() {}
