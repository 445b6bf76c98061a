//! Callbacks: the verdict is that of a naive reader, foreign callbacks end nothing, and nothing is printed.

use http::{Request, Uri, header};

use super::{CODE, ISSUER, REDIRECT_URI, client, naive_decode, pending, printed, server};
use crate::{Authorization, Callback, Env, PendingCallback, PublicClient, ResponseMode};

/// The treatment of a server's `iss`, chosen by the first byte.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Policy {
    /// The server has no issuer: `iss` has no meaning.
    Unknown,
    /// It may be missing, but not differ.
    Known,
    /// It must be there.
    AlwaysSent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Granted,
    Denied,
    Unrelated,
    Rejected,
}

/// The greatest size of a callback.
const LONGEST: usize = 65_536;

/// The first byte chooses the policy on `iss`, the rest is the query or form. `{s}` in it becomes the right state.
pub fn callback(bytes: &[u8]) {
    let Some((policy, query)) = bytes.split_first() else { return };
    let (policy, server) = match policy % 3 {
        0 => (Policy::Unknown, server()),
        1 => (Policy::Known, server().issuer(ISSUER).unwrap()),
        _ => (Policy::AlwaysSent, server().issuer_always_sent(ISSUER).unwrap()),
    };
    let client = client(&server);
    let (_, state) = pending(&client);

    let Ok(query) = core::str::from_utf8(query) else {
        // Only a form can contain bytes that are not UTF-8.
        let verdict = form_pending(&client).receive_form_post(&form_request(query));
        assert!(matches!(verdict, Callback::Unrelated { .. }), "bytes that are not UTF-8 belong to no grant");
        return;
    };
    let query = query.replace("{s}", &state);
    let before_fragment = query.split('#').next().unwrap_or_default();

    // Blanks around a pasted address are not part of it.
    let pasted = query.trim_end();
    let (of_url, fragment_of_url) = pasted.split_once('#').unwrap_or((pasted, ""));
    let url = format!("{REDIRECT_URI}?{query}");
    let by_text = pending(&client).0.receive_url(&url);
    let token_in_fragment = fragment_of_url.split('&').any(|pair| pair.split('=').next() == Some("access_token"));
    let of_text = expected(of_url, url.trim().len(), &state, policy, token_in_fragment);
    judge(&by_text, unless_torn(url.trim(), of_text), &client, &state);
    if let Ok(uri) = format!("/cb?{query}").parse::<Uri>() {
        // `Uri` drops a fragment, so its content is not visible.
        let by_uri = pending(&client).0.receive(&uri);
        judge(&by_uri, expected(before_fragment, before_fragment.len(), &state, policy, false), &client, &state);
    }
    let by_form = form_pending(&client).receive_form_post(&form_request(query.as_bytes()));
    // Nor are those around a form.
    let of_form = expected(query.trim_ascii(), query.len(), &state, policy, false);
    judge(&by_form, unless_torn(query.trim_ascii(), of_form), &client, &state);

    // A foreign callback ends nothing: the real callback is granted after it.
    if let Callback::Unrelated { pending, .. } = by_text {
        let iss = if policy == Policy::Unknown { "" } else { "&iss=https%3A%2F%2Fas.example" };
        let real = pending.receive_url(&format!("{REDIRECT_URI}?code={CODE}&state={state}{iss}"));
        assert!(matches!(real, Callback::Granted(_)), "a foreign callback ended the grant");
    }
}

/// A grant that waits for a form; its state is the same as that of the other.
fn form_pending(client: &PublicClient) -> PendingCallback {
    let mut rng = super::Counting(0);
    let mut env = Env::new(super::NOW, &mut rng);
    let authorization = Authorization::new(client, REDIRECT_URI).unwrap().scope("read write").unwrap();
    authorization.response_mode(ResponseMode::FormPost).start(&mut env).unwrap().pending
}

fn form_request(body: &[u8]) -> Request<&[u8]> {
    Request::post("/cb").header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(body).unwrap()
}

/// A verdict, and the code or error on which it is based.
type Expected = (Verdict, String);

/// Neither a URI nor a form has a control character unescaped: a text with one is torn.
fn unless_torn(text: &str, expected: Expected) -> Expected {
    let torn = text.chars().any(|c| c.is_control());
    if torn { (Verdict::Unrelated, String::new()) } else { expected }
}

