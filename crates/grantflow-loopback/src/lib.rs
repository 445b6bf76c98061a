//! The loopback listener of RFC 8252 (§7.3, §8.3): logins of command-line tools and desktop applications, blocking, without
//! a runtime.
//!
//! ```
//! use grantflow::{Authorization, Callback, Env, Redirect, Server};
//! use grantflow_loopback::{Arrival, Listener};
//! # use std::io::{Read as _, Write as _};
//! # let now = grantflow::UnixTime::from_secs(1_700_000_000);
//! # let rng = &mut getrandom::SysRng;
//!
//! let client = Server::new("https://as.example/authorize", "https://as.example/token")?.client("my-tool").public()?;
//! let listener = Listener::bind()?;
//! let Redirect { url, pending } = Authorization::new(&client, listener.redirect_uri())?.start(&mut Env::new(now, rng))?;
//! println!("Open this address in your browser:\n{}", url.as_str());
//! # let browser = {
//! #     let redirect_uri = listener.redirect_uri().as_str().to_owned();
//! #     let state = url.as_str().split("state=").nth(1).unwrap_or_default().split('&').next().unwrap_or_default().to_owned();
//! #     std::thread::spawn(move || {
//! #         let host = redirect_uri.split('/').nth(2).unwrap_or_default().to_owned();
//! #         for target in [format!("/callback?code=c&state={state}"), "/callback/done".to_owned()] {
//! #             let mut stream = std::net::TcpStream::connect(&host).unwrap();
//! #             write!(stream, "GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n").unwrap();
//! #             stream.read_to_end(&mut Vec::new()).unwrap();
//! #         }
//! #     })
//! # };
//!
//! let Arrival { callback, page } = listener.wait(pending)?;
//! match callback {
//!     Callback::Granted(exchange) => { /* exchange the code, while the browser gets its page */ }
//!     Callback::Denied(refusal) => eprintln!("the provider said no, or you did: {}", refusal.code()),
//!     Callback::Rejected(rejection) => return Err(rejection.into()),
//!     Callback::Unrelated { .. } => unreachable!("what is not the answer ends nothing"),
//! }
//! page.finish();
//! # browser.join().unwrap();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! - **It listens at `127.0.0.1` and at `[::1]`**, on one port that no other program uses, from [`Settings::bind`]
//!   until the login ends, and at no other address.
//! - **Visitors are served in parallel**, and everything is bounded: 256 visitors, each with a head and a body of 64
//!   KiB and a time limit; and a time limit for the whole login. When all places are taken, the slowest visitor has to
//!   go.
//! - **A stray request ends nothing**: forged callbacks, favicons, `HEAD`, connections made in advance, TLS greetings.
//!   A request that names another host is refused before the grant sees it, so no site reaches it by DNS rebinding.
//! - **Code and state leave the address bar**: the callback is answered with a redirect to a page without them.
//! - **It ends**: with the callback, at its deadline, or by a [`Stop`]. It never hangs, and the port is free
//!   afterwards.
//!
//! It blocks. In an async program, wait on a blocking thread: `tokio::task::spawn_blocking(move ||
//! listener.wait(pending))`.
//!
//! The rest of the standard is up to you: use the person's browser instead of a view inside of the program (§8.12), and
//! open it with the address as one argument, never through a shell.

mod accept;
mod answer;
mod bind;
mod error;
mod head;
mod listener;
mod pages;
mod settings;
mod shared;
mod visit;

#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzz;

pub use bind::RedirectHost;
pub use error::{Error, NoCallback};
pub use listener::{Arrival, Listener, Page, Stop};
pub use settings::Settings;
