use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

const MIDDLE: Draw = Draw(u32::MAX / 2);

fn failed(times: u32) -> Failed {
    Failed { times, not_sent: false, same_for: Duration::ZERO, retry_after: None }
}

proptest! {
    #[test]
    fn a_token_is_never_due_before_half_of_its_life(received: u64, life: u64, dice: u8, margin: u64, jitter: u64) {
        let policy = Policy::default().margin(Duration::from_secs(margin)).jitter(Duration::from_secs(jitter));
        let (received, end) = (UnixTime::from_secs(received), UnixTime::from_secs(received.saturating_add(life)));
        let due = policy.due(received, end, dice);
        prop_assert!(due <= end);
        prop_assert!(due.saturating_since(received) >= end.saturating_since(received) / 2);
    }

    #[test]
    fn pauses_grow_and_are_bounded(
        times: u32,
        retry_after in proptest::option::of(0u64..100_000),
        not_sent: bool,
        same_for in 0u64..10_000,
        draw: u32,
    ) {
        let policy = Policy::default();
        let (retry_after, same_for) = (retry_after.map(Duration::from_secs), Duration::from_secs(same_for));
        let failed = Failed { times, not_sent, same_for, retry_after };
        let pause = policy.pause(failed, Draw(draw));
        prop_assert!(pause >= policy.first_pause / 2 && pause >= retry_after.unwrap_or_default());
        let longest = match () {
            () if same_for >= HOUR => policy.longest_late_pause,
            () if not_sent => policy.longest_not_sent_pause,
            () => policy.longest_pause,
        };
        prop_assert!(pause <= (longest * 3 / 2).max(retry_after.unwrap_or_default()));
        let more = Failed { times: times.saturating_add(1), ..failed };
        prop_assert!(policy.pause(more, Draw(draw)) >= pause);
    }

    #[test]
    fn no_policy_makes_a_pause_overflow(first: Duration, longest: Duration, times: u32, age: Duration, draw: u32) {
        let policy = Policy::default().first_pause(first).longest_pause(longest).early_retry(first);
        let _ = (policy.early(Draw(draw)), policy.longest_early(), policy.pause(failed(times), Draw(draw)));
        let _ = seconds(policy.in_doubt_pause(times, age, Draw(draw)));
    }
}

#[test]
fn jitter_spreads_what_was_started_together() {
    let policy = Policy::default();
    let due = |dice| policy.due(UnixTime::from_secs(0), UnixTime::from_secs(3600), dice).as_secs();
    assert_eq!((due(0), due(255)), (3540, 3525));
    assert!((0..=255).map(due).collect::<BTreeSet<_>>().len() > 10);
}

#[test]
fn pauses_in_doubt_double_up_to_a_minute_then_to_a_quarter_of_an_hour_then_they_are_hours() {
    let policy = Policy::default();
    let pause = |resends, age| seconds(policy.in_doubt_pause(resends, Duration::from_secs(age), MIDDLE));
    assert_eq!([1, 2, 3, 4, 5, 6, 7, 8].map(|resends| pause(resends, 0)), [1, 2, 4, 8, 16, 32, 60, 60]);
    assert_eq!((pause(70, 3599), pause(70, 3600)), (60, 900));
    assert_eq!((pause(200, 86_399), pause(200, 86_400) >= 3600), (900, true));
    assert!(seconds(policy.in_doubt_pause(200, Duration::from_secs(86_400), Draw(0))) >= 3600, "at most hourly");
}

#[test]
fn after_an_hour_of_the_same_refusal_a_request_is_not_sent_each_minute() {
    let policy = Policy::default();
    let same = |seconds| Failed { same_for: Duration::from_secs(seconds), ..failed(100) };
    assert_eq!(seconds(policy.pause(same(3599), MIDDLE)), 60);
    assert_eq!(seconds(policy.pause(same(3600), MIDDLE)), 900);
}

#[test]
fn a_hundred_thousand_sessions_spread_over_a_pause() {
    let policy = Policy::default();
    let mut buckets = [0u32; 60];
    let draws = (0..100_000u64).map(|n| (n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as u32);
    for pause in draws.map(|draw| policy.in_doubt_pause(50, Duration::ZERO, Draw(draw))) {
        assert!((30..=90).contains(&pause.as_secs()));
        buckets[(pause.as_secs().min(89) - 30) as usize] += 1;
    }
    // No second gets more than twice its share.
    assert!(buckets.iter().all(|sessions| *sessions < 2 * 100_000 / 60), "{buckets:?}");
    let early: BTreeSet<_> = (0..1000).map(|n| policy.early(Draw(n * 4_294_967)).as_millis()).collect();
    assert!(early.len() > 900 && early.iter().all(|millis| (1000..=2000).contains(millis)));
}
