//! One port on both loopback addresses (RFC 8252 §7.3).

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

use crate::error::Error;

const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);
/// How many free ports are tried to find one that is free at both addresses.
const ATTEMPTS: usize = 32;

/// Which host the redirect URI names. Register the same one with the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "a machine has no other loopback name")]
pub enum RedirectHost {
    /// `127.0.0.1`, which RFC 8252 §7.3 recommends.
    Ipv4,
    /// `[::1]`.
    Ipv6,
    /// `localhost`, for providers that register nothing else. RFC 8252 §8.3 advises against it: the machine's settings
    /// decide how the name is resolved.
    Localhost,
}

pub(crate) struct Bound {
    /// One or two sockets, each with its address.
    pub(crate) sockets: Vec<(TcpListener, SocketAddr)>,
    pub(crate) port: u16,
    /// The host name in the redirect URI.
    pub(crate) host: &'static str,
}

/// Binds `port`, or a free one if it is 0.
pub(crate) fn bind(port: u16, host: Option<RedirectHost>) -> Result<Bound, Error> {
    bind_by(port, host, TcpListener::bind)
}

fn bind_by(
    port: u16,
    host: Option<RedirectHost>,
    open: impl Fn(SocketAddr) -> io::Result<TcpListener>,
) -> Result<Bound, Error> {
    for _ in 0..ATTEMPTS {
        let (sockets, missing) = match both(port, &open) {
            Ok(bound) => bound,
            // The port is free at one address and taken at the other: try another one.
            Err(Error::Taken { .. }) if port == 0 => continue,
            Err(error) => return Err(error),
        };
        let has = |ip: IpAddr| sockets.iter().any(|(_, address)| address.ip() == ip);
        let host = match host {
            Some(RedirectHost::Localhost) if !sockets.is_empty() => Some("localhost"),
            None | Some(RedirectHost::Ipv4) if has(V4) => Some("127.0.0.1"),
            None | Some(RedirectHost::Ipv6) if has(V6) => Some("[::1]"),
            _ => None,
        };
        return match (host, sockets.first(), missing) {
            (Some(host), Some((_, address)), _) => Ok(Bound { port: address.port(), host, sockets }),
            (_, _, missing) => Err(Error::NoLoopback(missing.unwrap_or_else(|| ErrorKind::AddrNotAvailable.into()))),
        };
    }
    Err(Error::Taken { port })
}

type Sockets = Vec<(TcpListener, SocketAddr)>;

/// Binds the sockets that are available, and returns why one is not. A taken port is an error: its owner at the other
/// address would get half of the visitors, and the code with them.
fn both(
    port: u16,
    open: impl Fn(SocketAddr) -> io::Result<TcpListener>,
) -> Result<(Sockets, Option<io::Error>), Error> {
    let (mut sockets, mut missing): (Sockets, _) = (Vec::new(), None);
    for ip in [V4, V6] {
        let port = sockets.first().map_or(port, |(_, address)| address.port());
        let opened = open(SocketAddr::new(ip, port)).and_then(|socket| {
            let address = socket.local_addr()?;
            Ok((socket, address))
        });
        match opened {
            Ok(bound) => sockets.push(bound),
            Err(error) if error.kind() == ErrorKind::AddrInUse => return Err(Error::Taken { port }),
            Err(error) => missing = missing.or(Some(error)),
        }
    }
    Ok((sockets, missing))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(bound: Result<Bound, Error>) -> (Vec<IpAddr>, &'static str) {
        let bound = bound.unwrap();
        assert!(bound.sockets.iter().all(|(_, address)| address.port() == bound.port && bound.port != 0));
        (bound.sockets.iter().map(|(_, address)| address.ip()).collect(), bound.host)
    }

    /// A machine without this address.
    fn without(ip: IpAddr) -> impl Fn(SocketAddr) -> io::Result<TcpListener> {
        move |address| {
            if address.ip() == ip { Err(ErrorKind::AddrNotAvailable.into()) } else { TcpListener::bind(address) }
        }
    }

    #[test]
    fn both_addresses_have_the_same_port() {
        assert_eq!(names(bind(0, None)), (vec![V4, V6], "127.0.0.1"));
        assert_eq!(names(bind(0, Some(RedirectHost::Ipv6))), (vec![V4, V6], "[::1]"));
        assert_eq!(names(bind(0, Some(RedirectHost::Localhost))), (vec![V4, V6], "localhost"));
    }

    #[test]
    fn one_address_is_enough() {
        assert_eq!(names(bind_by(0, None, without(V6))), (vec![V4], "127.0.0.1"));
        assert_eq!(names(bind_by(0, None, without(V4))), (vec![V6], "[::1]"));
        assert_eq!(names(bind_by(0, Some(RedirectHost::Localhost), without(V4))), (vec![V6], "localhost"));
    }

    #[test]
    fn a_redirect_uri_never_names_an_address_that_nobody_listens_at() {
        let v4 = bind_by(0, Some(RedirectHost::Ipv4), without(V4)).err();
        let v6 = bind_by(0, Some(RedirectHost::Ipv6), without(V6)).err();
        let none = bind_by(0, None, |_| Err(ErrorKind::PermissionDenied.into())).err();
        for error in [v4, v6, none] {
            assert!(matches!(error, Some(Error::NoLoopback(_))), "{error:?}");
        }
    }

    #[test]
    fn a_port_that_is_taken_at_either_address_is_an_error() {
        for ip in [V4, V6] {
            let other = TcpListener::bind((ip, 0)).unwrap();
            let taken = other.local_addr().unwrap().port();
            let error = bind(taken, None).err().unwrap();
            assert!(matches!(error, Error::Taken { port } if port == taken), "{ip}: {error:?}");
        }
    }

    #[test]
    fn a_free_port_that_is_taken_at_the_other_address_is_passed_over() {
        let tries = std::cell::Cell::new(0);
        let bound = bind_by(0, None, |address| {
            if address.ip() == V6 && tries.replace(tries.get() + 1) < 3 {
                return Err(ErrorKind::AddrInUse.into());
            }
            TcpListener::bind(address)
        });
        assert_eq!(names(bound).0, [V4, V6]);
        let error = bind_by(0, None, |_| Err(ErrorKind::AddrInUse.into())).err();
        assert!(matches!(error, Some(Error::Taken { .. })), "{error:?}");
    }
}
