//! Callbacks: nothing is believed that a naive reader does not find, and nothing foreign ends a grant.

use http::{Request, Uri, header};

use super::{ISSUER, REDIRECT_URI, client, naive_decode, pending, server};
use crate::{Authorization, Callback, Env, PendingCallback, PublicClient, ResponseMode};

/// The first byte chooses the policy on `iss`, the rest is the query or form. `{s}` in it becomes the right state.
pub fn callback(bytes: &[u8]) {
    let Some((policy, query)) = bytes.split_first() else { return };
    let server = match policy % 3 {
        0 => server(),
        1 => server().issuer(ISSUER).unwrap(),
        _ => server().issuer_always_sent(ISSUER).unwrap(),
    };
    let policy = policy % 3;
    let client = client(&server);
    let (_, state) = pending(&client);

    let Ok(query) = core::str::from_utf8(query) else {
        // Only a form can be no UTF-8 at all.
        let verdict = form_pending(&client).receive_form_post(&form_request(query));
        assert!(matches!(verdict, Callback::Unrelated { .. }), "bytes that are no UTF-8 are nobody's");
        return;
    };
    let query = query.replace("{s}", &state);

    let by_text = pending(&client).0.receive_url(&format!("{REDIRECT_URI}?{query}"));
    judge(&by_text, query.split('#').next().unwrap(), &state, policy);
    if let Ok(uri) = format!("/cb?{query}").parse::<Uri>() {
        let by_uri = pending(&client).0.receive(&uri);
        judge(&by_uri, query.split('#').next().unwrap(), &state, policy);
        if !query.contains('#') {
            assert_eq!(kind(&by_uri), kind(&by_text), "the same callback, two verdicts");
        }
    }
    let by_form = form_pending(&client).receive_form_post(&form_request(query.as_bytes()));
    judge(&by_form, &query, &state, policy);

    // What is not ours ends nothing: the real callback is granted after it.
    if let Callback::Unrelated { pending, .. } = by_text {
        let iss = if policy == 0 { "" } else { "&iss=https%3A%2F%2Fas.example" };
        let real = pending.receive_url(&format!("{REDIRECT_URI}?code=c0de&state={state}{iss}"));
        assert!(matches!(real, Callback::Granted(_)), "a foreign callback ended the grant");
    }
}

/// A grant that waits for a form; its state is the same as that of the other.
fn form_pending(client: &PublicClient) -> PendingCallback {
    let mut rng = super::Counting(0);
    let mut env = Env { now: super::NOW, rng: &mut rng };
    let authorization = Authorization::new(client, REDIRECT_URI).unwrap().response_mode(ResponseMode::FormPost);
    authorization.start(&mut env).unwrap().pending
}

fn form_request(body: &[u8]) -> Request<&[u8]> {
    Request::post("/cb").header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(body).unwrap()
}

fn kind(verdict: &Callback) -> &'static str {
    match verdict {
        Callback::Granted(_) => "granted",
        Callback::Denied(_) => "denied",
        Callback::Unrelated { .. } => "unrelated",
        Callback::Rejected(_) => "rejected",
    }
}

fn judge(verdict: &Callback, query: &str, state: &str, policy: u8) {
    let pairs: Vec<(String, Option<String>)> = query
        .split('&')
        .filter(|segment| !segment.is_empty())
        .map(|segment| segment.split_once('=').unwrap_or((segment, "")))
        .filter_map(|(name, value)| Some((naive_decode(name)?, naive_decode(value))))
        .collect();
    let all =
        |name: &str| pairs.iter().filter(|(n, _)| n == name).map(|(_, value)| value.as_deref()).collect::<Vec<_>>();
    let ours = all("state") == [Some(state)];
    assert_eq!(ours, kind(verdict) != "unrelated", "state decides what is ours, and nothing else: {query:?}");

    let codes = all("code");
    let errors = all("error");
    let issuer_fits = match all("iss").as_slice() {
        [] => policy != 2,
        [Some(iss)] => policy == 0 || *iss == ISSUER,
        _ => false,
    };
    match verdict {
        Callback::Granted(_) => {
            assert!(matches!(codes.as_slice(), [Some(code)] if !code.is_empty()), "granted without exactly one code");
            assert!(errors.is_empty(), "granted beside an error");
            assert!(issuer_fits, "granted by the wrong issuer");
            for token in ["access_token", "id_token", "token_type", "response"] {
                assert!(all(token).is_empty(), "granted with {token} in the front channel");
            }
        }
        Callback::Denied(error) => {
            assert!(matches!(errors.as_slice(), [Some(code)] if !code.is_empty()), "denied without exactly one error");
            assert!(issuer_fits, "denied by the wrong issuer");
            assert!(error.code().as_str().len() <= 128);
        }
        Callback::Rejected(_) | Callback::Unrelated { .. } => {}
    }
}
