//! Processes on one file store that are killed (SIGKILL) at random points, or that share it: real files, real locks,
//! real sockets. The program is its own child.
//!
//! `GRANTFLOW_CRASHES` (kills for each server) and `GRANTFLOW_ROTATIONS` (of the two processes that share a store) make
//! it longer.

#[cfg(unix)]
mod child;
#[cfg(unix)]
mod parent;

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    if let Some(orders) = child::Orders::given() {
        child::run(&orders);
        return std::process::ExitCode::SUCCESS;
    }
    use libtest_mimic::{Arguments, Trial};
    let trial = |name, run: fn()| {
        Trial::test(name, move || {
            run();
            Ok(())
        })
    };
    let trials = vec![
        trial("killed, and nothing is sent twice", || parent::killed(&parent::CAREFUL)),
        trial("killed, and the server accepts no token twice", || parent::killed(&parent::STRICT)),
        trial("killed, and the server forgives a lost answer", || parent::killed(&parent::FORGIVING)),
        trial("two processes share one file", parent::share),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

#[cfg(not(unix))]
fn main() {
    println!("ignored: there is no SIGKILL here");
}
