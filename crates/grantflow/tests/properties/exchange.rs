//! Token exchange: what is sent is what was given, and what was issued is used as the answer says.

use grantflow::{Assertion, Env, Exchange, Exchanged, SecurityToken, Server, Step, TokenExchange, TokenTypeIdentifier};
use http::Response;
use proptest::prelude::*;
use serde_json::json;

use crate::{Dice, pairs};

const NOW: grantflow::UnixTime = grantflow::UnixTime::from_secs(1_750_000_000);

fn exchange(subject: SecurityToken) -> TokenExchange {
    let server = Server::with_token_endpoint("https://as.example/token").unwrap();
    TokenExchange::new(&server.client("api").secret_basic("s").unwrap(), subject)
}

fn answered(answer: &str) -> Option<Exchanged> {
    let exchange = exchange(SecurityToken::access_token("t").unwrap());
    match exchange.respond(&mut Env::new(NOW, &mut Dice(1)), Response::new(answer)) {
        Ok(Step::Done(exchanged)) => Some(exchanged),
        Ok(Step::Again(_)) => panic!("it has one step"),
        Err(_) => None,
    }
}

/// The types of RFC 8693, others, and what is no URI.
fn any_type() -> impl Strategy<Value = String> {
    prop_oneof![
        "(access_token|refresh_token|id_token|jwt|saml1|saml2|id-jag)"
            .prop_map(|word| format!("urn:ietf:params:oauth:token-type:{word}")),
        "[a-z][a-z0-9+.-]{0,8}:[a-zA-Z0-9:/._~-]{1,20}",
        any::<String>(),
    ]
}

proptest! {
    #[test]
    fn a_token_is_for_an_api_only_if_the_answer_says_so(
        token_type in prop_oneof!["[bB]earer", "D[pP]o[pP]", "[nN]_[aA]", any::<String>()],
        kind in any_type(),
        refresh in prop::option::of("[!-~]{1,8}"),
    ) {
        let mut answer = json!({ "access_token": "a-1", "token_type": token_type, "issued_token_type": kind });
        if let Some(refresh) = &refresh {
            answer["refresh_token"] = json!(refresh);
        }
        let word = token_type.to_ascii_lowercase();
        let is_refresh = kind.ends_with(":refresh_token") && kind.starts_with("urn:ietf:params:oauth:token-type:");
        let usable = ["bearer", "dpop"].contains(&word.as_str());
        match answered(&answer.to_string()) {
            Some(exchanged) => {
                prop_assert_eq!(exchanged.issued_token_type().as_str(), &kind);
                prop_assert!(usable || word == "n_a");
                let expected = usable && !(is_refresh && refresh.is_none());
                prop_assert_eq!(matches!(exchanged, Exchanged::Tokens { .. }), expected);
                let token = exchanged.to_security_token();
                prop_assert_eq!(token.expose_secret(), "a-1");
            }
            None => prop_assert!(!(usable || word == "n_a") || TokenTypeIdentifier::new(&kind).is_err()),
        }
    }

    #[test]
    fn what_is_sent_is_what_was_given(
        token in "[!-~]{1,40}",
        kind in "[a-z][a-z0-9]{0,8}:[a-zA-Z0-9:/._~-]{1,20}",
        audiences in prop::collection::btree_set("[^ \t\r\n]{1,12}", 0..4),
    ) {
        let Ok(kind) = TokenTypeIdentifier::new(&kind) else { return Ok(()) };
        let subject = SecurityToken::new(token.clone(), kind.clone()).unwrap();
        let mut exchange = exchange(subject.clone()).actor(subject);
        let mut given = Vec::new();
        for audience in &audiences {
            match exchange.audience(audience) {
                Ok(next) => {
                    given.push(audience.clone());
                    exchange = next;
                }
                // Only blanks, of some alphabet.
                Err(_) => { prop_assert!(audience.trim().is_empty()); return Ok(()) }
            }
        }
        let request = exchange.request(&mut Env::new(NOW, &mut Dice(1))).unwrap();
        let sent = pairs(core::str::from_utf8(request.body().as_ref()).unwrap());
        let all = |name: &str| sent.iter().filter(|(n, _)| n == name).map(|(_, v)| v.clone()).collect::<Vec<_>>();
        for name in ["subject_token", "actor_token"] {
            prop_assert_eq!(all(name), [token.as_str()]);
            prop_assert_eq!(all(&format!("{name}_type")), [kind.as_str()]);
        }
        prop_assert_eq!(all("audience"), given);
    }

    /// What is accepted can be sent: its form is that of its type.
    #[test]
    fn a_token_has_the_form_of_its_type_or_is_refused(text in prop_oneof!["[A-Za-z0-9_.-]{0,24}", any::<String>()]) {
        let plain = |allowed: &[u8]| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || allowed.contains(&b));
        prop_assert_eq!(SecurityToken::jwt(text.as_str()).is_ok(), plain(b"-_."));
        prop_assert_eq!(Assertion::jwt(text.as_str()).is_ok(), plain(b"-_."));
        let saml = Assertion::saml2(text.as_str()).is_ok();
        prop_assert!(!saml || plain(b"-_"));
        prop_assert_eq!(SecurityToken::saml1(text.as_str()).is_ok(), saml);
        let opaque = !text.trim().is_empty() && text.bytes().all(|b| (b' '..=b'~').contains(&b));
        prop_assert_eq!(SecurityToken::access_token(text.as_str()).is_ok(), opaque);
    }

    /// XML is encoded so that it can be sent without another encoding, and back again (RFC 7522 §2.1).
    #[test]
    fn xml_arrives_as_it_was(rest in any::<String>()) {
        let xml = format!("<{rest}");
        let assertion = Assertion::saml2_xml(&xml).unwrap();
        let text = assertion.expose_secret();
        prop_assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)));
        use base64ct::{Base64UrlUnpadded, Encoding};
        prop_assert_eq!(Base64UrlUnpadded::decode_vec(text).unwrap(), xml.as_bytes());
        prop_assert!(Assertion::saml2(text).is_ok());
    }
}
