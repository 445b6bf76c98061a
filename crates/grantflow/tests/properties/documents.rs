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

/// The rules of the three standards, as rows with their section. `null`: the text is no issuer or no resource.
#[test]
fn each_document_is_where_its_standard_says() {
    #[derive(serde::Deserialize)]
    struct Row {
        section: String,
        kind: String,
        of: String,
        urls: Option<Vec<String>>,
    }
    let rows: Vec<Row> = serde_json::from_str(include_str!("../vectors/well_known.json")).unwrap();
    for Row { section, kind, of, urls } in &rows {
        let of_issuer = |kind| {
            let discovery = Discovery::new(of).ok()?;
            Some(discovery.at(&[kind]).unwrap().urls().collect::<Vec<String>>())
        };
        let found = match kind.as_str() {
            "oauth" => of_issuer(WellKnown::OAuth),
            "openid inserted" => of_issuer(WellKnown::OpenIdInserted),
            "openid appended" => of_issuer(WellKnown::OpenIdAppended),
            "resource" => ResourceDiscovery::new(of).ok().map(|discovery| discovery.urls().collect()),
            other => panic!("{other}"),
        };
        assert_eq!(found, *urls, "{section}: {of}");
    }
    for standard in ["RFC 8414 section 3.1", "OpenID Connect Discovery section 4", "RFC 9728 section 3.1"] {
        let rows = rows.iter().filter(|row| row.section.starts_with(standard)).count();
        assert!(rows >= 4, "{standard} has {rows} rows");
    }
}

/// What an issuer must not have (RFC 8414 §2): a query, a fragment, another scheme, a user.
fn no_issuer() -> impl Strategy<Value = String> {
    let spoilt = |(origin, path, kind, rest): (String, String, u8, String)| match kind {
        0 => format!("{origin}{path}?{rest}"),
        1 => format!("{origin}{path}#{rest}"),
        2 => format!("{origin}{path}?{rest}#{rest}"),
        3 => format!("http{}{path}", origin.strip_prefix("https").unwrap()),
        4 => format!("https://{}@{}{path}", rest.replace('/', "u"), origin.strip_prefix("https://").unwrap()),
        _ => format!("{origin}{path} {rest}x"),
    };
    (origin(), path(), 0..6u8, "[a-z0-9=/]{0,8}").prop_map(spoilt)
}

proptest! {
    #[test]
    fn a_text_with_a_query_a_fragment_or_a_user_has_no_document(text in no_issuer()) {
        prop_assert!(Discovery::new(&text).is_err(), "{}", text);
        prop_assert!(Issuer::new(&text).is_err(), "{}", text);
    }

    /// From the document's address back to the issuer: only one terminating slash is lost, and nothing is added.
    #[test]
    fn an_issuer_can_be_read_off_the_address_of_its_document((origin, path) in (origin(), path())) {
        let issuer = format!("{origin}{path}");
        let own = issuer.strip_suffix('/').unwrap_or(&issuer);
        for (kind, suffix) in [
            (WellKnown::OAuth, "/.well-known/oauth-authorization-server"),
            (WellKnown::OpenIdInserted, "/.well-known/openid-configuration"),
            (WellKnown::OpenIdAppended, "/.well-known/openid-configuration"),
        ] {
            let [url] = urls(&issuer, kind).try_into().unwrap();
            let back = match kind {
                WellKnown::OpenIdAppended => url.strip_suffix(suffix).map(str::to_owned),
                _ => url.strip_prefix(&origin).and_then(|rest| rest.strip_prefix(suffix)).map(|path| format!("{origin}{path}")),
            };
            prop_assert_eq!(back.as_deref(), Some(own), "{}", url);
            prop_assert!(!url.contains(['?', '#']), "{}", url);
            // The two issuers with and without the slash share a document, and its `issuer` tells them apart.
            if !own.ends_with('/') {
                prop_assert_eq!(urls(own, kind), [url]);
            }
        }
    }

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
