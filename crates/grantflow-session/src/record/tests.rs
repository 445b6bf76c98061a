use core::time::Duration;

use super::*;

const ID: TokenId = TokenId { grant: 5, generation: 7 };
const NOW: UnixTime = UnixTime::from_secs(1_750_000_000);

pub(crate) fn key() -> Key {
    Key::new("ada").unwrap()
}

pub(crate) fn client() -> Client {
    let server = grantflow::Server::with_token_endpoint("https://as.example/token").unwrap();
    (&server.client("robot").secret_basic("s3cret").unwrap()).into()
}

fn tokens() -> Tokens {
    use grantflow::Exchange as _;
    struct None;
    impl grantflow::Entropy for None {
        fn fill(&mut self, _: &mut [u8]) -> Result<(), grantflow::EntropyFailed> {
            Err(grantflow::EntropyFailed)
        }
    }
    let server = grantflow::Server::with_token_endpoint("https://as.example/token").unwrap();
    let client = server.client("robot").secret_basic("s3cret").unwrap();
    let mut rng = None;
    let mut env = grantflow::Env::new(NOW, &mut rng);
    let body = r#"{"access_token":"at-1","token_type":"Bearer","expires_in":60}"#;
    match grantflow::ClientCredentials::new(&client).respond(&mut env, http::Response::new(body)) {
        Ok(grantflow::Step::Done(tokens)) => tokens,
        other => panic!("{other:?}"),
    }
}

/// A record with these members in place of the mark, with a correct checksum.
fn stored(members: &str) -> Value {
    let tokens = serde_json::to_string(&tokens().into_stored()).unwrap();
    let body = format!(r#"{{"grant":5,"generation":7,{members}"tokens":{tokens}}}"#);
    Value::new(format!("grantflow-session 1 {}\n{body}", sum(body.as_bytes())).into_bytes())
}

#[test]
fn a_record_is_read_back_with_its_marks() {
    let sending = Mark::first(NOW, Duration::from_secs(60));
    let resting = sending.resting(NOW, Duration::from_secs(2), false, Some(502));
    let told = resting.again(NOW, Duration::from_secs(9)).resting(NOW, Duration::from_secs(120), true, None);
    let lost = Lost { loss: Loss::Refused, verdict: Some(Verdict::new(NOW, Some(400))) };
    for mark in [sending, resting, resting.again(NOW, Duration::from_secs(9)), told] {
        let record = Record::new(ID, tokens()).unwrap().with_mark(Some(mark)).with_loss(Some(lost));
        let read = Record::from_value(&record.to_value(&key()).unwrap(), &key()).unwrap();
        assert_eq!((read.id, read.mark, read.lost, read.nameless), (ID, Some(mark), Some(lost), false));
        assert_eq!(read.tokens(&client()).unwrap().bearer().unwrap().expose_secret(), "at-1");
    }
}

#[test]
fn the_marks_of_an_older_version_are_requests_on_their_way() {
    for (sent, early) in [(1, false), (2, true)] {
        let value = stored(&format!(r#""begun":{{"at":1750000000,"sent":{sent}}},"lost":null,"#));
        let record = Record::from_value(&value, &key()).unwrap();
        let mark = Mark { sent, early, ..Mark::first(NOW, Duration::from_secs(60)) };
        assert_eq!((record.mark, record.lost, record.nameless), (Some(mark), None, true));
    }
}

#[test]
fn an_older_version_finds_its_own_members_in_what_this_one_writes() {
    let mark = Mark::first(NOW, Duration::from_secs(60)).resting(NOW, Duration::from_secs(9), true, Some(500));
    let lost = Lost { loss: Loss::Refused, verdict: Some(Verdict::new(NOW, None)) };
    let record = Record::new(ID, tokens()).unwrap().with_mark(Some(mark)).with_loss(Some(lost));
    let value = record.to_value(&key()).unwrap();
    let text = core::str::from_utf8(value.expose_secret()).unwrap();
    assert!(text.starts_with("grantflow-session 1 "));
    let json: serde_json::Value = serde_json::from_str(text.split_once('\n').unwrap().1).unwrap();
    assert_eq!((&json["begun"]["at"], &json["begun"]["sent"]), (&1_750_000_000.into(), &1.into()));
    assert_eq!((&json["lost"], &json["grant"], &json["generation"]), (&"refused".into(), &5.into(), &7.into()));
}

#[test]
fn what_was_stored_under_another_key_is_refused() {
    let value = Record::new(ID, tokens()).unwrap().to_value(&Key::new("bob").unwrap()).unwrap();
    assert_eq!(Record::from_value(&value, &key()).err(), Some(RecordFault::OtherKey));
    // The key is under the checksum.
    let text = core::str::from_utf8(value.expose_secret()).unwrap().replacen("\"bob\"", "\"ada\"", 1);
    assert_eq!(Record::from_value(&Value::new(text.into_bytes()), &key()).err(), Some(RecordFault::Damaged));
}

#[test]
fn a_flipped_byte_is_found_wherever_it_is() {
    let value = Record::new(ID, tokens()).unwrap().to_value(&key()).unwrap();
    for at in 0..value.expose_secret().len() {
        for bit in [1, 32] {
            let mut bytes = value.expose_secret().to_vec();
            bytes[at] ^= bit;
            assert!(Record::from_value(&Value::new(bytes), &key()).is_err(), "byte {at}, bit {bit}");
        }
    }
}

#[test]
fn a_newer_version_is_told_from_damage() {
    let value = Record::new(ID, tokens()).unwrap().to_value(&key()).unwrap();
    let text = core::str::from_utf8(value.expose_secret()).unwrap();
    let newer = Value::new(text.replacen("session 1 ", "session 2 ", 1).into_bytes());
    assert_eq!(Record::from_value(&newer, &key()).err(), Some(RecordFault::Version));
    for damaged in ["", "\n", "grantflow-session 1\n{}", &text[1..], &text[..text.len() - 1]] {
        let value = Value::new(damaged.as_bytes().to_vec());
        assert_eq!(Record::from_value(&value, &key()).err(), Some(RecordFault::Damaged), "{damaged:?}");
    }
}

#[test]
fn a_time_in_the_future_counts_as_now() {
    let at = |seconds| UnixTime::from_secs(seconds);
    let mark = Mark::first(at(1000), Duration::from_secs(60)).resting(at(1010), Duration::from_secs(30), false, None);
    let seen = mark.seen_at(at(500));
    assert_eq!((seen.at, seen.since), (at(500), at(500)));
    assert_eq!(seen.rest().unwrap().next, at(530), "the pause, by the reader's clock, and not one of 540 s");
    assert_eq!(mark.seen_at(at(1015)), mark, "what lies within the pause is as it was written");
    assert_eq!(mark.seen_at(at(5000)), mark);
}
