//! For any answers to the polls, in any order: no poll is early, and polling ends.

use super::*;

use grantflow::{Env, Left, Step};
use grantflow_testkit::Misbehaviour;

/// What the testkit's server makes of each misbehaviour, while the person has not decided.
fn answers() -> Vec<(String, Answer)> {
    let (mut provider, client) = world();
    let ask = request(&client);
    let response = provider.handle(&ask.request(&mut Env::new(NOW, &mut Dice(1))).unwrap());
    let Step::Done(grant) = ask.respond(&mut Env::new(NOW, &mut Dice(1)), response).unwrap() else {
        panic!("one step")
    };
    let poll = grant.request(&mut Env::new(after(5), &mut Dice(1))).unwrap();
    let all = Misbehaviour::polls().into_iter().chain(Misbehaviour::all_at(Endpoint::Token));
    all.map(|how| {
        let what = format!("{how:?}");
        provider.knobs().misbehave(how);
        (what, provider.try_handle(&poll))
    })
    .collect()
}

/// The number of `slow_down`s among the answers, counted independently of the core: an object without a token.
fn is_slow_down(answer: &Answer) -> bool {
    let Some(response) = answer else { return false };
    let Ok(members) = serde_json::from_slice::<serde_json::Value>(response.body()) else { return false };
    members["error"] == "slow_down" && members["access_token"].is_null()
}

struct Run {
    answers: usize,
    waited: u64,
    end: &'static str,
}

/// Runs over the answers that `choose` picks, on a clock that `pass` moves; checks every wait.
fn checked(
    expires_in: u64,
    pass: impl Fn(UnixTime, Duration) -> UnixTime,
    all: &[(String, Answer)],
    mut choose: impl FnMut() -> usize,
) -> Run {
    let (mut grant, mut clock, mut run) = (grant_of(expires_in, 5), NOW, Run { answers: 0, waited: 0, end: "" });
    let (mut interval, mut rng) = (5, Dice(1));
    loop {
        let rest = grant.rest(clock);
        assert!(rest.as_secs() >= interval, "{rest:?} after an interval of {interval} s");
        assert_eq!(grant.interval().as_secs(), interval);
        let due = clock.saturating_add(rest);
        assert!(grant.request(&mut Env::new(due, &mut rng)).is_ok());
        clock = pass(clock, rest);
        run.waited += rest.as_secs();
        run.answers += 1;
        assert!(run.answers < 10_000, "it does not end");
        let (what, answer) = &all[choose() % all.len()];
        interval += if is_slow_down(answer) { 5 } else { 0 };
        let mut env = Env::new(clock, &mut rng);
        let step = match answer {
            Some(response) => grant.respond(&mut env, response.clone()),
            None => grant.unanswered(&mut env, Sent::MaybeSent),
        };
        match step {
            Ok(Step::Again(next)) => grant = next,
            Ok(Step::Done(_)) => {
                run.end = "tokens";
                return run;
            }
            Err(Failure { error, left }) => {
                assert!(matches!(left, Left::Spent) || !matches!(error, Error::Expired), "{what}");
                run.end = if matches!(error, Error::Expired) { "expired" } else { "said" };
                return run;
            }
        }
    }
}

#[test]
fn every_answer_by_itself_leads_to_an_end() {
    let all = answers();
    for (at, (what, _)) in all.iter().enumerate() {
        for pass in [right, standing] {
            let run = checked(60, pass, &all, || at);
            assert!(run.answers <= 60 / 5 + 2, "{what}: {} answers", run.answers);
            assert!(run.end != "expired" || run.waited >= 60, "{what}: it expired after {} s", run.waited);
        }
    }
}

#[test]
fn every_sequence_of_answers_leads_to_an_end() {
    let all = answers();
    // The ones that go on are most of what is worth a sequence: an end is soon found.
    let going: Vec<_> = all
        .iter()
        .filter(|(_, answer)| match answer {
            None => true,
            Some(response) => {
                let text = String::from_utf8_lossy(response.body());
                !text.contains("access_token")
                    && (text.contains("authorization_pending")
                        || text.contains("slow_down")
                        || response.status().as_u16() >= 500
                        || response.status() == 429)
            }
        })
        .cloned()
        .collect();
    assert!(going.len() > 30, "{}", going.len());
    let (mut expired, mut said) = (0, 0);
    for seed in 0..600_u64 {
        let mut dice = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut roll = || {
            dice ^= dice << 13;
            dice ^= dice >> 7;
            dice ^= dice << 17;
            usize::try_from(dice >> 16 & 0xffff).unwrap()
        };
        let among = if seed % 4 == 0 { &all } else { &going };
        let run = match seed % 3 {
            0 => checked(300, right, among, &mut roll),
            1 => checked(300, standing, among, &mut roll),
            // A clock that jumps forward and back.
            _ => checked(
                300,
                |clock, wait| UnixTime::from_secs(clock.as_secs() + wait.as_secs() * 3 / 2),
                among,
                &mut roll,
            ),
        };
        assert!(run.answers <= 300 / 5 + 2, "{seed}: {} answers", run.answers);
        match run.end {
            "expired" => expired += 1,
            _ => said += 1,
        }
    }
    assert!(expired > 100 && said > 50, "{expired} expired, {said} ended by what the server said");
}
