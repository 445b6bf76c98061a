//! Refused: running a backchannel grant twice, and after a notification took it.

use grantflow::*;

fn twice(agent: &grantflow_ureq::Agent, grant: BackchannelGrant) {
    let _first = grantflow_ureq::run(agent, grant);
    let _second = grantflow_ureq::run(agent, grant); //~ E0382
}

fn while_notified(agent: &grantflow_ureq::Agent, grant: BackchannelGrant, notification: &Notification) {
    let _notified = grant.receive(notification);
    let _tokens = grantflow_ureq::run(agent, grant); //~ E0382
}

fn main() {}
