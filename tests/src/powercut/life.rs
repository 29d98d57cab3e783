//! A life of codes, refreshes, replays, revocations and clean-ups, in which the
//! power fails at each operation of the flash.

use smallgate_core::oauth::Record;

use super::device::{Device, GRACE, Known, Servers};
use super::flash::Chip;
use super::power::TEARS;
use crate::flow::{DEMO, OTHER, PUBLIC, Who};
use crate::rig::Reply;

/// What came of a life.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// What the clients and thieves did, by its name.
    pub acts: Vec<(&'static str, u64)>,
    /// Program units and erasures at which the power failed.
    pub cut_points: u64,
    /// How often it failed: each cut point in each way there is to tear.
    pub cuts: u64,
    /// What somebody had been told was gone.
    pub lost: u64,
    /// What should work once, or no more, worked again.
    pub doubled: u64,
    /// A client's newest handle did not work.
    pub stranded: u64,
    /// The most erasures of one sector.
    pub laps: u32,
    /// The first things that went wrong.
    pub complaints: Vec<String>,
}

impl Tally {
    /// All that must not be.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.lost + self.doubled + self.stranded
    }

    fn complain(&mut self, what: Wrong, told: String) {
        *match what {
            Wrong::Lost => &mut self.lost,
            Wrong::Doubled => &mut self.doubled,
            Wrong::Stranded => &mut self.stranded,
        } += 1;
        if self.complaints.len() < 20 {
            self.complaints.push(format!("{what:?}: {told}"));
        }
    }

    fn did(&mut self, act: &'static str) {
        match self.acts.iter_mut().find(|(name, _)| *name == act) {
            Some((_, count)) => *count += 1,
            None => self.acts.push((act, 1)),
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Wrong {
    Lost,
    Doubled,
    Stranded,
}

/// What happens. The numbers are of grants.
#[derive(Clone, Copy, Debug)]
enum Act {
    Authorize(Who),
    Redeem(usize),
    Refresh(usize),
    /// The predecessor: the answer had been lost, or it is too late for that.
    Again(usize),
    /// A code that was redeemed.
    Replay(usize),
    /// A refresh token two generations back.
    Reuse(usize),
    Revoke(usize),
}

impl Act {
    fn name(self) -> &'static str {
        match self {
            Act::Authorize(_) => "authorize",
            Act::Redeem(_) => "redeem",
            Act::Refresh(_) => "refresh",
            Act::Again(_) => "again",
            Act::Replay(_) => "replay",
            Act::Reuse(_) => "reuse",
            Act::Revoke(_) => "revoke",
        }
    }

    fn target(self) -> Option<usize> {
        match self {
            Act::Authorize(_) => None,
            Act::Redeem(at)
            | Act::Refresh(at)
            | Act::Again(at)
            | Act::Replay(at)
            | Act::Reuse(at)
            | Act::Revoke(at) => Some(at),
        }
    }

    /// Does it, and says what was answered; a new grant comes with it.
    fn run<C: Chip>(self, device: &mut Device<'_, C>, grants: &[Known]) -> Done {
        let reply = match self {
            Act::Authorize(who) => return Done::Authorized(device.authorize(who)),
            Act::Redeem(at) | Act::Replay(at) => device.redeem(&grants[at]),
            Act::Refresh(at) => device.newest(&grants[at]),
            Act::Again(at) => {
                let tokens = &grants[at].tokens;
                device.refresh(&grants[at], &tokens[tokens.len() - 2])
            }
            Act::Reuse(at) => device.refresh(&grants[at], &grants[at].tokens[0]),
            Act::Revoke(at) => device.revoke(&grants[at]),
        };
        Done::Answered(reply)
    }
}

enum Done {
    Authorized(Option<Known>),
    Answered(Reply),
}

/// Numbers that are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
        (self.0 >> 33) as usize % sides
    }

    fn choose(&mut self, grants: &[Known], fits: impl Fn(&Known) -> bool) -> Option<usize> {
        let fitting: Vec<_> = (0..grants.len()).filter(|at| fits(&grants[*at])).collect();
        match fitting.len() {
            0 => None,
            count => Some(fitting[self.roll(count)]),
        }
    }

    /// What happens next at `now`.
    fn act(&mut self, grants: &[Known], now: u64) -> Option<Act> {
        let good = |grant: &Known| grant.is_good(now);
        let active = |grant: &Known| good(grant) && !grant.tokens.is_empty();
        match self.roll(20) {
            // One owner has too many first, then all together.
            0..6 if grants.len() < 30 => Some(Act::Authorize(DEMO)),
            0..6 => Some(Act::Authorize([DEMO, DEMO, PUBLIC, OTHER][self.roll(4)])),
            6..10 => self
                .choose(grants, |grant| good(grant) && grant.tokens.is_empty())
                .map(Act::Redeem),
            10..15 => self.choose(grants, active).map(Act::Refresh),
            15 => self
                .choose(grants, |grant| active(grant) && grant.tokens.len() > 1)
                .map(Act::Again),
            16 => self.choose(grants, active).map(Act::Replay),
            17 => self
                .choose(grants, |grant| active(grant) && grant.tokens.len() > 2)
                .map(Act::Reuse),
            18 => self.choose(grants, active).map(Act::Revoke),
            _ => None,
        }
    }
}

