//! pip in a virtual environment, for servers in Python.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::super::StartError;
use super::{ASK, INSTALL, Tool, install, missing, run};

pub(super) struct Pip;

const PYTHON: &str = if cfg!(windows) { "python" } else { "python3" };
/// The locks hold for this version and later ones.
const OLDEST: (u32, u32) = (3, 10);
/// Debian has `venv` and its requirements in a separate package.
const QUESTION: &str = "import ensurepip, platform, sys, venv; print(sys.version_info[0], sys.version_info[1], \
                        sys.executable, platform.platform(), sys.version)";
/// The words of pip and its HTTP client for a registry that could not be reached.
const OFFLINE: [&str; 6] = [
    "NewConnectionError",
    "NameResolutionError",
    "ConnectTimeoutError",
    "ReadTimeoutError",
    "ProxyError",
    "Network is unreachable",
];

impl Tool for Pip {
    /// A virtual environment belongs to one Python.
    fn found(&self) -> Result<String, StartError> {
        let answer = run(Command::new(PYTHON).args(["-c", QUESTION]), ASK)
            .map_err(|e| missing(format!("no Python (`{PYTHON}`: {e})")))?;
        if !answer.success {
            let why = answer.err.lines().last().unwrap_or_default().to_owned();
            return Err(missing(format!("{PYTHON} cannot make a virtual environment ({why}): python3-venv is needed")));
        }
        let mut numbers = answer.out.split(' ').map(|number| number.parse::<u32>().unwrap_or_default());
        let version = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
        if version < OLDEST {
            let (major, minor) = OLDEST;
            let found = answer.out.trim();
            return Err(missing(format!("Python {major}.{minor} or later is needed, and `{PYTHON}` is {found}")));
        }
        Ok(answer.out)
    }

    fn install(&self, fresh: &Path) -> Result<(), StartError> {
        install("python3 -m venv", Command::new(PYTHON).args(["-m", "venv", "."]).current_dir(fresh), INSTALL, &[])?;
        let mut pip = Command::new(self.program(fresh));
        // Nothing is built, and a package that is not in the lock with its checksum is refused.
        pip.args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"])
            .args(["--require-hashes", "--only-binary", ":all:", "--requirement", "requirements.txt"])
            .current_dir(fresh);
        install("pip", &mut pip, INSTALL, &OFFLINE)
    }

    fn program(&self, folder: &Path) -> PathBuf {
        folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" })
    }
}
