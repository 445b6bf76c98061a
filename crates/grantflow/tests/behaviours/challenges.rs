//! `WWW-Authenticate` (RFC 9110 §11.6.1): what is read, what a mistake costs, and what is printed.

use std::collections::BTreeMap;
use std::time::Duration;

use grantflow::{Challenge, Challenges, ClientCredentials, Env, ErrorCode, Exchange, Server, TokenChallenge, UnixTime};
use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;
use serde_json::Value;

use crate::support::Dice;

/// Header values, and the result of a complete parser: `expected` is absent if nothing may be read. From the tests of
/// w3ap (MIT), without their texts.
const VECTORS: &str = include_str!("../vectors/www_authenticate.json");

fn lines(lines: &[&str]) -> Challenges {
    let values = lines.iter().map(|line| (WWW_AUTHENTICATE, HeaderValue::from_bytes(line.as_bytes()).unwrap()));
    Challenges::of(&values.collect::<HeaderMap>())
}

fn line(line: &str) -> Challenges {
    lines(&[line])
}

/// The question of a session: whether the token was refused as such, even if the server made a mistake beside that
/// word.
fn says_invalid_token(challenges: &Challenges) -> bool {
    challenges.with_broken().filter_map(Challenge::bearer).any(|bearer| bearer.error() == Some(ErrorCode::InvalidToken))
}

fn bearer(text: &str) -> Challenges {
    let challenges = line(text);
    assert_eq!(challenges.bearer().count(), 1, "{text}");
    challenges
}

fn view(challenges: &Challenges) -> TokenChallenge<'_> {
    challenges.bearer().next().unwrap()
}

/// The parameters in order, with the last of each name.
fn map(challenge: &Challenge) -> BTreeMap<String, String> {
    challenge.params().map(|(name, _)| (name.to_owned(), challenge.param(name).unwrap().to_owned())).collect()
}

#[test]
fn vectors() {
    let vectors: Vec<Value> = serde_json::from_str(VECTORS).unwrap();
    assert_eq!(vectors.len(), 54);
    let (mut read, mut refused) = (0, 0);
    for vector in vectors {
        let header = vector["header"].as_str().unwrap();
        let challenges = line(header);
        let expected = vector.get("expected").map(|list| list.as_array().unwrap().clone());
        *(if expected.is_some() { &mut read } else { &mut refused }) += 1;
        let expected = expected.unwrap_or_default();
        assert_eq!(challenges.iter().count(), expected.len(), "{header:?}");
        assert_eq!(challenges.is_empty(), expected.is_empty(), "{header:?}");
        for (challenge, expected) in challenges.iter().zip(expected) {
            assert_eq!(challenge.scheme(), expected["scheme"], "{header:?}");
            let parameters: BTreeMap<String, String> = serde_json::from_value(expected["parameters"].clone()).unwrap();
            assert_eq!(map(challenge), parameters, "{header:?}");
            assert_eq!(challenge.token68(), expected.get("token68").map(|word| word.as_str().unwrap()), "{header:?}");
        }
        grantflow::fuzz::challenge(header.as_bytes());
        // The same words for a Bearer challenge about a token must be found in every place that the grammar allows.
        let ours = header.replace("Scheme", "bearer").replace("realm", "error").replace("foo", "invalid_token");
        grantflow::fuzz::challenge(ours.as_bytes());
    }
    assert_eq!((read, refused), (40, 14));
}

