//! Well-known URLs and issuers: the inserted part can be removed again, and a byte more or less makes another issuer.

use grantflow::{Discovery, Error, Issuer, ResourceDiscovery, Violation, WellKnown};
use proptest::prelude::*;

/// Scheme and authority of a server that may be configured.
fn origin() -> impl Strategy<Value = String> {
    "https://([a-z][a-z0-9-]{0,8}[.]){1,3}[a-z]{2,6}(:[1-9][0-9]{0,3})?"
}

/// Segments of characters that RFC 3986 allows, with one slash or several between them.
fn path() -> impl Strategy<Value = String> {
    "(/{1,2}[A-Za-z0-9._~!$&'()*+,;=:@-]{0,6}|/%[0-9A-F]{2}){0,4}"
}

fn query() -> impl Strategy<Value = String> {
    "([?][a-z0-9=/&.]{0,8})?"
}

fn urls(issuer: &str, kind: WellKnown) -> Vec<String> {
    Discovery::new(issuer).unwrap().at(&[kind]).unwrap().urls().collect()
}

proptest! {
    #[test]
    fn a_document_is_at_the_host_of_its_issuer((origin, path) in (origin(), path())) {
        let issuer = format!("{origin}{path}");
        let own = path.strip_suffix('/').unwrap_or(&path);
        let oauth = format!("{origin}/.well-known/oauth-authorization-server{own}");
        prop_assert_eq!(urls(&issuer, WellKnown::OAuth), [oauth]);
        let inserted = format!("{origin}/.well-known/openid-configuration{own}");
        prop_assert_eq!(urls(&issuer, WellKnown::OpenIdInserted), [inserted]);
        let appended = format!("{origin}{own}/.well-known/openid-configuration");
        prop_assert_eq!(urls(&issuer, WellKnown::OpenIdAppended), [appended]);
    }

    #[test]
    fn what_was_inserted_for_a_resource_can_be_taken_out((origin, path, query) in (origin(), path(), query())) {
        let resource = format!("{origin}{path}{query}");
        let all: Vec<String> = ResourceDiscovery::new(&resource).unwrap().urls().collect();
        let suffix = "/.well-known/oauth-protected-resource";
        let rest = all[0].strip_prefix(&format!("{origin}{suffix}")).unwrap();
        // Only a slash directly after the host is lost.
        let slash = if path == "/" { "/" } else { "" };
        prop_assert_eq!(format!("{origin}{slash}{rest}"), resource);
        prop_assert_eq!(all.len(), if rest.is_empty() { 1 } else { 2 });
        prop_assert_eq!(all.last().unwrap(), &format!("{origin}{suffix}"));
    }

    /// Every other text is another issuer: one byte more, less or changed, in any place.
    #[test]
    fn an_edit_makes_another_issuer(
        (origin, path, at, with) in (origin(), path(), any::<prop::sample::Index>(), "[ -~]"),
        kind in 0..4,
    ) {
        let issuer = format!("{origin}{path}");
        let place = at.index(issuer.len());
        let mut edited = issuer.clone();
        match kind {
            0 => edited.insert_str(place, &with),
            1 => drop(edited.remove(place)),
            2 => edited.replace_range(place..=place, &with),
            _ => {
                let other: String = issuer[place..=place].chars().map(|c| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() }).collect();
                edited.replace_range(place..=place, &other);
            }
        }
        let discovery = Discovery::new(&issuer).unwrap();
        let document = |named: &str| serde_json::json!({ "issuer": named }).to_string();
        prop_assert!(discovery.read(&document(&issuer)).is_ok());
        prop_assume!(edited != issuer);
        match discovery.read(&document(&edited)) {
            Err(Error::Protocol(broken)) => {
                prop_assert_eq!(broken.violation(), Violation::OtherIssuer);
                let mismatch = broken.mismatch().unwrap();
                prop_assert_eq!((mismatch.expected(), mismatch.untrusted_received()), (&*issuer, &*edited));
                // Only texts that parse as an issuer are printed.
                let shown = broken.to_string();
                prop_assert!(Issuer::new(&edited).is_ok() || !shown.contains(&format!("is {edited},")), "{}", shown);
            }
            other => prop_assert!(false, "{:?} was taken for {}: {:?}", edited, issuer, other),
        }
    }

    /// Unknown members and the order of the others do not change what a document says.
    #[test]
    fn unknown_members_and_their_order_change_nothing(
        names in prop::collection::btree_set("x_[a-z]{1,6}", 0..4),
        values in prop::collection::vec(prop_oneof![Just("null"), Just("[1,{}]"), Just("1e999"), Just("\"\\ud800\"")], 4),
        first in any::<bool>(),
    ) {
        let known = r#""issuer":"https://as.example","token_endpoint":"https://as.example/t","scopes_supported":["a"]"#;
        let unknown: Vec<String> = names.iter().zip(values).map(|(name, value)| format!("\"{name}\":{value}")).collect();
        let mut parts = vec![known.to_owned()];
        parts.splice(if first { 0..0 } else { 1..1 }, unknown);
        let read = Discovery::new("https://as.example").unwrap().read(&format!("{{{}}}", parts.join(",")));
        let metadata = read.unwrap();
        prop_assert_eq!(metadata.token_endpoint(), Some("https://as.example/t"));
        prop_assert_eq!(metadata.scopes_supported().unwrap(), ["a"]);
        prop_assert!(metadata.tolerated().is_empty());
    }
}
