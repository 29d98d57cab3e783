//! What a source may say, and what becomes of it.

use proptest::prelude::*;
use smallgate_core::time::{Seconds, UnixTime};
use smallgate_firmware::clock::{Correction, TimeRefused, TimeSource, TrustedClock};

/// 2026-11-22T00:00:00Z: the image is made.
pub(crate) const MADE: UnixTime = UnixTime(1_795_305_600);
pub(crate) const DAY: u64 = 86_400;
/// 10 years, with the leap days that they have at most.
const LIFE: u64 = 3653 * DAY;
pub(crate) const RTC: TimeSource = TimeSource::RealTimeClock;

pub(crate) const fn sntp(uncertainty: u32) -> TimeSource {
    TimeSource::Sntp {
        uncertainty: Seconds(uncertainty),
    }
}

pub(crate) fn unset() -> TrustedClock {
    TrustedClock::new(MADE, UnixTime(0))
}

/// A clock that a real-time clock set a day after the making, at an uptime of 0.
fn set() -> TrustedClock {
    let clock = unset();
    assert_eq!(clock.synchronise(RTC, START, 0), Ok(Correction::First));
    clock
}

pub(crate) const START: UnixTime = UnixTime(MADE.0 + DAY);

const fn after(seconds: u64) -> UnixTime {
    UnixTime(START.0 + seconds)
}

const fn uptime(seconds: u64) -> u64 {
    seconds * 1000
}

#[test]
fn r40_the_time_is_unknown_until_a_source_tells_it() {
    let clock = unset();
    assert_eq!(clock.now(0), None);
    assert_eq!(clock.now(uptime(1_000_000)), None);
    assert_eq!(clock.serving_since(), UnixTime(0));
    assert_eq!(clock.synchronise(RTC, START, 1500), Ok(Correction::First));
    assert_eq!(clock.now(1500), Some(START));
    assert_eq!(clock.serving_since(), START);
}

#[test]
fn the_uptime_counts_on() {
    let clock = set();
    assert_eq!(clock.now(999), Some(START));
    assert_eq!(clock.now(1000), Some(after(1)));
    assert_eq!(clock.now(uptime(400 * DAY)), Some(after(400 * DAY)));
    assert_eq!(clock.now(u64::MAX), Some(UnixTime::LAST));
    assert_eq!(clock.serving_since(), START);
}

#[test]
fn r40_the_first_time_is_within_the_life_of_the_image() {
    for source in [RTC, sntp(1)] {
        // A server's third answer, if it tells the same again.
        let first = |time| {
            let clock = unset();
            let told = [0; 3].map(|_| clock.synchronise(source, UnixTime(time), 0));
            told.into_iter()
                .find(|told| *told != Err(TimeRefused::Unconfirmed))
                .expect("one of three")
        };
        // 1970, a battery that ran out, and 2099.
        assert_eq!(first(0), Err(TimeRefused::TooEarly));
        assert_eq!(first(946_684_800), Err(TimeRefused::TooEarly));
        assert_eq!(first(4_070_908_800), Err(TimeRefused::TooLate));
        assert_eq!(first(u64::MAX), Err(TimeRefused::TooLate));
        // To the second.
        assert_eq!(first(MADE.0 - DAY - 1), Err(TimeRefused::TooEarly));
        assert_eq!(first(MADE.0 - DAY), Ok(Correction::First));
        assert_eq!(first(MADE.0 + LIFE), Ok(Correction::First));
        assert_eq!(first(MADE.0 + LIFE + 1), Err(TimeRefused::TooLate));
    }
}

#[test]
fn r40_a_refused_time_leaves_the_clock_unset() {
    let clock = unset();
    assert!(clock.synchronise(sntp(1), UnixTime(0), 0).is_err());
    assert_eq!(clock.now(10), None);
    // And the next one may still be the first.
    assert_eq!(
        clock.synchronise(sntp(1), after(20 * DAY), 20),
        Ok(Correction::First)
    );
}

