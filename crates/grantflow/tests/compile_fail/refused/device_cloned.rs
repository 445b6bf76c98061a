//! Refused: keeping a second device grant, which would poll beside the first.

use grantflow::*;

fn keep(grant: DeviceGrant) -> [DeviceGrant; 2] {
    [grant.clone(), grant] //~ E0599
}

fn main() {}