#[test]
fn what_servers_send() {
    for text in [
        r#"Bearer error="invalid_token""#,
        r#"bearer error=invalid_token"#,
        r#"BEARER ERROR="invalid_token""#,
        r#"Bearer realm="api", error="invalid_token", error_description="The access token expired""#,
        r#"Bearer realm="a, Basic b=\"c\"", scope="x y", error="invalid_token""#,
        r#"Basic realm="x", Bearer error="invalid_token""#,
        r#"Bearer realm="x", error="invalid_token", Basic realm="y""#,
        r#"Negotiate YII/wY==, Bearer error="invalid_token""#,
        r#"DPoP algs="ES256", error="use_dpop_nonce", Bearer error="invalid_token""#,
        r#"Bearer   error = "invalid_token" ,"#,
        r#",, Bearer error="inv\alid_token""#,
        "\tBearer\terror=invalid_token\t",
        // Without commas, between parameters or between challenges.
        r#"Bearer realm="x" error="invalid_token" error_description="gone""#,
        r#"Basic realm="x" Bearer error="invalid_token" Digest nonce="y""#,
        r#"Bearer, error="invalid_token""#,
        // Unescaped quotes inside of quotes, in the text for people.
        r#"Bearer error="invalid_token", error_description="The token "abc" is over""#,
        r#"Bearer error="invalid_token", ???"#,
        // A value that needs quotes and has none.
        r#"Bearer realm=https://api.example/x?y=z, error="invalid_token""#,
        r#"error="expired", Bearer error="invalid_token""#,
        r#"Negotiate abc==, realm="x", Bearer error="invalid_token""#,
    ] {
        assert!(says_invalid_token(&line(text)), "{text}");
    }
    for text in [
        "",
        ",",
        "Bearer",
        r#"Bearer realm="api""#,
        r#"Basic realm="x", error="invalid_token""#,
        r#"Bearer error="insufficient_scope", scope="write""#,
        r#"Bearer error="invalid_tokens""#,
        r#"Bearer error="invalid_toke""#,
        r#"Bearer error="Invalid_Token""#,
        r#"Bearer error='invalid_token'"#,
        r#"Bearer error=invalid_token/2"#,
        r#"Bearer error="invalid_token"2"#,
        r#"Bearer error="invalid_token"#,
        r#"Bearer error="invalid_token\"#,
        r#"Bearer error=="#,
        r#"Bearer x_error="invalid_token""#,
        r#"Bearer realm="error=invalid_token""#,
        r#"Bearer realm="Bearer error=\"invalid_token\"""#,
        r#"Bearers error="invalid_token""#,
        r#"Bearer error="invalid_token", error="expired""#,
        r#"Bearer error="expired", error="invalid_token""#,
        // Of another scheme, or of none.
        r#"DPoP error="invalid_token""#,
        r#"Bearer realm="x", DPoP error="invalid_token""#,
        r#"error="invalid_token""#,
        r#"invalid_token"#,
        r#"??? Bearer error="invalid_token""#,
    ] {
        assert!(!says_invalid_token(&line(text)), "{text}");
    }
}

#[test]
fn a_challenge_is_not_read_across_lines() {
    let both = lines(&["Basic realm=\"x\"", "Bearer error=\"invalid_token\""]);
    assert_eq!(both.iter().map(Challenge::scheme).collect::<Vec<_>>(), ["basic", "bearer"]);
    assert!(says_invalid_token(&both));
    assert!(!says_invalid_token(&lines(&["Bearer realm=\"x\"", "error=\"invalid_token\""])));
    assert!(Challenges::of(&HeaderMap::new()).is_empty());
    let mut elsewhere = HeaderMap::new();
    elsewhere.insert(http::header::PROXY_AUTHENTICATE, HeaderValue::from_static("Bearer error=\"invalid_token\""));
    assert!(Challenges::of(&elsewhere).is_empty());
}