/// One answer of a server that is wrong, or of somebody else, does not make a
/// floor that the right time is behind for years.
#[test]
fn r40_a_first_time_that_is_far_away_has_to_be_confirmed() {
    let far = UnixTime(MADE.0 + 9 * 365 * DAY);
    let later = |seconds| UnixTime(far.0 + seconds);
    let unconfirmed = Err(TimeRefused::Unconfirmed);
    let clock = unset();
    // To the second.
    let near = UnixTime(MADE.0 + 30 * DAY);
    let ahead = UnixTime(near.0 + 1);
    assert_eq!(clock.synchronise(sntp(1), ahead, 0), unconfirmed);
    assert_eq!(unset().synchronise(sntp(1), near, 0), Ok(Correction::First));
    // It is told three times, as the uptime goes on.
    assert_eq!(clock.synchronise(sntp(1), far, 0), unconfirmed);
    assert_eq!(clock.now(0), None);
    assert_eq!(
        clock.synchronise(sntp(1), later(15), uptime(15)),
        unconfirmed
    );
    let third = clock.synchronise(sntp(1), later(46), uptime(45));
    assert_eq!(third, Ok(Correction::First));
    assert_eq!(clock.now(uptime(45)), Some(later(46)));
    // One that does not go on begins anew.
    let clock = unset();
    for turn in 0..10 {
        let told = clock.synchronise(sntp(1), far, uptime(20 * turn));
        assert_eq!(told, unconfirmed);
    }
    let right = after(3);
    let taken = clock.synchronise(sntp(1), right, uptime(300));
    assert_eq!(taken, Ok(Correction::First));
    // Who has been on for long knows what was committed.
    let clock = TrustedClock::new(MADE, far);
    assert_eq!(
        clock.synchronise(sntp(1), later(1), 0),
        Ok(Correction::First)
    );
    // A clock on the board is no stranger.
    assert_eq!(unset().synchronise(RTC, far, 0), Ok(Correction::First));
}

/// What it was before the store was opened need not be what the store says.
#[test]
fn r40_a_time_that_is_behind_what_was_committed_is_forgotten() {
    let clock = set();
    let newest = after(400 * DAY);
    // It has counted on until then.
    clock.not_before(newest, uptime(399 * DAY));
    assert_eq!(clock.now(uptime(399 * DAY)), Some(after(399 * DAY)));
    clock.not_before(newest, uptime(398 * DAY));
    assert_eq!(clock.now(uptime(399 * DAY)), None);
    assert_eq!(
        clock.synchronise(RTC, after(0), 0),
        Err(TimeRefused::TooEarly)
    );
    assert_eq!(clock.synchronise(RTC, newest, 0), Ok(Correction::First));
}

/// A store that was opened late tells later what was committed.
#[test]
fn r40_what_was_committed_may_turn_out_later() {
    let clock = TrustedClock::new(MADE, UnixTime(0));
    let newest = UnixTime(MADE.0 + 400 * DAY);
    clock.not_before(newest, 0);
    let early = UnixTime(newest.0 - DAY - 1);
    assert_eq!(clock.synchronise(RTC, early, 0), Err(TimeRefused::TooEarly));
    // An older one changes nothing.
    clock.not_before(MADE, 0);
    assert_eq!(clock.synchronise(RTC, early, 0), Err(TimeRefused::TooEarly));
    let same_day = UnixTime(newest.0 - DAY);
    assert_eq!(clock.synchronise(RTC, same_day, 0), Ok(Correction::First));
}

#[test]
fn r40_what_was_committed_is_a_floor() {
    let floor = after(400 * DAY);
    let first = |time| TrustedClock::new(MADE, floor).synchronise(RTC, time, 0);
    assert_eq!(first(after(0)), Err(TimeRefused::TooEarly));
    assert_eq!(
        first(UnixTime(floor.0 - DAY - 1)),
        Err(TimeRefused::TooEarly)
    );
    // Within a day the core says that the clock went back.
    assert_eq!(first(UnixTime(floor.0 - DAY)), Ok(Correction::First));
    assert_eq!(first(floor), Ok(Correction::First));
    // A floor before the making says nothing.
    let clock = TrustedClock::new(MADE, UnixTime(MADE.0 - 400 * DAY));
    assert_eq!(
        clock.synchronise(RTC, UnixTime(MADE.0 - 2 * DAY), 0),
        Err(TimeRefused::TooEarly)
    );
}