/// The rules of RFC 6749 §4.1.2 and RFC 9207 §2.4, over naively parsed pairs. `length` is the length of everything that
/// is read.
fn expected(query: &str, length: usize, state: &str, policy: Policy, token_in_fragment: bool) -> Expected {
    let pairs: Vec<(String, Option<String>)> = query
        .split('&')
        .filter(|segment| !segment.is_empty())
        .map(|segment| segment.split_once('=').unwrap_or((segment, "")))
        .filter_map(|(name, value)| Some((naive_decode(name)?, naive_decode(value))))
        .collect();
    let all = |name: &str| -> Vec<Option<&str>> {
        pairs.iter().filter(|(n, _)| n == name).map(|(_, value)| value.as_deref()).collect()
    };
    let nothing = |verdict| (verdict, String::new());

    if length > LONGEST || all("state") != [Some(state)] {
        return nothing(Verdict::Unrelated);
    }
    if ["iss", "code", "error"].iter().any(|name| !matches!(all(name).as_slice(), [] | [Some(_)])) {
        return nothing(Verdict::Rejected);
    }
    // Texts for people never cost an error. Without an error they may be unreadable, but not occur twice.
    if all("error").is_empty() && ["error_description", "error_uri"].iter().any(|name| all(name).len() > 1) {
        return nothing(Verdict::Rejected);
    }
    // RFC 6749 appendix A.7, A.11.
    let readable = |text: &str| text.chars().all(|c| (' '..='~').contains(&c));
    if ["code", "error"].iter().any(|name| all(name).into_iter().flatten().any(|text| !readable(text))) {
        return nothing(Verdict::Rejected);
    }
    let front_channel = ["access_token", "id_token", "token_type", "response"].iter().any(|name| !all(name).is_empty());
    let issuer_fits = match (policy, all("iss").first()) {
        (Policy::Unknown, _) | (Policy::Known, None) => true,
        (Policy::AlwaysSent, None) => false,
        (Policy::Known | Policy::AlwaysSent, Some(iss)) => *iss == Some(ISSUER),
    };
    if front_channel || token_in_fragment || !issuer_fits {
        return nothing(Verdict::Rejected);
    }
    match (all("error").first().copied().flatten(), all("code").first().copied().flatten()) {
        (Some(error), _) if !error.is_empty() => (Verdict::Denied, error.to_owned()),
        (None, Some(code)) if !code.is_empty() => (Verdict::Granted, code.to_owned()),
        _ => nothing(Verdict::Rejected),
    }
}

fn judge(callback: &Callback, (verdict, text): Expected, client: &PublicClient, state: &str) {
    let shown = format!("{callback:?} {callback:#?}");
    assert!(!shown.contains(state), "the state was printed");
    match callback {
        Callback::Granted(exchange) => {
            assert_eq!(verdict, Verdict::Granted);
            let mut rng = super::Counting(0);
            let request = crate::Exchange::request(exchange, &mut Env::new(super::NOW, &mut rng)).unwrap();
            let body = String::from_utf8(request.body().as_ref().to_vec()).unwrap();
            let sent: Vec<_> = body.split('&').filter_map(|pair| pair.strip_prefix("code=")).collect();
            assert!(matches!(sent.as_slice(), [one] if naive_decode(one).as_ref() == Some(&text)), "another code");
            // Two codes, one text: so it shows nothing of a code, not even its length.
            assert_eq!(format!("{exchange:?}"), another_printed(client, state), "what is printed depends on the code");
        }
        Callback::Denied(error) => {
            assert_eq!(verdict, Verdict::Denied);
            let code = error.code().as_str();
            assert!(!code.is_empty() && code.len() <= 128 && text.starts_with(code));
            for text in [error.untrusted_description(), error.untrusted_uri()].into_iter().flatten() {
                assert!(text.len() <= 1024);
            }
        }
        Callback::Unrelated { .. } => assert_eq!(verdict, Verdict::Unrelated),
        Callback::Rejected(rejection) => {
            assert_eq!(verdict, Verdict::Rejected);
            assert!(!printed(rejection).contains(state), "the state was printed");
            assert!(rejection.untrusted_iss().is_none_or(|iss| iss.len() <= 1024), "more than is promised");
        }
    }
}

/// How a grant of another code is printed.
fn another_printed(client: &PublicClient, state: &str) -> String {
    let url = format!("{REDIRECT_URI}?code={CODE}&state={state}&iss=https%3A%2F%2Fas.example");
    match pending(client).0.receive_url(&url) {
        Callback::Granted(exchange) => format!("{exchange:?}"),
        other => panic!("the good callback was not granted: {other:?}"),
    }
}