/// Lives through `acts` acts on a flash of `sectors` sectors. The power fails at
/// each operation of the flash of every `stride`th act, in each way it can
/// tear, and the device goes on from before.
///
/// # Panics
///
/// Without a power cut something is not answered as it should.
pub fn live<C: Chip>(servers: &Servers, sectors: usize, acts: u64, stride: u64) -> Tally {
    let mut tally = Tally::default();
    let mut dice = Dice(7);
    let mut device = Device::<C>::new(servers, sectors);
    let mut grants: Vec<Known> = Vec::new();
    let mut done = 0;
    while done < acts {
        // First so fast that grants give way, then so slow that codes expire.
        device.now += match done * 2 < acts {
            true => 0,
            false => [0, 0, 0, 1, 2, 5][dice.roll(6)],
        };
        // The power also fails while nothing is done.
        if dice.roll(40) == 0 {
            restart(&mut device, &grants, &mut tally);
        }
        let Some(act) = dice.act(&grants, device.now) else {
            device.now += u64::from(done * 2 >= acts);
            continue;
        };
        done += 1;
        let before = device.clone();
        let outcome = act.run(&mut device, &grants);
        let (from, _, _) = before.store.flash().counts();
        let (to, _, laps) = device.store.flash().counts();
        tally.laps = tally.laps.max(laps);
        tally.did(act.name());
        let gone = gave_way(&mut device, &grants);
        if done % stride == 0 {
            let cut = Cut {
                act,
                gone,
                records: records(&mut before.clone(), &grants),
                grants: &grants,
                before,
            };
            tally.cut_points += to - from;
            cut.all(to - from, &mut tally);
        }
        learn(&mut grants, act, outcome, gone, &mut tally);
    }
    restart(&mut device, &grants, &mut tally);
    tally
}

/// The good grant that is not in the store any more.
fn gave_way<C: Chip>(device: &mut Device<'_, C>, grants: &[Known]) -> Option<usize> {
    let now = device.now;
    let mut gone = (0..grants.len()).filter(|at| {
        grants[*at].is_good(now) && matches!(device.record(&grants[*at].id), Ok(None))
    });
    let first = gone.next();
    assert_eq!(gone.next(), None, "one grant gives way at most");
    first
}

/// Takes in what was answered while the power was there.
fn learn(grants: &mut Vec<Known>, act: Act, done: Done, gone: Option<usize>, tally: &mut Tally) {
    if let Some(at) = gone {
        assert!(matches!(act, Act::Authorize(_)), "{act:?}: {at} is gone");
        tally.did("give way");
        grants[at].is_over = true;
    }
    let reply = match done {
        Done::Authorized(Some(grant)) => return grants.push(grant),
        Done::Authorized(None) => return tally.did("full"),
        Done::Answered(reply) => reply,
    };
    let Some(grant) = act.target().and_then(|at| grants.get_mut(at)) else {
        return;
    };
    match act {
        Act::Redeem(_) | Act::Refresh(_) => {
            assert_eq!(reply.status, 200, "{act:?}: {reply:?}");
            grant.tokens.push(reply.member("refresh_token"));
        }
        // Out of grace it is a theft.
        Act::Again(_) if reply.status == 200 => {
            assert_eq!(reply.member("refresh_token"), grant.newest(), "{act:?}");
        }
        Act::Again(_) | Act::Replay(_) | Act::Reuse(_) => {
            assert_eq!(reply.status, 400, "{act:?}: {reply:?}");
            grant.is_over = true;
        }
        Act::Authorize(_) | Act::Revoke(_) => {
            assert_eq!(reply.status, 200, "{act:?}: {reply:?}");
            grant.is_over = true;
        }
    }
}

fn records<C: Chip>(device: &mut Device<'_, C>, grants: &[Known]) -> Vec<Option<Record>> {
    let record = |grant: &Known| device.record(&grant.id).expect("the flash works");
    grants.iter().map(record).collect()
}

/// The power failed while nothing was done: all that was answered is true, for
/// each client.
fn restart<C: Chip>(device: &mut Device<'_, C>, grants: &[Known], tally: &mut Tally) {
    tally.did("restart");
    let was = records(device, grants);
    if let Err(error) = device.restart() {
        return tally.complain(Wrong::Lost, format!("all, after a restart: {error}"));
    }
    if records(device, grants) != was {
        tally.complain(Wrong::Lost, "records after a restart".to_owned());
    }
    for grant in grants {
        let reply = device.clone().newest(grant);
        match (grant.is_good(device.now), reply.status) {
            (true, 200) | (false, 400) => {}
            (true, _) => tally.complain(Wrong::Stranded, format!("{grant:?}: {reply:?}")),
            (false, _) => tally.complain(Wrong::Doubled, format!("{grant:?}: {reply:?}")),
        }
    }
}

