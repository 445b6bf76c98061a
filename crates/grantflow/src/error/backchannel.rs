//! What is wrong with the parameters of a backchannel authentication request (OpenID CIBA §7.1).

use core::fmt;

/// Why a backchannel authentication request cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BackchannelFault {
    /// The hint is empty.
    Hint,
    /// The binding message is empty, longer than 256 characters, or has a character that cannot be seen.
    BindingMessage,
    /// The person's code is empty, longer than 1 KiB, or has a control character.
    UserCode,
    /// No authentication context is named, or one has a character that is not printable ASCII.
    AcrValues,
    /// The requested time is less than a second.
    RequestedExpiry,
    /// The notification token has fewer than 22 characters, more than 1024, or one that a Bearer token cannot have (RFC
    /// 6750 §2.1).
    NotificationToken,
    /// The server lists its delivery modes, and poll is not one of them.
    NoPoll,
    /// The server lists its delivery modes, and ping is not one of them.
    NoPing,
    /// The server takes no code of the person.
    NoUserCode,
}

impl fmt::Display for BackchannelFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hint => "its hint is empty: say who the person is",
            Self::BindingMessage => {
                "its binding message must be 1 to 256 characters that people can see, on one line: the person compares it \
                 on two devices"
            }
            Self::UserCode => "the person's code is empty, too long, or holds a control character",
            Self::AcrValues => "acr_values must name one or more authentication contexts in printable ASCII",
            Self::RequestedExpiry => "the requested expiry must be at least one second",
            Self::NotificationToken => {
                "the notification token must have 22 to 1024 characters of a Bearer token: letters, digits and -._~+/, \
                 with = at the end only; let ping() draw one"
            }
            Self::NoPoll => {
                "backchannel_token_delivery_modes_supported does not list poll: register the client for ping and use \
                 ping(); tokens that a server pushes are not taken"
            }
            Self::NoPing => {
                "backchannel_token_delivery_modes_supported does not list ping: leave out ping(), or give the server's \
                 list by Server::backchannel_token_delivery_modes_supported"
            }
            Self::NoUserCode => {
                "the server's metadata says in backchannel_user_code_parameter_supported that it takes no user_code: \
                 leave it out"
            }
        })
    }
}
