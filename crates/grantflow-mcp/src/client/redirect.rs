//! Which redirect URIs a registration allows (RFC 8252 §7.3), and what kind of program they belong to.

/// The addresses for which any port is allowed. A name such as `localhost` is not one of them.
const ADDRESSES: [&str; 2] = ["http://127.0.0.1", "http://[::1]"];

/// Whether a client with the redirect URI `registered` may use `used`: the same text, or on a loopback address the same
/// except for the port.
pub(super) fn allows(registered: &str, used: &str) -> bool {
    let without_port = |uri: &str| {
        let (address, rest) = ADDRESSES.iter().find_map(|address| Some((*address, uri.strip_prefix(address)?)))?;
        let rest = rest.strip_prefix(':').map_or(rest, |after| after.trim_start_matches(|c: char| c.is_ascii_digit()));
        (rest.is_empty() || rest.starts_with(['/', '?'])).then(|| (address, rest.to_owned()))
    };
    registered == used || without_port(registered).is_some_and(|known| without_port(used) == Some(known))
}

/// Whether the redirect URI belongs to a program on a person's machine: a loopback host, or a private-use scheme.
pub(super) fn is_native(uri: &str) -> bool {
    let Some((scheme, rest)) = uri.split_once(':') else { return false };
    if !scheme.eq_ignore_ascii_case("https") {
        // `http` is allowed on loopback only.
        return true;
    }
    let authority = rest.trim_start_matches('/').split(['/', '?']).next().unwrap_or_default();
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => authority,
    };
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let is_address =
        host.strip_prefix("127.").is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit() || b == b'.'));
    is_address || host == "[::1]" || host == "localhost" || host.ends_with(".localhost")
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

    #[test]
    fn what_comes_back_to_the_persons_machine_is_native() {
        for native in [
            "http://127.0.0.1:1/cb",
            "http://localhost/cb",
            "https://localhost:8443/cb",
            "https://app.localhost./cb",
            "https://127.0.0.1/cb",
            "https://[::1]:1/cb",
            "com.example.app:/cb",
            "cursor://anysphere.cursor/cb",
        ] {
            assert!(is_native(native), "{native}");
        }
        for web in
            ["https://app.example/cb", "https://127.example/cb", "https://localhost.example:1/cb", "https://[::2]/cb"]
        {
            assert!(!is_native(web), "{web}");
        }
    }
}
