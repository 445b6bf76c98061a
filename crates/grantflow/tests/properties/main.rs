//! Properties: what is written is read back, what is compared is compared exactly, and whole flows against a randomly
//! misbehaving server end well or end clearly. The fuzz targets' committed inputs are replayed here too.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "Clippy sees tests only in functions marked as such, not in their helpers; and the core's bans are the core's."
)]

mod corpus;
mod documents;
mod endpoints;
mod exchange;
mod flow_model;
mod polls;
mod registration;
mod runs;

use std::time::Duration;

use grantflow::{
    Authorization, Callback, ClientCredentials, EntropyFailed, Env, Exchange, Left, Next, Scope, Server, Step, Tokens,
    UnixTime,
};
use http::Response;
use proptest::prelude::*;

struct Dice(u64);

impl grantflow::Entropy for Dice {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), EntropyFailed> {
        for b in bytes {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *b = (self.0 >> 33) as u8;
        }
        Ok(())
    }
}

const REDIRECT_URI: &str = "https://app.example/cb";

fn server() -> Server {
    Server::new("https://as.example/authorize?own=1", "https://as.example/token").unwrap()
}

fn pairs(text: &str) -> Vec<(String, String)> {
    serde_urlencoded::from_str(text).unwrap()
}

/// A code exchange, started at `now` with this scope.
fn exchange(server: &Server, scope: Option<&str>) -> grantflow::CodeExchange {
    let client = server.client("app").public().unwrap();
    let authorization = Authorization::new(&client, REDIRECT_URI).unwrap();
    let authorization = match scope {
        Some(scope) => authorization.scope(scope).unwrap(),
        None => authorization,
    };
    let start = authorization.start(&mut Env::new(UnixTime::from_secs(0), &mut Dice(1))).unwrap();
    let state = start.url.as_str().split("&state=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    match start.pending.receive_url(&format!("{REDIRECT_URI}?code=c&state={state}")) {
        Callback::Granted(exchange) => exchange,
        other => panic!("{other:?}"),
    }
}

fn respond(
    exchange: grantflow::CodeExchange,
    now: UnixTime,
    status: u16,
    body: &[u8],
) -> Result<Tokens, grantflow::Failure<grantflow::CodeExchange>> {
    let response = Response::builder().status(status).body(body).unwrap();
    match exchange.respond(&mut Env::new(now, &mut Dice(2)), response)? {
        Step::Done(tokens) => Ok(tokens),
        Step::Again(_) => panic!("this flow has one step"),
    }
}

fn answer(now: UnixTime, body: &str) -> Tokens {
    respond(exchange(&server(), None), now, 200, body.as_bytes()).unwrap()
}

