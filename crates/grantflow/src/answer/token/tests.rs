use super::*;
use crate::server::ErrorPlace;
use crate::wire::object::{Fault, Optional};
use crate::wire::path::Path;

fn strict() -> Rules<'static> {
    Rules {
        names: None,
        path: &[],
        errors: &[],
        token_types: &[],
        form: false,
        missing_token_type: false,
        null_is_absent: false,
        scope_list: false,
    }
}

/// The answer to any grant except a token exchange.
fn read<'a>(body: &'a [u8], rules: &Rules<'_>) -> Result<Content<'a>, Unread<'a>> {
    super::read(body, rules)
}

fn token_of<'a>(body: &'a str, rules: &Rules<'_>) -> Result<TokenAnswer<'a>, Violation> {
    match read(body.as_bytes(), rules).map_err(|unread| unread.violation)? {
        Content::Token(token) => Ok(token),
        Content::Error(error) => panic!("{error:?}"),
    }
}

fn violation(body: &[u8], rules: &Rules<'_>) -> Violation {
    read(body, rules).unwrap_err().violation
}

/// The code and the description of a body that states an error.
fn error_of(body: &[u8], rules: &Rules<'_>) -> (String, Option<String>) {
    match read(body, rules).or_else(|unread| error_in_unread(body, rules, unread).map(Content::Error)).unwrap() {
        Content::Error(error) => (error.code.into_owned(), error.description.map(Cow::into_owned)),
        Content::Token(token) => panic!("{token:?}"),
    }
}

/// A good answer with one more member.
fn with(member: &str) -> String {
    format!("{{\"access_token\":\"t\",\"token_type\":\"bEARER\",{member}}}")
}

#[test]
fn expires_in_in_all_its_shapes() {
    for (value, seconds) in [
        ("3600", 3600),
        ("0", 0),
        ("1.9", 1),
        ("\"3600\"", 3600),
        ("\"3600.0\"", 3600),
        ("\"0.9\"", 0),
        ("1e3", 1000),
        ("-0", 0),
        ("1e300", u64::MAX),
        ("18446744073709551615", u64::MAX),
        ("18446744073709551616", u64::MAX),
        ("\"99999999999999999999999\"", u64::MAX),
    ] {
        let body = with(&format!("\"expires_in\":{value}"));
        assert_eq!(token_of(&body, &strict()).unwrap().expires_in, Optional::Value(seconds), "{value}");
    }
    for value in [
        "-1",
        "-0.5",
        "true",
        "\"60abc\"",
        "\"-1\"",
        "\"1.\"",
        "\".5\"",
        "\"1.5.1\"",
        "\"1e3\"",
        "\" 60\"",
        "\"+60\"",
        "\"\\ud800\"",
        "[5]",
        "{}",
    ] {
        let body = with(&format!("\"expires_in\":{value}"));
        assert_eq!(token_of(&body, &strict()).unwrap().expires_in, Optional::Unreadable(Fault::WrongType), "{value}");
    }
    for (value, fault) in [("null", Fault::WrongType), ("\"\"", Fault::Empty)] {
        let body = with(&format!("\"expires_in\":{value}"));
        assert_eq!(token_of(&body, &strict()).unwrap().expires_in, Optional::Blank(fault), "{value}");
    }
}

