//! What can be wrong with a preset's input.

use core::fmt;

use crate::input::Input;

/// Why no server was made.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Error {
    /// A preset got more or fewer values than it has inputs.
    Inputs {
        /// The preset's [`id`](crate::Preset::id).
        preset: &'static str,
        /// How many it needs.
        expected: usize,
    },
    /// A value that its input does not accept. It is not repeated here: it can come from a stranger.
    Input {
        /// The preset's [`id`](crate::Preset::id).
        preset: &'static str,
        /// The input.
        input: Input,
    },
    /// The core refused a URL that was made from the values.
    Server(grantflow::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inputs { preset, expected } => {
                write!(
                    f,
                    "the preset {preset} needs {expected} values: give one for each of its inputs, in their order"
                )
            }
            Self::Input { preset, input } => {
                let (name, expected, example) = (input.name, input.kind.expected(), input.example);
                write!(f, "the {name} for {preset} was refused: give {expected} (such as {example})")
            }
            Self::Server(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            // Its text is this error's text.
            Self::Server(error) => error.source(),
            Self::Inputs { .. } | Self::Input { .. } => None,
        }
    }
}

impl From<grantflow::Error> for Error {
    fn from(error: grantflow::Error) -> Self {
        Self::Server(error)
    }
}
