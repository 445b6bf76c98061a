//! Forty answers of real servers: each with a token gives it, each with an error code gives that, and the others show
//! their status, with what to do next.

use grantflow::{Message, Next, Quirk, Server};
use http::Response;
use serde_json::Value;

use crate::support::*;

fn quirk(name: &str) -> Quirk {
    match name.split_once(':').unwrap_or((name, "")) {
        ("MissingTokenType", _) => Quirk::MissingTokenType,
        ("ScopeSeparator", _) => Quirk::ScopeSeparator(','),
        ("ScopeList", _) => Quirk::ScopeList,
        ("NullIsAbsent", _) => Quirk::NullIsAbsent,
        ("FormEncodedAnswer", _) => Quirk::FormEncodedAnswer,
        ("TokenType", word) => Quirk::TokenType(word.to_owned()),
        ("TokenPath", key) => Quirk::token_path(&[key]),
        ("Rename", names) => {
            let (standard, actual) = names.split_once('=').unwrap();
            Quirk::renamed(Message::TokenAnswer, standard, actual)
        }
        (other, _) => panic!("{other} is no quirk"),
    }
}

#[test]
fn every_token_every_code_and_every_status_is_got() {
    assert_eq!(got(), (24, 9, 7));
}

/// How many tokens, error codes and bare statuses are read; fails for one that is not.
pub(crate) fn got() -> (usize, usize, usize) {
    let answers: Vec<Value> = serde_json::from_str(include_str!("../vectors/answers.json")).unwrap();
    let (mut tokens, mut codes, mut statuses, mut with_quirks) = (0, 0, 0, 0);
    for answer in &answers {
        let text = |name: &str| answer[name].as_str().unwrap();
        let quirks = answer["quirks"].as_array().unwrap();
        let settings = |server: Server| {
            quirks.iter().fold(server, |server, name| server.quirk(quirk(name.as_str().unwrap())).unwrap())
        };
        let mut world = World::with(settings);
        let exchange = world.exchange();
        let status = answer["status"].as_u64().unwrap() as u16;
        let mut response = Response::builder().status(status);
        if !text("content_type").is_empty() {
            response = response.header("content-type", text("content_type"));
        }
        let outcome = world.answer(exchange, response.body(text("body").as_bytes()).unwrap());
        let what = format!("{} ({})", text("name"), text("seen_at"));
        match text("expect") {
            "token" => {
                let found = outcome.unwrap_or_else(|failure| panic!("{what}: {failure}"));
                assert_eq!(found.bearer().unwrap().expose_secret(), text("token"), "{what}");
                tokens += 1;
                with_quirks += usize::from(!quirks.is_empty());
            }
            "error" => {
                let failure = outcome.err().unwrap_or_else(|| panic!("{what}: tokens"));
                assert_eq!(failure.error.code().map(|code| code.as_str()), Some(text("code")), "{what}");
                codes += 1;
            }
            _ => {
                let failure = outcome.err().unwrap_or_else(|| panic!("{what}: tokens"));
                assert_eq!(failure.error.status().map(|status| status.as_u16()), Some(status), "{what}");
                let retry = matches!(failure.error.next(), Next::RetryLater(_));
                assert_eq!(retry, text("next") == "retry", "{what}");
                statuses += 1;
            }
        }
    }
    println!("{tokens} tokens ({with_quirks} with a named quirk), {codes} error codes, {statuses} statuses");
    (tokens, codes, statuses)
}