#[test]
fn r40_a_jump_of_more_than_a_day_is_taken_at_the_first_time_only() {
    let offer = |time: UnixTime| {
        let clock = TrustedClock::new(UnixTime(MADE.0 - 40 * DAY), UnixTime(0));
        clock.synchronise(RTC, START, 0).unwrap();
        let taken = clock.synchronise(sntp(1), time, 0);
        (taken, clock.now(0).unwrap())
    };
    let day = Seconds::days(1);
    assert_eq!(
        offer(after(DAY)),
        (Ok(Correction::Forward(day)), after(DAY))
    );
    assert_eq!(offer(after(DAY + 1)), (Err(TimeRefused::Jump), START));
    assert_eq!(
        offer(UnixTime(START.0 - DAY)),
        (Ok(Correction::Back(day)), UnixTime(START.0 - DAY))
    );
    assert_eq!(
        offer(UnixTime(START.0 - DAY - 1)),
        (Err(TimeRefused::Jump), START)
    );
    // 2099 and 1970 from a server.
    assert_eq!(
        offer(UnixTime(4_070_908_800)),
        (Err(TimeRefused::TooLate), START)
    );
    assert_eq!(offer(UnixTime(0)), (Err(TimeRefused::TooEarly), START));
}

#[test]
fn many_answers_a_day_off_lead_no_farther_than_one() {
    let clock = set();
    let day = Seconds::days(1);
    assert_eq!(
        clock.synchronise(sntp(1), after(DAY), 0),
        Ok(Correction::Forward(day))
    );
    // Within a day of uptime it goes back, and no farther on.
    for at in [1, 3600, DAY - 1] {
        assert_eq!(
            clock.synchronise(sntp(1), after(DAY + at + 10), uptime(at)),
            Err(TimeRefused::Jump),
            "{at}"
        );
    }
    assert_eq!(
        clock.synchronise(sntp(1), after(3600), uptime(3600)),
        Ok(Correction::Back(day))
    );
    // Not even by a way round: a day back from here is two from there.
    assert_eq!(
        clock.synchronise(sntp(1), UnixTime(START.0 - DAY + 3600), uptime(3600)),
        Ok(Correction::Back(day))
    );
    assert_eq!(
        clock.synchronise(sntp(1), after(DAY + 3600), uptime(3600)),
        Err(TimeRefused::Jump)
    );
}

#[test]
fn r40_a_jump_every_day_does_not_lead_out_of_the_life_of_the_image() {
    let clock = set();
    let mut days = 0;
    let refused = loop {
        days += 1;
        // A day has passed, and one more is claimed.
        match clock.synchronise(sntp(1), after(2 * days * DAY), uptime(days * DAY)) {
            Ok(correction) => assert_eq!(correction, Correction::Forward(Seconds::days(1))),
            Err(refused) => break refused,
        }
    };
    assert_eq!(refused, TimeRefused::TooLate);
    let last = clock.now(uptime((days - 1) * DAY)).unwrap();
    assert!(last <= UnixTime(MADE.0 + LIFE));
    assert!(last > UnixTime(MADE.0 + LIFE - 3 * DAY), "{last}");
}

#[test]
fn a_source_that_agrees_changes_nothing() {
    let clock = set();
    for (source, time, at) in [
        (RTC, after(60), 60_000),
        (RTC, after(61), 60_999),
        (RTC, after(59), 60_000),
        (sntp(0), after(61), 60_000),
        (sntp(5), after(65), 60_000),
        (sntp(5), after(55), 60_000),
    ] {
        assert_eq!(
            clock.synchronise(source, time, at),
            Ok(Correction::Agrees),
            "{source:?} {time}"
        );
        assert_eq!(clock.now(60_000), Some(after(60)));
    }
    assert_eq!(clock.serving_since(), START);
}

#[test]
fn a_slow_clock_goes_forward_and_grace_begins_anew() {
    let clock = set();
    assert_eq!(
        clock.synchronise(RTC, after(3605), uptime(3600)),
        Ok(Correction::Forward(Seconds(5)))
    );
    assert_eq!(clock.now(uptime(3600)), Some(after(3605)));
    assert_eq!(clock.now(uptime(3601)), Some(after(3606)));
    assert_eq!(clock.serving_since(), after(3605));
}

#[test]
fn a_clock_that_is_a_little_fast_waits() {
    let clock = set();
    assert_eq!(
        clock.synchronise(RTC, after(3590), uptime(3600)),
        Ok(Correction::Back(Seconds(10)))
    );
    let mut last = after(3600);
    for later in 3600..3620 {
        let now = clock.now(uptime(later)).unwrap();
        assert!(now >= last, "the clock went back");
        last = now;
    }
    assert_eq!(clock.now(uptime(3610)), Some(after(3600)));
    assert_eq!(clock.now(uptime(3611)), Some(after(3601)));
    assert_eq!(clock.serving_since(), START);
    // It agrees with the source while it waits.
    assert_eq!(
        clock.synchronise(RTC, after(3595), uptime(3605)),
        Ok(Correction::Agrees)
    );
}

