//! Which redirect URIs a registration allows (RFC 8252 §7.3).

/// The addresses for which any port is allowed. A name such as `localhost` is not one of them.
const ADDRESSES: [&str; 2] = ["http://127.0.0.1", "http://[::1]"];

/// Whether a client with the redirect URI `registered` may use `used`: the same text, or on a loopback address the same
/// except for the port.
pub(crate) fn allows(registered: &str, used: &str) -> bool {
    let without_port = |uri: &str| {
        let (address, rest) = ADDRESSES.iter().find_map(|address| Some((*address, uri.strip_prefix(address)?)))?;
        let rest = rest.strip_prefix(':').map_or(rest, |after| after.trim_start_matches(|c: char| c.is_ascii_digit()));
        (rest.is_empty() || rest.starts_with(['/', '?'])).then(|| (address, rest.to_owned()))
    };
    registered == used || without_port(registered).is_some_and(|known| without_port(used) == Some(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_port_on_a_loopback_address_and_nowhere_else() {
        for (registered, used) in [
            ("http://127.0.0.1/cb", "http://127.0.0.1:4711/cb"),
            ("http://127.0.0.1:1/cb?a=b", "http://127.0.0.1/cb?a=b"),
            ("http://[::1]:1", "http://[::1]:2"),
            ("http://localhost:1/cb", "http://localhost:1/cb"),
            ("cursor://anysphere.cursor/cb", "cursor://anysphere.cursor/cb"),
        ] {
            assert!(allows(registered, used), "{registered} {used}");
        }
        for (registered, used) in [
            ("http://localhost/cb", "http://127.0.0.1/cb"),
            ("http://localhost:1/cb", "http://localhost:2/cb"),
            ("http://127.0.0.1/cb", "http://[::1]/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:1/cb/"),
            ("http://127.0.0.1/cb", "http://127.0.0.1.evil.example/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:1x/cb"),
            ("http://127.0.0.1/cb", "https://127.0.0.1/cb"),
            ("http://127.0.0.2/cb", "http://127.0.0.2:1/cb"),
            ("https://app.example/cb", "https://app.example:1/cb"),
            ("https://app.example/cb", "https://App.example/cb"),
        ] {
            assert!(!allows(registered, used), "{registered} {used}");
        }
    }
}
