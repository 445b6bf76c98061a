//! Refused: running a device grant twice.

use grantflow::DeviceGrant;

fn twice(agent: &grantflow_ureq::Agent, grant: DeviceGrant) {
    let _first = grantflow_ureq::run(agent, grant);
    let _second = grantflow_ureq::run(agent, grant); //~ E0382
}

fn main() {}
