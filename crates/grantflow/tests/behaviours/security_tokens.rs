//! Security tokens and assertions are checked when they are made, and never printed.

use base64ct::{Base64UrlUnpadded, Encoding};
use grantflow::{Assertion, Error, Misuse, SecurityToken, TokenTypeIdentifier};

type Made = Result<SecurityToken, Error>;

fn misuse<T: core::fmt::Debug>(result: Result<T, Error>) -> Misuse {
    match result.unwrap_err() {
        Error::Misuse(misuse) => misuse,
        other => panic!("{other}"),
    }
}

fn every(text: &str) -> [(&'static str, Made); 6] {
    [
        ("access_token", SecurityToken::access_token(text)),
        ("refresh_token", SecurityToken::refresh_token(text)),
        ("id_token", SecurityToken::id_token(text)),
        ("jwt", SecurityToken::jwt(text)),
        ("saml1", SecurityToken::saml1(text)),
        ("saml2", SecurityToken::saml2(text)),
    ]
}

#[test]
fn each_has_its_identifier() {
    for (word, token) in every("PHg-") {
        let token = token.unwrap();
        assert_eq!(token.token_type().as_str(), format!("urn:ietf:params:oauth:token-type:{word}"));
        assert_eq!(token.expose_secret(), "PHg-");
        let same = SecurityToken::new("PHg-", TokenTypeIdentifier::new(token.token_type().as_str()).unwrap());
        assert_eq!(same.unwrap().token_type(), token.token_type());
    }
    let other = TokenTypeIdentifier::new("urn:ietf:params:aws:token-type:aws4_request").unwrap();
    let token = SecurityToken::new("%7B%22url%22%3A%22https%3A%2F%2Fsts%22%7D", other.clone()).unwrap();
    assert_eq!(*token.token_type(), other);
    // What a type of another standard may look like is not known.
    assert!(SecurityToken::new("ada@ex\u{e4}mple {}", other).is_ok());
}

#[test]
fn an_empty_one_is_none() {
    let other = || TokenTypeIdentifier::new("urn:x:y").unwrap();
    for blank in ["", " ", "\n", "\t \r\n"] {
        for (word, token) in every(blank) {
            assert_eq!(misuse(token), Misuse::EmptyToken, "{word} {blank:?}");
        }
        assert_eq!(misuse(SecurityToken::new(blank, other())), Misuse::EmptyToken);
        assert_eq!(misuse(Assertion::jwt(blank)), Misuse::EmptyToken);
        assert_eq!(misuse(Assertion::saml2(blank)), Misuse::EmptyToken);
    }
}

/// A line break at the end comes from a file, and costs a refused request otherwise.
#[test]
fn a_form_that_the_type_forbids_is_refused() {
    let form = |result: Made| assert!(matches!(misuse(result), Misuse::TokenForm(_)));
    for bad in ["a.b.c\n", "a b", "a+b/c=", "\u{e9}", "<a/>", "a,b", "a~b", "\"a.b.c\""] {
        form(SecurityToken::id_token(bad));
        form(SecurityToken::jwt(bad));
        form(SecurityToken::new(bad, TokenTypeIdentifier::ID_JAG));
        assert!(matches!(misuse(Assertion::jwt(bad)), Misuse::TokenForm(_)), "{bad}");
    }
    // Base64url: no padding, no other alphabet, whole groups, and zero bits at the end (RFC 7522 §2.1).
    for bad in ["PHg-\n", "PHg+", "PHg/", "PGE-PC9hPg==", "PHg=", "P", "PHgxP", "PH", "<a/>", "PHg -", "a.b"] {
        form(SecurityToken::saml1(bad));
        form(SecurityToken::saml2(bad));
        assert!(matches!(misuse(Assertion::saml2(bad)), Misuse::TokenForm(_)), "{bad}");
    }
    for bad in ["a\n", "a\r\nb: c", "\u{0}a", "a\u{7f}", "a\u{e9}"] {
        assert_eq!(misuse(SecurityToken::access_token(bad)), Misuse::TokenCharacter, "{bad:?}");
        assert_eq!(misuse(SecurityToken::refresh_token(bad)), Misuse::TokenCharacter, "{bad:?}");
    }
    for bad in ["a\n", "a\u{0}", "a\u{85}b"] {
        let other = TokenTypeIdentifier::new("urn:x:y").unwrap();
        assert_eq!(misuse(SecurityToken::new(bad, other)), Misuse::TokenCharacter, "{bad:?}");
    }
    // Signed, encrypted, and without a signature.
    for good in ["a.b.c", "a.b.c.d.e", "eyJhbGciOiJub25lIn0.e30.", "-_9.A.b"] {
        assert!(SecurityToken::jwt(good).is_ok() && Assertion::jwt(good).is_ok(), "{good}");
    }
}

#[test]
fn xml_is_encoded_here() {
    let xml = "<saml:Assertion>\u{e9}?>~</saml:Assertion>\n";
    let encoded = Base64UrlUnpadded::encode_string(xml.as_bytes());
    assert_eq!(SecurityToken::saml2_xml(xml).unwrap().expose_secret(), encoded);
    assert_eq!(SecurityToken::saml2_xml(xml).unwrap().token_type(), &TokenTypeIdentifier::SAML2);
    assert_eq!(SecurityToken::saml1_xml(xml).unwrap().expose_secret(), encoded);
    assert_eq!(SecurityToken::saml1_xml(xml).unwrap().token_type(), &TokenTypeIdentifier::SAML1);
    assert_eq!(Assertion::saml2_xml(xml).unwrap().expose_secret(), encoded);
    // What was encoded here is what is taken as encoded.
    assert_eq!(Assertion::saml2(encoded.clone()).unwrap().expose_secret(), encoded);
    let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain("<a/>".encode_utf16().flat_map(u16::to_le_bytes)).collect();
    for good in [&b" \n<a/>"[..], b"\xef\xbb\xbf<a/>", &utf16, b"<?xml version=\"1.0\"?><a/>"] {
        assert!(Assertion::saml2_xml(good).is_ok(), "{good:?}");
    }
    // One that is encoded already would be encoded twice.
    for bad in [encoded.as_bytes(), b"", b" ", b"{}", b"\xef\xbb\xbf", b"a.b.c"] {
        assert!(matches!(misuse(Assertion::saml2_xml(bad)), Misuse::TokenForm(_)), "{bad:?}");
        assert!(matches!(misuse(SecurityToken::saml1_xml(bad)), Misuse::TokenForm(_)), "{bad:?}");
    }
}

#[test]
fn the_token_is_not_printed() {
    let secret = "c2VjcmV0";
    for (_, token) in every(secret) {
        let text = format!("{:?}", token.unwrap());
        assert!(!text.contains(secret) && text.contains("[redacted]"), "{text}");
    }
    let assertion = format!("{:?}", Assertion::jwt(secret).unwrap());
    assert!(!assertion.contains(secret) && assertion.contains("[redacted]"), "{assertion}");
    for bad in ["se cret", "se\ncret"] {
        let error = SecurityToken::jwt(bad).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("cret"), "{error:?}");
    }
}
