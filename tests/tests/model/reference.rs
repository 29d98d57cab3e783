//! What the design's state table says, and nothing of the code that obeys it:
//! a grant as four numbers, an exchange as the rows it goes through.

/// Lifetimes short enough that a case sees their ends.
pub(crate) const CODE: u64 = 60;
pub(crate) const IDLE: u64 = 150;
pub(crate) const ABSOLUTE: u64 = 400;
pub(crate) const ACCESS: u64 = 50;
pub(crate) const GRACE: u64 = 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    Pending,
    Active(u32),
    Revoked,
}

#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) state: State,
    pub(crate) created: u64,
    /// The last rotation.
    pub(crate) rotated: u64,
    /// Counts writes.
    pub(crate) version: u64,
}

impl Grant {
    pub(crate) fn over(&self, now: u64) -> bool {
        now >= (self.rotated + IDLE).min(self.created + ABSOLUTE)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presented {
    Code,
    Refresh(u32),
    /// A refresh token, to be revoked.
    Revocation,
}

/// What an exchange wants next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    Load,
    Write,
    Confirm,
    Done(Outcome),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Tokens {
        generation: u32,
    },
    InvalidGrant,
    Unavailable,
    InvalidClient,
    /// 200 with nothing in it, to a revocation.
    Nothing,
}

#[derive(Clone, Copy, Debug)]
enum Decision {
    Activate(u32),
    Confirm(u32),
    Revoke,
}

#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) presented: Presented,
    /// When it began.
    pub(crate) now: u64,
    pub(crate) serving_since: u64,
    /// Whether the grant's user is still configured.
    pub(crate) user_stands: bool,
    rounds: u32,
    /// It lost a swap from the newest generation.
    lost_swap: bool,
    decided: Option<(Decision, u64)>,
}

impl Exchange {
    pub(crate) fn new(
        presented: Presented,
        now: u64,
        serving_since: u64,
        user_stands: bool,
    ) -> Self {
        Exchange {
            presented,
            now,
            serving_since,
            user_stands,
            rounds: 0,
            lost_swap: false,
            decided: None,
        }
    }

    /// The row of the table for `grant` as it is read.
    pub(crate) fn load(&mut self, grant: &Grant) -> Wish {
        use Decision::{Activate, Confirm, Revoke};
        use Presented::{Code, Refresh, Revocation};
        let in_grace = self.now < grant.rotated.max(self.serving_since) + GRACE;
        let refused = Wish::Done(Outcome::InvalidGrant);
        let decision = match (grant.state, self.presented) {
            (State::Revoked, Revocation) => return Wish::Done(Outcome::Nothing),
            (_, Revocation) => Revoke,
            (State::Revoked, _) => return refused,
            (State::Pending, Code) if self.now >= grant.created + CODE => return refused,
            (State::Pending, Code) => Activate(1),
            (State::Active(_), _) if grant.over(self.now) => return refused,
            (State::Active(_), Code) => Revoke,
            (State::Active(n), Refresh(k)) if k == n => Activate(n + 1),
            (State::Active(n), Refresh(k)) if k + 1 == n && in_grace => Confirm(n),
            (State::Active(n), Refresh(k)) if k < n && self.lost_swap => return refused,
            (State::Active(n), Refresh(k)) if k < n => Revoke,
            (State::Pending | State::Active(_), Refresh(_)) => {
                unreachable!("no handle comes from the future here")
            }
        };
        if !self.user_stands && !matches!(decision, Revoke) {
            return refused;
        }
        self.decided = Some((decision, grant.version));
        match decision {
            Activate(_) | Revoke => Wish::Write,
            Confirm(_) => Wish::Confirm,
        }
    }

    /// The compare-and-swap.
    pub(crate) fn commit(&mut self, grant: &mut Grant) -> Wish {
        let (decision, version) = self.decided.take().expect("it was read before");
        if version != grant.version {
            let rotates = matches!(self.presented, Presented::Refresh(_));
            self.lost_swap |= rotates && matches!(decision, Decision::Activate(_));
            self.rounds += 1;
            return if self.rounds == 4 {
                Wish::Done(Outcome::Unavailable)
            } else {
                Wish::Load
            };
        }
        Wish::Done(match decision {
            Decision::Confirm(generation) => Outcome::Tokens { generation },
            Decision::Activate(generation) => {
                grant.version += 1;
                grant.state = State::Active(generation);
                grant.rotated = self.now;
                Outcome::Tokens { generation }
            }
            Decision::Revoke => {
                grant.version += 1;
                grant.state = State::Revoked;
                match self.presented {
                    Presented::Revocation => Outcome::Nothing,
                    _ => Outcome::InvalidGrant,
                }
            }
        })
    }
}