/// The error behind an answer of the token endpoint, and what it says about authentication (RFC 6749 §5.2).
#[test]
fn the_challenges_of_a_refused_client_are_kept_and_not_printed() {
    let failed = |status: u16, lines: &[&str]| {
        let server = Server::with_token_endpoint("https://as.example/token").unwrap();
        let client = server.client("robot").secret_post("s3cret").unwrap();
        let mut response = http::Response::builder().status(status);
        for line in lines {
            response = response.header(WWW_AUTHENTICATE, *line);
        }
        let mut dice = Dice(1);
        let mut env = Env::new(UnixTime::from_secs(1_700_000_000), &mut dice);
        let response = response.body(r#"{"error":"invalid_client"}"#).unwrap();
        ClientCredentials::new(&client).respond(&mut env, response).unwrap_err().error
    };
    let error = failed(401, &["Basic realm=\"s3cret", "Digest realm=\"s3cret\"", "Bearer error=\"s3cret\""]);
    let answer = error.answer().unwrap();
    assert_eq!(answer.untrusted_challenge(), Some(&b"Basic realm=\"s3cret"[..]), "the first line as it came");
    let challenges = answer.challenges();
    assert_eq!(challenges.iter().map(Challenge::scheme).collect::<Vec<_>>(), ["digest", "bearer"]);
    assert_eq!(challenges.with_broken().map(Challenge::scheme).collect::<Vec<_>>(), ["basic", "digest", "bearer"]);
    let shown = format!("{error} {error:?} {error:#?} {challenges:?} {answer:?}");
    assert!(!shown.contains("s3cret"), "{shown}");
    // Only a 401 has some, and 1 KiB of all lines together is kept.
    for status in [200, 400, 403, 500] {
        assert!(failed(status, &["Basic realm=\"x\""]).answer().unwrap().challenges().is_empty(), "{status}");
    }
    let long = format!("Digest realm=\"{}\"", "x".repeat(600));
    let cut = failed(401, &["Basic realm=x", &long, &long, &long]).answer().unwrap().challenges();
    assert_eq!(cut.iter().map(Challenge::scheme).collect::<Vec<_>>(), ["basic", "digest"]);
    assert_eq!(cut.with_broken().count(), 3);
    let commas = format!("Basic realm=x{}", ",".repeat(2_000));
    let cut = failed(401, &[&commas]).answer().unwrap().challenges();
    assert!(cut.is_empty() && cut.with_broken().count() == 1, "what came after it is unknown");
    assert!(failed(401, &[]).answer().unwrap().challenges().is_empty());
}

/// What comes before a mistake is kept, and so are the other lines.
#[test]
fn a_mistake_costs_its_own_challenge() {
    for (text, whole, all) in [
        (r#"Bearer realm="x", Basic realm="y"#, vec!["bearer"], vec!["bearer", "basic"]),
        (r#"Bearer realm="x, Basic realm="y""#, vec![], vec!["bearer"]),
        (r#"Bearer realm="x", ???, Basic realm="y""#, vec![], vec!["bearer"]),
        (r#"Negotiate a==, realm="x", Basic realm="y""#, vec!["basic"], vec!["negotiate", "basic"]),
        (r#"Bearer, realm="x", Basic realm="y""#, vec!["basic"], vec!["bearer", "basic"]),
        (r#"realm="x", Basic realm="y""#, vec!["basic"], vec!["basic"]),
        (r#"Bearer realm=a/b, Basic realm="y""#, vec!["basic"], vec!["bearer", "basic"]),
        (r#"Bearer realm=a\b, Basic realm="y""#, vec![], vec!["bearer"]),
        (r#"Bearer realm, Basic realm="y""#, vec!["bearer", "basic"], vec!["bearer", "basic"]),
    ] {
        let challenges = line(text);
        assert_eq!(challenges.iter().map(Challenge::scheme).collect::<Vec<_>>(), whole, "{text}");
        assert_eq!(challenges.with_broken().map(Challenge::scheme).collect::<Vec<_>>(), all, "{text}");
        let broken = challenges.with_broken().filter(|challenge| challenge.is_broken()).count();
        assert_eq!(broken, all.len() - whole.len(), "{text}");
        let after = lines(&[text, "DPoP algs=ES256"]);
        assert_eq!(after.dpop().count(), 1, "{text}");
        grantflow::fuzz::challenge(text.as_bytes());
    }
    let url = line("Bearer resource_metadata=https://api.example/meta?x=1");
    assert!(url.is_empty());
    let broken = url.with_broken().next().unwrap();
    assert_eq!(broken.param("Resource_Metadata"), Some("https://api.example/meta?x=1"));
}

#[test]
fn what_a_bearer_challenge_says() {
    let all = bearer(
        r#"Bearer realm="api", error="insufficient_scope", error_description="more", error_uri="https://a.example/e", scope="read write", resource_metadata="https://a.example/m""#,
    );
    let bearer_view = view(&all);
    assert_eq!(bearer_view.challenge().realm(), Some("api"));
    assert_eq!(bearer_view.error(), Some(ErrorCode::InsufficientScope));
    assert_eq!(bearer_view.untrusted_error_description(), Some("more"));
    assert_eq!(bearer_view.untrusted_error_uri(), Some("https://a.example/e"));
    assert_eq!(bearer_view.scope().unwrap().as_str(), "read write");
    assert_eq!(bearer_view.untrusted_resource_metadata(), Some("https://a.example/m"));
    assert_eq!((bearer_view.untrusted_acr_values(), bearer_view.max_age()), (None, None));
    assert!(bearer_view.challenge().dpop().is_none());
    // RFC 9470 §3.
    let all = bearer(
        r#"Bearer error="insufficient_user_authentication", error_description="A different authentication level is required", acr_values="myACR""#,
    );
    assert_eq!(view(&all).error(), Some(ErrorCode::InsufficientUserAuthentication));
    assert_eq!(view(&all).untrusted_acr_values(), Some("myACR"));
    for (text, seconds) in [
        ("max_age=\"5\"", Some(5)),
        ("max_age=5", Some(5)),
        ("max_age=0", Some(0)),
        ("max_age=\"\"", None),
        ("max_age=-1", None),
        ("max_age=+1", None),
        ("max_age=1.5", None),
        ("max_age=\"5 \"", None),
        ("max_age=99999999999999999999", None),
        ("max_age=5, max_age=5", None),
    ] {
        assert_eq!(view(&bearer(&format!("Bearer {text}"))).max_age(), seconds.map(Duration::from_secs), "{text}");
    }
    assert_eq!(view(&bearer("Bearer error=\"\"")).error(), None);
    assert_eq!(view(&bearer("Bearer error=\"x\"")).error().unwrap().as_str(), "x");
}

#[test]
fn what_a_dpop_challenge_says() {
    // RFC 9449 §7.1 and §9.
    let all = line(r#"DPoP error="use_dpop_nonce", error_description="nonce", algs="ES256  PS256", Bearer realm="x""#);
    let dpop = all.dpop().next().unwrap();
    assert_eq!(dpop.error(), Some(ErrorCode::UseDpopNonce));
    assert_eq!(dpop.algs().collect::<Vec<_>>(), ["ES256", "PS256"]);
    assert!(dpop.challenge().bearer().is_none());
    assert_eq!((all.bearer().count(), all.dpop().count()), (1, 1));
    assert_eq!(view(&all).algs().count(), 0);
    // As the OpenID conformance suite writes it.
    assert_eq!(line("dPoP algs=\"ES256\"").dpop().count(), 1);
}

/// RFC 6750 §3: no parameter may occur twice. The map has the last one, the view none.
#[test]
fn a_doubled_parameter_is_not_believed() {
    for name in ["error", "error_description", "error_uri", "scope", "resource_metadata", "acr_values"] {
        let all = bearer(&format!("Bearer {name}=one, {}=two", name.to_uppercase()));
        assert_eq!(view(&all).challenge().param(name), Some("two"));
        assert_eq!(view(&all).challenge().params().collect::<Vec<_>>(), [(name, "one"), (name, "two")]);
        let view = view(&all);
        let said = [
            view.error().map(|code| code.as_str().to_owned()),
            view.untrusted_error_description().map(str::to_owned),
            view.untrusted_error_uri().map(str::to_owned),
            view.scope().map(|scope| scope.as_str().to_owned()),
            view.untrusted_resource_metadata().map(str::to_owned),
            view.untrusted_acr_values().map(str::to_owned),
        ];
        assert_eq!(said, [const { None }; 6], "{name}");
    }
}

#[test]
fn other_encodings_are_read_and_cost_nothing() {
    let of = |value: &[u8]| {
        Challenges::of(&HeaderMap::from_iter([(WWW_AUTHENTICATE, HeaderValue::from_bytes(value).unwrap())]))
    };
    let latin = of(b"Bearer realm=\"caf\xe9\", error=\"invalid_token\"");
    assert_eq!(view(&latin).challenge().realm(), Some("café"));
    assert!(says_invalid_token(&latin));
    let utf8 = of("Bearer realm=\"café ☕\", error=\"invalid_token\"".as_bytes());
    assert_eq!(view(&utf8).challenge().realm(), Some("café ☕"));
    // Outside of quotes it is not allowed anywhere.
    let outside = of(b"B\xe9arer realm=x");
    assert!(outside.with_broken().next().is_none());
}

#[test]
fn nothing_that_a_server_wrote_is_printed() {
    let all = line(
        r#"s3cret, Bearer s3cret="s3cret", error="s3cret", error_description="s3cret", scope="s3cret", DPoP s3cret, Basic realm=s3cret/"#,
    );
    assert_eq!(all.with_broken().count(), 4);
    let shown = format!("{all:?} {all:#?} {:?}", view(&all));
    assert!(!shown.contains("s3cret"), "{shown}");
    let shown = format!("{:?}", line(r#"Bearer error="invalid_token", realm="x", Foo a==, Basic realm=a/b"#));
    assert_eq!(
        shown,
        "Challenges [Challenge { scheme: bearer, error: invalid_token, [2 parameters] }, \
         Challenge { scheme: another, [0 parameters], token68 }, Challenge { scheme: basic, [1 parameters], broken }]"
    );
}

#[test]
fn everything_is_bounded() {
    let many = line(&"Bearer a=b, ".repeat(1000));
    assert_eq!((many.iter().count(), many.with_broken().count()), (64, 64));
    let long = line(&format!("Basic realm=x, Bearer {}", "a=b, ".repeat(1000)));
    assert_eq!(long.with_broken().map(|challenge| challenge.params().count()).sum::<usize>(), 256);
    assert_eq!(
        long.iter().map(Challenge::scheme).collect::<Vec<_>>(),
        ["basic"],
        "a challenge that was cut is not whole"
    );
    let filler = format!("Basic realm=\"{}\"", "x".repeat(40_000));
    let cut = lines(&[&filler, &filler, "Bearer error=invalid_token"]);
    assert_eq!((cut.iter().count(), cut.with_broken().count()), (1, 2));
    assert!(!says_invalid_token(&cut));
    // What was cut may have gone on.
    let cut = lines(&["Basic realm=x", &format!("Bearer error=invalid_token{}", ",".repeat(70_000))]);
    assert_eq!(cut.iter().map(Challenge::scheme).collect::<Vec<_>>(), ["basic"]);
    assert!(cut.with_broken().nth(1).unwrap().is_broken());
    // A limit that falls between two lines costs the line before it nothing.
    let exact = format!("Basic realm=\"{}\"", "x".repeat(64 * 1024 - 14));
    assert_eq!(exact.len(), 64 * 1024);
    let at = lines(&[&exact, "Bearer error=invalid_token"]);
    assert_eq!((at.iter().count(), at.with_broken().count()), (1, 1));
}

/// The time grows with the length, not with its square: a quadratic reader would take minutes for these.
#[test]
fn long_lines_take_no_longer_than_they_must() {
    for piece in ["a ", "a=", "a= ", "\"", "\\", ",", " ", "a,", "Bearer ", "a=\"", "/", "a=b "] {
        let text = piece.repeat((1 << 21) / piece.len());
        let challenges = line(&text);
        assert!(!says_invalid_token(&challenges));
        assert!(challenges.with_broken().count() <= 64);
    }
}

/// A challenge as a server means it.
#[derive(Debug, Clone)]
struct Meant {
    scheme: String,
    parameters: Vec<(String, String)>,
    token68: Option<String>,
}

fn meant() -> impl Strategy<Value = Meant> {
    let scheme = prop_oneof![Just("Bearer".to_owned()), "[bB][eE][aA][rR][eE][rR]", "[A-Za-z][A-Za-z0-9-]{0,8}"];
    let name = prop_oneof![Just("error".to_owned()), Just("realm".to_owned()), "[a-zA-Z_]{1,6}"];
    let value = prop_oneof![Just("invalid_token".to_owned()), "[a-z_]{0,12}", "[ -~\\t]{0,12}", "[ -~é☕]{0,6}"];
    let word = proptest::option::weighted(0.2, "[A-Za-z0-9._~+/-]{1,12}={0,2}");
    (scheme, proptest::collection::vec((name, value), 0..4), word).prop_map(|(scheme, parameters, token68)| {
        let parameters = if token68.is_some() { Vec::new() } else { parameters };
        Meant { scheme, parameters, token68 }
    })
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

/// `style` chooses between the ways of writing the same thing.
fn written(challenges: &[Meant], style: &mut impl FnMut() -> bool) -> String {
    let mut line = String::new();
    for challenge in challenges {
        if !line.is_empty() {
            line.push_str(if style() { ", " } else { ",,\t," });
        }
        line.push_str(&challenge.scheme);
        if let Some(word) = &challenge.token68 {
            line.push_str(if style() { " " } else { "   " });
            line.push_str(word);
        }
        for (at, (name, value)) in challenge.parameters.iter().enumerate() {
            match at {
                0 => line.push_str(if style() { " " } else { "   " }),
                _ => line.push_str(if style() { ", " } else { " ," }),
            }
            line.push_str(name);
            line.push_str(if style() { "=" } else { " = " });
            if is_token(value) && style() {
                line.push_str(value);
                continue;
            }
            line.push('"');
            for character in value.chars() {
                if matches!(character, '"' | '\\') || (character.is_ascii() && style()) {
                    line.push('\\');
                }
                line.push(character);
            }
            line.push('"');
        }
    }
    line
}

proptest! {
    #[test]
    fn what_is_written_by_the_grammar_is_read(meant in proptest::collection::vec(meant(), 0..4), styles: u64) {
        let mut styles = styles;
        let text = written(&meant, &mut || {
            styles = styles.rotate_left(1);
            styles & 1 == 0
        });
        let challenges = line(&text);
        prop_assert_eq!(challenges.iter().count(), meant.len(), "{}", text);
        for (challenge, meant) in challenges.iter().zip(&meant) {
            prop_assert_eq!(challenge.scheme(), meant.scheme.to_lowercase());
            prop_assert_eq!(challenge.token68(), meant.token68.as_deref());
            let lower = |(name, value): &(String, String)| (name.to_lowercase(), value.clone());
            let read: Vec<_> = challenge.params().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            prop_assert_eq!(read, meant.parameters.iter().map(lower).collect::<Vec<_>>(), "{}", text);
        }
        grantflow::fuzz::challenge(text.as_bytes());
    }

    #[test]
    fn anything_is_read_without_harm(
        line in proptest::collection::vec(
            prop_oneof![
                Just(b"Bearer".to_vec()), Just(b"error".to_vec()), Just(b"invalid_token".to_vec()), Just(b"=".to_vec()),
                Just(b"\"".to_vec()), Just(b",".to_vec()), Just(b" ".to_vec()), Just(b"\\".to_vec()), Just(b"\n".to_vec()),
                any::<u8>().prop_map(|b| vec![b]),
            ],
            0..24,
        )
    ) {
        grantflow::fuzz::challenge(&line.concat());
    }
}