#[test]
fn a_clock_that_is_much_too_fast_goes_back() {
    let clock = set();
    assert_eq!(
        clock.synchronise(RTC, after(3589), uptime(3600)),
        Ok(Correction::Back(Seconds(11)))
    );
    assert_eq!(clock.now(uptime(3600)), Some(after(3589)));
    // Behind the start it has been there since then.
    let clock = set();
    clock.synchronise(RTC, UnixTime(START.0 - 3600), 0).unwrap();
    assert_eq!(clock.serving_since(), UnixTime(START.0 - 3600));
    assert!(clock.now(0) >= Some(clock.serving_since()));
}

#[test]
fn a_server_knows_better_than_the_real_time_clock_for_a_day() {
    let clock = set();
    let server = sntp(1);
    let heard = uptime(60);
    assert_eq!(
        clock.synchronise(server, after(160), heard),
        Ok(Correction::Forward(Seconds(100)))
    );
    assert_eq!(
        clock.synchronise(RTC, after(120), uptime(120)),
        Ok(Correction::Outranked)
    );
    assert_eq!(clock.now(uptime(120)), Some(after(220)));
    // Set from the clock, it agrees.
    assert_eq!(
        clock.synchronise(RTC, after(220), uptime(120)),
        Ok(Correction::Agrees)
    );
    // An RTC that is a day off is a refusal, and not a matter of rank.
    assert_eq!(
        clock.synchronise(RTC, after(2 * DAY), uptime(120)),
        Err(TimeRefused::Jump)
    );
    assert_eq!(
        clock.synchronise(RTC, after(DAY + 59), uptime(DAY + 59)),
        Ok(Correction::Outranked)
    );
    // No server for a day: the battery's word counts.
    assert_eq!(
        clock.synchronise(RTC, after(DAY + 60), uptime(DAY + 60)),
        Ok(Correction::Back(Seconds(100)))
    );
}

#[test]
fn a_server_that_agrees_was_heard() {
    let clock = set();
    clock.synchronise(sntp(1), after(0), 0).unwrap();
    clock.synchronise(sntp(1), after(DAY), uptime(DAY)).unwrap();
    assert_eq!(
        clock.synchronise(RTC, after(DAY + 100), uptime(DAY + 50)),
        Ok(Correction::Outranked)
    );
}

#[test]
fn a_server_that_is_refused_was_not_heard() {
    let clock = set();
    assert!(clock.synchronise(sntp(1), after(2 * DAY), 0).is_err());
    assert_eq!(
        clock.synchronise(RTC, after(30), 0),
        Ok(Correction::Forward(Seconds(30)))
    );
}

proptest! {
    /// Whatever sources say, in whatever order: a time that is shown is within
    /// the life of the image or counted on from one that was, and the clock
    /// moves by a day at most.
    #[test]
    fn r40_no_sequence_of_answers_moves_the_clock_far(
        answers in prop::collection::vec(
            (any::<bool>(), -3 * 86_400_i64..3 * 86_400, 0..10_000_u64, any::<bool>()),
            1..40,
        )
    ) {
        let clock = set();
        let mut at = 0;
        for (is_server, offset, passed, is_wild) in answers {
            at += passed;
            let before = clock.now(at).unwrap();
            let source = if is_server { sntp(2) } else { RTC };
            let time = match is_wild {
                true => UnixTime(offset.unsigned_abs() * 40_000),
                false => UnixTime(before.0.saturating_add_signed(offset)),
            };
            let taken = clock.synchronise(source, time, at);
            let now = clock.now(at).unwrap();
            // What it waited for may come on top.
            prop_assert!(now.0.abs_diff(before.0) <= DAY + 10);
            match taken {
                Err(_) | Ok(Correction::Agrees | Correction::Outranked) => prop_assert_eq!(now, before),
                Ok(_) => prop_assert!(now.0.abs_diff(time.0) <= 10),
            }
            prop_assert!(clock.serving_since() <= now);
        }
    }
}