/// A scope token, of every allowed character.
fn scope_token() -> impl Strategy<Value = String> {
    proptest::collection::vec(prop_oneof![Just(0x21u8), 0x23..=0x5bu8, 0x5d..=0x7eu8], 1..8)
        .prop_map(|bytes| String::from_utf8(bytes).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn forms_and_basic_hold_all_of_unicode(text in any::<String>(), other in any::<String>()) {
        grantflow::fuzz::form(text.as_bytes());
        grantflow::fuzz::basic(format!("{text}\0{other}").as_bytes());
    }

    #[test]
    fn an_authorization_url_says_what_was_asked(
        id in "\\PC{1,20}",
        name in "[a-z]{1,8}_x",
        value in any::<String>(),
        scope in proptest::collection::vec(scope_token(), 1..5),
        seed in any::<u64>(),
    ) {
        let scope = scope.join(" ");
        let client = server().client(&id).public().unwrap();
        let authorization = Authorization::new(&client, REDIRECT_URI).unwrap().scope(&*scope).unwrap().param(&name, &value).unwrap();
        let url = authorization.start(&mut Env::new(UnixTime::from_secs(0), &mut Dice(seed))).unwrap().url;
        prop_assert!(url.as_str().bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~:/?&=%+".contains(&b)));
        let (place, query) = url.as_str().split_once('?').unwrap();
        prop_assert_eq!(place, "https://as.example/authorize");
        let mut found = pairs(query);
        let drawn: Vec<(String, String)> = found.extract_if(.., |(name, _)| name == "state" || name == "code_challenge").collect();
        prop_assert!(drawn.len() == 2 && drawn.iter().all(|(_, value)| value.len() == 43));
        let asked = [
            ("own", "1"), ("response_type", "code"), ("client_id", &id), ("redirect_uri", REDIRECT_URI), ("scope", &scope),
            ("code_challenge_method", "S256"), (&name, &value),
        ];
        let asked: Vec<(String, String)> = asked.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        prop_assert_eq!(found, asked);
    }

    #[test]
    fn a_scope_is_a_set_in_an_order(tokens in proptest::collection::vec(scope_token(), 1..6), spaces in 1..4usize) {
        let scope = Scope::new(&tokens.join(&" ".repeat(spaces))).unwrap();
        let joined = tokens.join(" ");
        prop_assert_eq!(scope.as_str(), joined.as_str());
        prop_assert_eq!(scope.iter().collect::<Vec<_>>(), tokens.clone());
        let mut turned = tokens.clone();
        turned.reverse();
        prop_assert_eq!(&scope, &Scope::new(&turned.join(" ")).unwrap());
        let part = Scope::new(&tokens[0]).unwrap();
        prop_assert!(part.is_subset_of(&scope) && scope.contains(&tokens[0]));
        turned.push("\u{7e}one-more".to_owned());
        prop_assert!(!Scope::new(&turned.join(" ")).unwrap().is_subset_of(&scope));
    }

    /// Half of the draws have scope characters only, some of these with one other character.
    #[test]
    fn no_text_but_scope_characters_is_a_scope(text in prop_oneof![
        any::<String>(),
        "[ !#-\\[\\]-~]{1,24}",
        "[ !#-\\[\\]-~]{0,8}[\"\\\\\\x00-\\x1f\\x7f-\\xa0é][ !#-\\[\\]-~]{0,8}",
        " {0,4}",
    ]) {
        let good = text.bytes().all(|b| matches!(b, 0x20 | 0x21 | 0x23..=0x5b | 0x5d..=0x7e)) && text.bytes().any(|b| b != b' ');
        prop_assert_eq!(Scope::new(&text).is_ok(), good);
    }

    #[test]
    fn an_issuer_with_any_character_changed_is_another(at in 0..30usize, replacement in any::<char>(), insert in any::<bool>()) {
        let issuer = "https://as.example:8443/Tenant";
        let mut edited: Vec<char> = issuer.chars().collect();
        let at = at % edited.len();
        if insert { edited.insert(at, replacement) } else { edited[at] = replacement }
        let edited: String = edited.into_iter().collect();
        let client = server().issuer(issuer).unwrap().client("app").public().unwrap();
        let start = Authorization::new(&client, REDIRECT_URI).unwrap().start(&mut Env::new(UnixTime::from_secs(0), &mut Dice(1))).unwrap();
        let state = start.url.as_str().split("&state=").nth(1).unwrap().split('&').next().unwrap().to_owned();
        let query = serde_urlencoded::to_string([("code", "c"), ("state", &state), ("iss", &edited)]).unwrap();
        let granted = matches!(start.pending.receive_url(&format!("{REDIRECT_URI}?{query}")), Callback::Granted(_));
        prop_assert_eq!(granted, edited == issuer);
    }

    #[test]
    fn expiry_never_overflows_and_never_goes_back(now in any::<u64>(), lifetime in any::<u64>(), later in any::<u64>(), margin in any::<u64>()) {
        let tokens = answer(UnixTime::from_secs(now), &format!(r#"{{"access_token":"t","token_type":"bearer","expires_in":{lifetime}}}"#));
        let expires = now.saturating_add(lifetime);
        prop_assert_eq!(tokens.expires_at(), Some(UnixTime::from_secs(expires)));
        let (later, margin) = (UnixTime::from_secs(later), Duration::from_secs(margin));
        prop_assert_eq!(tokens.is_expired(later), later.as_secs() >= expires);
        prop_assert_eq!(tokens.expires_within(margin, later), later.as_secs().saturating_add(margin.as_secs()) >= expires);
        prop_assert!(!tokens.is_expired(later) || tokens.is_expired(UnixTime::from_secs(u64::MAX)), "what has expired stays expired");
    }

    #[test]
    fn a_refresh_keeps_what_it_is_not_given(rotated in any::<bool>(), scope in any::<bool>(), expires in any::<bool>(), narrower in any::<bool>()) {
        let first = r#"{"access_token":"a1","token_type":"bearer","refresh_token":"r1","expires_in":9,"scope":"b a","site":1}"#;
        let tokens = respond(exchange(&server(), Some("a b c")), UnixTime::from_secs(5), 200, first.as_bytes()).unwrap();
        let granted = tokens.scope().clone();
        let mut body = serde_json::json!({ "access_token": "a2", "token_type": "Bearer" });
        if rotated { body["refresh_token"] = "r2".into() }
        if scope { body["scope"] = "a".into() }
        if expires { body["expires_in"] = 7.into() }
        let refresh = tokens.refresh().unwrap();
        let refresh = if narrower { refresh.scope("a").unwrap() } else { refresh };
        let response = Response::new(body.to_string());
        let Step::Done(new) = refresh.respond(&mut Env::new(UnixTime::from_secs(50), &mut Dice(1)), response).unwrap() else { panic!() };
        prop_assert_eq!(new.bearer().unwrap().expose_secret(), "a2");
        prop_assert_eq!(new.refresh_token().unwrap().expose_secret(), if rotated { "r2" } else { "r1" });
        prop_assert_eq!(new.expires_at(), expires.then(|| UnixTime::from_secs(57)));
        if !scope && !narrower { prop_assert_eq!(new.scope(), &granted) }
        let effective = new.scope().effective().unwrap();
        prop_assert_eq!(effective, &Scope::new(if scope || narrower { "a" } else { "a b" }).unwrap());
    }

    #[test]
    fn order_and_unknown_members_change_nothing(order in Just(vec![0usize, 1, 2, 3, 4]).prop_shuffle(), unknown in "[a-z]{1,6}_", value in any::<f64>().prop_filter("JSON has no such number", |v| v.is_finite())) {
        let members = [r#""access_token":"t""#.to_owned(), r#""token_type":"Bearer""#.to_owned(), r#""expires_in":5"#.to_owned(), r#""refresh_token":"r""#.to_owned(), format!(r#""{unknown}":[{value:?},{{"x":null}}]"#)];
        let body: Vec<&str> = order.iter().map(|at| members[*at].as_str()).collect();
        let tokens = answer(UnixTime::from_secs(0), &format!("{{{}}}", body.join(",")));
        prop_assert_eq!(tokens.bearer().unwrap().expose_secret(), "t");
        prop_assert_eq!(tokens.refresh_token().unwrap().expose_secret(), "r");
        prop_assert_eq!(tokens.expires_at(), Some(UnixTime::from_secs(5)));
        let rest: serde_json::Map<String, serde_json::Value> = tokens.extra().unwrap();
        prop_assert_eq!(rest.keys().collect::<Vec<_>>(), [&unknown]);
    }

    #[test]
    fn every_answer_has_one_meaning(status in prop_oneof![200..600u16, 600..1000u16, Just(400u16), Just(401u16), Just(403u16)], body in prop_oneof![
        any::<Vec<u8>>(),
        Just(br#"{"access_token":"t","token_type":"bearer"}"#.to_vec()),
        Just(br#"{"error":"invalid_grant"}"#.to_vec()),
        Just(br#"{"error":"Not Found"}"#.to_vec()),
        Just(Vec::new()),
    ]) {
        let holds_a_token = body.starts_with(b"{\"access_token\":\"t\"");
        let dead = body.starts_with(b"{\"error\":\"invalid_grant\"");
        match respond(exchange(&server(), None), UnixTime::from_secs(0), status, &body) {
            Ok(_) => prop_assert!((200..300).contains(&status) && holds_a_token),
            Err(failure) => {
                prop_assert_eq!(failure.error.status().unwrap().as_u16(), status);
                let verdict = dead && ((200..300).contains(&status) || [400, 401, 403].contains(&status));
                prop_assert_eq!(matches!(failure.left, Left::Spent), verdict);
                prop_assert_eq!(failure.error.next() == Next::Reauthorize, verdict);
                prop_assert_eq!(matches!(failure.left, Left::Intact(_)), status == 429);
                prop_assert!(status < 600 || failure.error.next() == Next::RetryLater(None));
            }
        }
    }

    #[test]
    fn an_odd_optional_member_costs_its_own_value_only(name in prop_oneof![Just("expires_in"), Just("refresh_token"), Just("scope"), Just("id_token")], odd in prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("[]".to_owned()),
        Just("{\"a\":[1]}".to_owned()),
        "-[1-9][0-9]{0,5}(\\.[0-9]{1,3})?",
        "\"[a-z]{0,4}\\\\u000[0-9]\"",
    ]) {
        let tokens = answer(UnixTime::from_secs(0), &format!(r#"{{"access_token":"t","token_type":"bearer","site":1,"{name}":{odd}}}"#));
        prop_assert_eq!(tokens.tolerated(), [name]);
        prop_assert_eq!(tokens.bearer().unwrap().expose_secret(), "t");
        prop_assert!(tokens.expires_at().is_none() && tokens.refresh_token().is_none() && tokens.unverified_id_token().is_none());
        prop_assert_eq!(tokens.scope().is_narrowed().is_none(), name == "scope");
        let rest: serde_json::Map<String, serde_json::Value> = tokens.extra().unwrap();
        prop_assert_eq!(rest.keys().collect::<Vec<_>>(), ["site"]);
    }

    #[test]
    fn a_token_goes_to_its_own_origin_only(
        scheme in prop_oneof![Just("https"), Just("http")],
        host in prop_oneof![Just("api.example"), Just("API.example"), Just("api.example.evil"), Just("evil.example"), Just("127.0.0.1")],
        port in prop_oneof![Just(""), Just(":443"), Just(":80"), Just(":8443")],
        path in "/[a-z.]{0,12}",
    ) {
        let bound = server().token_for("https://api.example").unwrap();
        let body = br#"{"access_token":"t","token_type":"bearer"}"#;
        let tokens = respond(exchange(&bound, None), UnixTime::from_secs(0), 200, body).unwrap();
        let mut request = http::Request::get(format!("{scheme}://{host}{port}{path}")).body(()).unwrap();
        let own = scheme == "https" && host.eq_ignore_ascii_case("api.example") && (port.is_empty() || port == ":443");
        prop_assert_eq!(tokens.bearer().unwrap().authorize(&mut request).is_ok(), own);
        prop_assert_eq!(request.headers().contains_key("authorization"), own);
    }

    #[test]
    fn a_wait_is_never_longer_than_a_day(value in prop_oneof!["[0-9]{1,25}", "[ -~]{0,40}", Just("Fri, 31 Dec 9999 23:59:59 GMT".to_owned())], now in any::<u64>()) {
        let response = Response::builder().status(429).header("retry-after", &value).body("").unwrap();
        let failure = exchange(&server(), None).respond(&mut Env::new(UnixTime::from_secs(now), &mut Dice(1)), response).unwrap_err();
        let wait = failure.error.answer().unwrap().retry_after();
        prop_assert!(wait.is_none_or(|wait| wait <= Duration::from_secs(86_400)));
        if value.bytes().all(|b| b.is_ascii_digit()) && !value.is_empty() { prop_assert!(wait.is_some()) }
    }

    #[test]
    fn client_credentials_say_what_was_asked(id in "\\PC{1,12}", secret in "\\PC{1,12}", name in "[a-z]{1,8}_x", value in any::<String>()) {
        let client = server().client(&id).secret_post(secret.as_str()).unwrap();
        let exchange = ClientCredentials::new(&client).param(&name, &value).unwrap();
        let request = exchange.request(&mut Env::new(UnixTime::from_secs(0), &mut Dice(1))).unwrap();
        let asked = [("grant_type", "client_credentials"), (&name, &value), ("client_id", &id), ("client_secret", &secret)];
        let asked: Vec<(String, String)> = asked.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        prop_assert_eq!(pairs(std::str::from_utf8(request.body().as_ref()).unwrap()), asked);
    }

    /// The pieces of odd URLs; the oracle is the fuzz target's.
    #[test]
    fn what_is_taken_for_a_url_keeps_its_promises(urls in proptest::collection::vec(
        "(https|http|HTTPS|HTTP|vscode|com\\.a|javascript|)(://|:|:/|)(u@|)(a|A|a\\.example|127\\.0\\.0\\.1|localhost|b\\.LOCALHOST|\\[::1\\]|\\[z\\]|%61|a\\.\\.b|\\.|)(:443|:80|:0|:00443|:\\+1|:|)(/|/a|/%61|/%2F|/%2f|/~|/%7e|/\\.\\./a|/%|/[ -~]|){0,3}(\\?|\\?a=%61|\\?x=[ -~é]|)(#|)",
        1..4,
    )) {
        grantflow::fuzz::url(urls.join("\n").as_bytes());
    }

    #[test]
    fn a_retry_after_says_what_it_means(now in any::<u64>(), moment in any::<u64>(), text in "[0-9]{0,25}|[ -~]{0,40}|[A-Z][a-z]{2,8}, ?[0-9]{2}[- ][A-Z][a-z]{2}[- ][0-9]{2,4} [0-9:]{8} GMT") {
        grantflow::fuzz::retry_after(&[&now.to_be_bytes(), &moment.to_be_bytes(), text.as_bytes()].concat());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// The model's own checks are its oracle: see `flow_model`.
    #[test]
    fn whole_flows_end_well_or_clearly(bytes in proptest::collection::vec(any::<u8>(), 0..96)) {
        flow_model::run(&bytes);
    }
}