#[test]
fn tokens_are_visible_text() {
    for (body, refused) in [
        (r#"{"token_type":"bearer"}"#, Violation::Missing("access_token")),
        (r#"{"access_token":"","token_type":"bearer"}"#, Violation::Empty("access_token")),
        (r#"{"access_token":"  ","token_type":"bearer"}"#, Violation::Empty("access_token")),
        (r#"{"access_token":null,"token_type":"bearer"}"#, Violation::WrongType("access_token")),
        (r#"{"access_token":7,"token_type":"bearer"}"#, Violation::WrongType("access_token")),
        (r#"{"access_token":"a\r\nb","token_type":"bearer"}"#, Violation::Character("access_token")),
        (r#"{"access_token":"a\u0000","token_type":"bearer"}"#, Violation::Character("access_token")),
        (r#"{"access_token":"é","token_type":"bearer"}"#, Violation::Character("access_token")),
        (r#"{"access_token":"a"}"#, Violation::Missing("token_type")),
        (r#"{"access_token":"a","token_type":null}"#, Violation::Missing("token_type")),
        (r#"{"access_token":"a","token_type":""}"#, Violation::Empty("token_type")),
        (r#"{"access_token":"a","token_type":7}"#, Violation::WrongType("token_type")),
        (r#"{"access_token":"a","token_type":"example"}"#, Violation::UnknownTokenType),
        (r#"{"access_token":"a","token_type":"N_A"}"#, Violation::UnknownTokenType),
        (r#"{"access_token":"a","token_type":"bearer","error":"x"}"#, Violation::TokenAndError),
        (r#"{"refresh_token":"a","error":"x"}"#, Violation::TokenAndError),
        (r#"{"error":""}"#, Violation::Empty("error")),
        (r#"{"error":null}"#, Violation::WrongType("error")),
        (r#"{"error":{"message":"x"}}"#, Violation::WrongType("error")),
        (r#"{"error":"x","error":"x"}"#, Violation::Duplicate("error")),
        (r#"{"error":"\ud800"}"#, Violation::WrongType("error")),
    ] {
        assert_eq!(violation(body.as_bytes(), &strict()), refused, "{body}");
    }
    for bad in ["1", "[]", "\"a\\nb\"", "\"  \"", "\"é\"", "\"\\ud800\"", "null", "\"\""] {
        let body = with(&format!("\"refresh_token\":{bad},\"id_token\":{bad}"));
        let token = token_of(&body, &strict()).unwrap();
        let blank = matches!(bad, "null" | "\"\"");
        for member in [token.refresh_token, token.id_token] {
            assert_eq!(matches!(member, Optional::Blank(_)), blank, "{bad}");
            assert_eq!(matches!(member, Optional::Unreadable(_)), !blank, "{bad}");
        }
    }
    for bad in ["null", "[\"a\"]", "1", "\"\\ud800\""] {
        let body = with(&format!("\"scope\":{bad}"));
        assert_eq!(token_of(&body, &strict()).unwrap().scope.fault(), Some(Fault::WrongType), "{bad}");
    }
    assert_eq!(token_of(&with("\"scope\":\"\""), &strict()).unwrap().scope, Optional::Value("".into()));
}

#[test]
fn a_description_never_costs_the_code() {
    for (texts, description) in [
        (r#""error_description":42,"error_uri":null"#, None),
        (r#""error_description":"a","error_description":"b""#, None),
        (r#""error_uri":"a","error_uri":"a","error_description":"c""#, Some("c")),
        (r#""error_description":"\ud800""#, None),
        (r#""error_description":1e999"#, None),
        (r#""error_description":{"a":[1e999,"\udc00"]}"#, None),
        (r#""access_token":null,"refresh_token":"""#, None),
        (r#""scope":"a","scope":"b","expires_in":1e999"#, None),
    ] {
        let body = format!(r#"{{"error":"invalid_grant",{texts}}}"#);
        let expected = ("invalid_grant".to_owned(), description.map(str::to_owned));
        assert_eq!(error_of(body.as_bytes(), &strict()), expected, "{texts}");
    }
    // Latin-1.
    let body = b"{\"error\":\"invalid_grant\",\"error_description\":\"Ung\xfcltig\"}";
    assert_eq!(error_of(body, &strict()).0, "invalid_grant");
    assert!(matches!(violation(b"{\"error\":\"invalid_gr\xfcnt\"}", &strict()), Violation::NotJson { .. }));
    let form = Rules { form: true, ..strict() };
    for texts in ["error_description=%fc", "error_uri=%zz&error_uri=a"] {
        assert_eq!(error_of(format!("error=invalid_grant&{texts}").as_bytes(), &form).0, "invalid_grant", "{texts}");
    }
    assert_eq!(error_of(b"error=invalid_grant&error_description=Ung\xfcltig", &form).0, "invalid_grant");
}

#[test]
fn what_is_not_json_says_where_and_whether_it_was_cut() {
    for (body, line, column, cut) in [
        (&b"{\"access_token\":\"\xff\"}"[..], 1, 18, false),
        (b"{\n \"access_token\":\"\xc3", 2, 18, true),
        (b"{\"access_token\":\"t\",", 1, 20, true),
        (b"{", 1, 1, true),
        (b"<html>", 1, 1, false),
        (b"\xef\xbb\xbf{}", 1, 1, false),
        (b"{\"expires_in\":1e999}", 1, 19, false),
    ] {
        let unread = read(body, &strict()).unwrap_err();
        assert_eq!((unread.violation, unread.cut), (Violation::NotJson { line, column }, cut), "{body:?}");
    }
    assert!(read(b" ", &strict()).unwrap_err().cut);
}

#[test]
fn named_leniencies() {
    let rules = Rules { missing_token_type: true, null_is_absent: true, scope_list: true, ..strict() };
    let body = r#"{"access_token":"t","token_type":null,"refresh_token":null,"expires_in":null,"scope":["a","b"]}"#;
    let token = token_of(body, &rules).unwrap();
    assert_eq!((token.kind, token.expires_in), (TokenKind::Bearer, Optional::Absent));
    assert_eq!((token.refresh_token, token.scope), (Optional::Absent, Optional::Value("a b".into())));
    assert!(token_of(r#"{"access_token":"t","token_type":""}"#, &rules).is_ok());
    assert!(token_of(r#"{"access_token":"t","scope":["a",1]}"#, &rules).unwrap().scope.fault().is_some());
    assert!(read(br#"{"error":null}"#, &rules).is_err());
    // Beside a token it counts as absent, in any order; without the leniency it is a contradiction.
    let beside = r#"{"access_token":"t","token_type":"bearer","error":null,"error_description":null}"#;
    assert!(token_of(beside, &rules).is_ok());
    assert_eq!(token_of(beside, &strict()).unwrap_err(), Violation::TokenAndError);
    let path = ["a".to_owned(), "b".to_owned()];
    let nested = format!(r#"{{"error":null,"a":{{"error":null,"b":{beside}}}}}"#);
    assert!(token_of(&nested, &Rules { path: &path, null_is_absent: true, ..strict() }).is_ok());
    assert_eq!(token_of(&nested, &Rules { path: &path, ..strict() }).unwrap_err(), Violation::WrongType("error"));
}

#[test]
fn words_for_bearer_are_read_in_any_case() {
    let words = ["user".into(), "User Access Token".into()];
    let rules = Rules { token_types: &words, ..strict() };
    for (word, kind) in [
        ("USER", Some(TokenKind::Bearer)),
        ("user access token", Some(TokenKind::Bearer)),
        ("bearer", Some(TokenKind::Bearer)),
        ("DPoP", Some(TokenKind::Dpop)),
        ("users", None),
        (" user", None),
    ] {
        let body = format!(r#"{{"access_token":"t","token_type":"{word}"}}"#);
        assert_eq!(token_of(&body, &rules).map(|token| token.kind).ok(), kind, "{word}");
    }
}

#[test]
fn a_refresh_token_outlives_a_fault_in_another_member() {
    let rescued = |body: &str| read(body.as_bytes(), &strict()).unwrap_err().refresh_token.map(Cow::into_owned);
    for rescuable in [
        r#""access_token":"a""#,
        r#""access_token":"a","token_type":"mac""#,
        r#""access_token":"a","token_type":7"#,
        r#""token_type":"bearer""#,
        r#""access_token":"","token_type":"bearer""#,
        r#""access_token":"é","token_type":"bearer""#,
        r#""access_token":"a","access_token":"b","token_type":"bearer""#,
        r#""access_token":"a","token_type":"bearer","scope":"a","scope":"a""#,
        r#""access_token":"a","token_type":"bearer","expires_in":1e999"#,
    ] {
        assert_eq!(
            rescued(&format!(r#"{{{rescuable},"refresh_token":"new"}}"#)).as_deref(),
            Some("new"),
            "{rescuable}"
        );
    }
    for lost in [
        r#"{"access_token":"a","refresh_token":"new","refresh_token":"new"}"#,
        r#"{"access_token":"a","access_token":"a","refresh_token":"x","refresh_token":"new"}"#,
        r#"{"access_token":"a","refresh_token":"new","error":"x"}"#,
        r#"{"access_token":"a","refresh_token":"new","error":"x","error":"x"}"#,
        r#"{"refresh_token":"new","error":"invalid_grant"}"#,
        r#"{"access_token":"a","refresh_token":"new","error_uri":"x","error_uri":"x"}"#,
        r#"{"access_token":"a","refresh_token":"n\u0000"}"#,
        r#"{"access_token":"a","refresh_token":1e999,"token_type":"bearer"}"#,
        r#"{"access_token":"a","refresh_token":""}"#,
        r#"[{"access_token":"a","refresh_token":"new"}]"#,
        r#"{"access_token":"a","refresh_token":"new""#,
    ] {
        assert_eq!(rescued(lost), None, "{lost}");
    }
}

#[test]
fn an_error_in_another_place() {
    let one =
        |path: &str, none: Option<&str>| [ErrorPlace { path: Path::new(path).unwrap(), none: none.map(Into::into) }];
    let (facebook, fitbit, tiktok) =
        (one("error.code", None), one("errors[0].errorType", None), one("code", Some("0")));
    let nested = one("error.code", Some("ok"));
    let rules = |errors| Rules { errors, ..strict() };
    let code = |body: &str, rules: &Rules<'_>| error_of(body.as_bytes(), rules).0;
    assert_eq!(code(r#"{"error":{"message":"x","type":"OAuthException","code":190}}"#, &rules(&facebook)), "190");
    assert_eq!(code(r#"{"errors":[{"errorType":"invalid_grant"}],"success":false}"#, &rules(&fitbit)), "invalid_grant");
    assert_eq!(code(r#"{"code":40002,"message":"x"}"#, &rules(&tiktok)), "40002");
    // If it is missing, the standard place counts.
    assert_eq!(code(r#"{"error":"invalid_grant","code":null}"#, &rules(&tiktok)), "invalid_grant");
    assert_eq!(code(r#"{"error":"invalid_grant","code":0}"#, &rules(&tiktok)), "invalid_grant");
    assert!(token_of(&with("\"code\":0"), &rules(&tiktok)).is_ok());
    // Beside a token it counts, and a place that cannot be read is an error that cannot be read.
    assert_eq!(token_of(&with("\"code\":7"), &rules(&tiktok)).unwrap_err(), Violation::TokenAndError);
    for unreadable in ["{}", "[]", "\"\\ud800\""] {
        let refused = token_of(&with(&format!("\"code\":{unreadable}")), &rules(&tiktok)).unwrap_err();
        assert_eq!(refused, Violation::WrongType("error"), "{unreadable}");
    }
    assert_eq!(violation(br#"{"error":{"message":"x"}}"#, &rules(&facebook)), Violation::WrongType("error"));
    // Inside of `error` it can say that there is none, at the token's path or outside.
    let good = with(r#""error":{"code":"ok"}"#);
    assert!(token_of(&good, &rules(&nested)).is_ok());
    let path = ["data".to_owned()];
    let inside = Rules { errors: &nested, path: &path, ..strict() };
    assert!(token_of(&format!(r#"{{"error":{{"code":"ok"}},"data":{}}}"#, with("\"x\":1")), &inside).is_ok());
    assert_eq!(code(r#"{"error":{"code":"bad"}}"#, &inside), "bad");
    assert_eq!(code(r#"{"error":{"code":"bad"},"data":{}}"#, &inside), "bad");
    // A standard error beside it is an error.
    let both = r#"{"error":{"code":"ok"},"error":"invalid_grant"}"#;
    assert!(read(both.as_bytes(), &rules(&nested)).is_err(), "twice");
}

#[test]
fn a_form_is_read_on_request_only() {
    let rules = Rules { form: true, ..strict() };
    let body = "access_token=a%2Bb&token_type=bearer&expires_in=60&x=1&y=%20z";
    let token = token_of(body, &rules).unwrap();
    assert_eq!(
        (&*token.access_token, token.expires_in, token.extra.text()),
        ("a+b", Optional::Value(60), "x=1&y=%20z")
    );
    assert!(matches!(violation(body.as_bytes(), &strict()), Violation::NotJson { .. }));
    assert!(token_of(&with("\"x\":1"), &rules).is_ok(), "a JSON body is still read as JSON");
    for (bad, violation) in [
        ("access_token=a&access_token=b&token_type=bearer", Violation::Duplicate("access_token")),
        ("access_token=%ff&token_type=bearer", Violation::WrongType("access_token")),
        ("access_token=%zz", Violation::WrongType("access_token")),
        ("", Violation::EmptyBody),
    ] {
        assert_eq!(token_of(bad, &rules).unwrap_err(), violation, "{bad}");
    }
    let odd = token_of("access_token=a&token_type=bearer&expires_in=%ff&scope=%zz&refresh_token=", &rules).unwrap();
    assert!(odd.expires_in.fault().is_some() && odd.scope.fault().is_some() && odd.refresh_token.fault().is_some());
}

#[test]
fn extra_members_become_the_callers_type() {
    #[derive(serde::Deserialize)]
    struct Site {
        instance_url: String,
        big: Option<serde_json::Number>,
    }
    let token = token_of(
        r#"{"access_token":"t","token_type":"bearer","instance_url":"https:\/\/x","big":12345678901234567890123}"#,
        &strict(),
    );
    let site: Site = token.unwrap().extra.read().unwrap();
    assert_eq!(site.instance_url, "https://x");
    assert!(site.big.is_some());
    assert!(Extra::default().read::<Site>().is_none());
    assert_eq!(Extra::form("instance_url=a%20b".into()).read::<Site>().unwrap().instance_url, "a b");
}
