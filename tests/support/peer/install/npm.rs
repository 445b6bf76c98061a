//! npm, for servers in JavaScript.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::super::StartError;
use super::{ASK, INSTALL, Tool, install, missing, run};

pub(super) struct Npm;

const NPM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };
/// The server uses what Node 20 has; the library asks for 22 and only warns on 20.
const OLDEST_NODE: u32 = 20;
/// npm's codes for "the registry could not be reached".
const OFFLINE: [&str; 7] =
    ["ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH", "ENOTCACHED"];

impl Tool for Npm {
    /// The libraries are plain JavaScript: any Node.js that is new enough runs the same install.
    fn found(&self) -> Result<String, StartError> {
        let answer = run(Command::new("node").arg("--version"), ASK)
            .map_err(|e| missing(format!("no Node.js (`node --version`: {e})")))?;
        let major = answer.out.trim().trim_start_matches('v').split('.').next().and_then(|n| n.parse::<u32>().ok());
        match major {
            Some(major) if answer.success && major >= OLDEST_NODE => Ok(String::new()),
            _ => Err(missing(format!(
                "Node.js {OLDEST_NODE} or later is needed, and `node --version` says {:?}",
                answer.out.trim()
            ))),
        }
    }

    fn install(&self, fresh: &Path) -> Result<(), StartError> {
        let mut npm = Command::new(NPM);
        npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(fresh);
        install("npm", &mut npm, INSTALL, &OFFLINE)
    }

    fn program(&self, _folder: &Path) -> PathBuf {
        "node".into()
    }
}