/// An act that the power cuts off.
struct Cut<'l, 's, C: Chip> {
    act: Act,
    before: Device<'s, C>,
    grants: &'l [Known],
    /// What the store held before.
    records: Vec<Option<Record>>,
    /// What gives way if the act is done.
    gone: Option<usize>,
}

impl<C: Chip> Cut<'_, '_, C> {
    fn all(&self, operations: u64, tally: &mut Tally) {
        for after in 0..operations {
            for tear in TEARS {
                let mut device = self.before.clone();
                device.store.flash_mut().cut_after(after, tear);
                // What is said after the power is gone, nobody hears.
                let _unheard = self.act.run(&mut device, self.grants);
                assert!(device.store.flash().is_dead(), "{:?} is cut", self.act);
                tally.cuts += 1;
                let name = format!("{:?} cut after {after} of {operations}, {tear:?}", self.act);
                self.check(device, &name, tally);
            }
        }
    }

    fn check(&self, mut device: Device<'_, C>, name: &str, tally: &mut Tally) {
        if let Err(error) = device.restart() {
            return tally.complain(Wrong::Lost, format!("all, {name}: {error}"));
        }
        for (at, (grant, record)) in self.grants.iter().zip(&self.records).enumerate() {
            if self.act.target() == Some(at) || self.gone == Some(at) {
                continue;
            }
            match (record, device.record(&grant.id)) {
                (was, Ok(is)) if *was == is => {}
                // It was over, and its slot is a new grant's.
                (Some(_), Ok(None)) if !grant.is_good(device.now - 1) => {}
                (None, Ok(Some(_))) => {
                    tally.complain(Wrong::Doubled, format!("{at} is back, {name}"))
                }
                (_, is) => tally.complain(Wrong::Lost, format!("{at} is {is:?}, {name}")),
            }
        }
        let Some(at) = self.act.target() else {
            return;
        };
        let grant = &self.grants[at];
        match device.record(&grant.id) {
            Ok(Some(record)) => {
                let is_old = self.records[at] == Some(record);
                match self.act {
                    Act::Redeem(_) => redeemed(&mut device, grant, is_old, name, tally),
                    Act::Refresh(_) => refreshed(&mut device, grant, name, tally),
                    _ => revoked(&mut device, grant, is_old, name, tally),
                }
            }
            other => tally.complain(Wrong::Lost, format!("{other:?}, {name}")),
        }
    }
}

/// A code that was on its way works once, or it did work and there is nothing
/// left of it.
fn redeemed<C: Chip>(
    device: &mut Device<'_, C>,
    grant: &Known,
    is_old: bool,
    name: &str,
    tally: &mut Tally,
) {
    let first = device.redeem(grant);
    let second = device.redeem(grant);
    match (is_old && grant.is_good(device.now), first.status) {
        (_, 200) | (false, 400) => {}
        _ => tally.complain(Wrong::Stranded, format!("{first:?}, {name}")),
    }
    if second.status != 400 {
        tally.complain(
            Wrong::Doubled,
            format!("the code again: {second:?}, {name}"),
        );
    }
    if first.status == 200 {
        let token = first.member("refresh_token");
        let refresh = device.refresh(grant, &token);
        if refresh.status != 400 {
            tally.complain(
                Wrong::Doubled,
                format!("a replay's token: {refresh:?}, {name}"),
            );
        }
    }
}

/// The newest token that came works, always with the same successor, and none
/// before it.
fn refreshed<C: Chip>(device: &mut Device<'_, C>, grant: &Known, name: &str, tally: &mut Tally) {
    let first = device.newest(grant);
    let second = device.newest(grant);
    if (first.status, second.status) != (200, 200) {
        let told = format!("{first:?}, {second:?}, {name}");
        return tally.complain(Wrong::Stranded, told);
    }
    let (one, two) = (
        first.member("refresh_token"),
        second.member("refresh_token"),
    );
    if one != two {
        tally.complain(Wrong::Doubled, format!("two lineages, {name}"));
    }
    device.now += GRACE + 2;
    let late = device.newest(grant);
    let successor = device.refresh(grant, &one);
    if (late.status, successor.status) != (400, 400) {
        let told = format!("out of grace: {late:?}, {successor:?}, {name}");
        tally.complain(Wrong::Doubled, told);
    }
}

/// It is revoked, or it is as it was, and then the same revokes it.
fn revoked<C: Chip>(
    device: &mut Device<'_, C>,
    grant: &Known,
    is_old: bool,
    name: &str,
    tally: &mut Tally,
) {
    let mut other = device.clone();
    let newest = other.newest(grant);
    match (is_old, newest.status) {
        (true, 200) | (false, 400) => {}
        (true, _) => tally.complain(Wrong::Stranded, format!("{newest:?}, {name}")),
        (false, _) => tally.complain(Wrong::Doubled, format!("{newest:?}, {name}")),
    }
    let again = device.revoke(grant);
    let newest = device.newest(grant);
    if (again.status, newest.status) != (200, 400) {
        let told = format!("revoked again: {again:?}, {newest:?}, {name}");
        tally.complain(Wrong::Doubled, told);
    }
}
