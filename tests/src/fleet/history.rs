//! What clients asked of grants and were answered, and whether one order of it all
//! explains every answer.
//!
//! An answer that came is an operation that took place at one moment between its
//! begin and its end. One that did not come, or that said to come back, took place
//! at some moment after its begin, or never. The grant's state table says which
//! answers there are in each state.

use std::collections::HashSet;
use std::time::Duration;

/// What a client asked of its grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Asked {
    /// For tokens, with the code.
    Redeem,
    /// For the next ones, with the refresh token of this generation.
    Refresh(u32),
    /// For its end.
    Revoke,
    /// Whether the refresh token of this generation is good.
    Look(u32),
}

/// What it was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Said {
    /// Tokens, the refresh token of this generation among them.
    Tokens(u32),
    /// That the handle is not good.
    Refused,
    /// That the grant is over, as was asked for.
    Over,
    /// Whether the token is good.
    Active(bool),
    /// To come back, or nothing at all.
    Nothing,
}

/// One request and its answer; times are since the history's beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Whose grant.
    pub grant: u64,
    /// What was asked.
    pub asked: Asked,
    /// What was answered.
    pub said: Said,
    /// Before the request was sent.
    pub begun: Duration,
    /// After the answer had come.
    pub ended: Duration,
}

/// A grant as the state table has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum State {
    Pending,
    Active(u32),
    Revoked,
}

impl State {
    /// The states after an answer; none if this state does not give it.
    fn after(self, asked: Asked, said: Said) -> Vec<State> {
        use State::{Active, Pending, Revoked};
        match (self, asked, said) {
            (Pending, Asked::Redeem, Said::Tokens(1)) => vec![Active(1)],
            (Active(_) | Revoked, Asked::Redeem, Said::Refused) => vec![Revoked],
            (Active(now), Asked::Refresh(shown), Said::Tokens(next))
                if shown.checked_add(1) == Some(next) && (now == shown || now == next) =>
            {
                vec![Active(next)]
            }
            // Theft; or a race lost twice over, which is nobody's fault.
            (Active(now), Asked::Refresh(shown), Said::Refused) if shown < now => {
                vec![Revoked, Active(now)]
            }
            (Revoked, Asked::Refresh(_), Said::Refused) => vec![Revoked],
            (_, Asked::Revoke, Said::Over) => vec![Revoked],
            (Active(now), Asked::Look(shown), Said::Active(true))
                if now == shown || shown.checked_add(1) == Some(now) =>
            {
                vec![self]
            }
            (Active(now), Asked::Look(shown), Said::Active(false)) if shown < now => vec![self],
            (Revoked, Asked::Look(_), Said::Active(false)) => vec![self],
            _ => vec![],
        }
    }

    /// The state after a request whose answer is not known, if it changed any.
    fn perhaps_after(self, asked: Asked) -> Option<State> {
        use State::{Active, Pending, Revoked};
        match (self, asked) {
            (Pending, Asked::Redeem) => Some(Active(1)),
            (Active(_), Asked::Redeem | Asked::Revoke) => Some(Revoked),
            (Active(now), Asked::Refresh(shown)) if shown == now => Some(Active(now + 1)),
            (Active(now), Asked::Refresh(shown)) if shown < now => Some(Revoked),
            _ => None,
        }
    }
}

/// Whether one order of the operations on one grant explains all its answers; where
/// it does not, the operations that none does, as far as any got.
///
/// # Errors
///
/// There is no such order.
pub fn explained(operations: &[Operation]) -> Result<(), Vec<Operation>> {
    let is_known = |at: &usize| operations[*at].said != Said::Nothing;
    let known: Vec<usize> = (0..operations.len()).filter(is_known).collect();
    let mut tried = HashSet::new();
    let mut open = vec![(vec![false; operations.len()], State::Pending)];
    let mut best = (usize::MAX, Vec::new());
    while let Some((done, state)) = open.pop() {
        let left = || known.iter().copied().filter(|at| !done[*at]);
        let Some(first_end) = left().map(|at| operations[at].ended).min() else {
            return Ok(());
        };
        if !tried.insert((done.clone(), state)) {
            continue;
        }
        if left().count() < best.0 {
            best = (left().count(), left().map(|at| operations[at]).collect());
        }
        let may_be_next = |at: &usize| operations[*at].begun <= first_end;
        let mut go = |at: usize, next: State| {
            let mut done = done.clone();
            done[at] = true;
            open.push((done, next));
        };
        // What is not known is tried last: it is pushed first. Of the same requests
        // one is as good as another.
        let mut asked = HashSet::new();
        for at in (0..operations.len()).filter(|at| !is_known(at) && !done[*at]) {
            if may_be_next(&at)
                && let Some(next) = state.perhaps_after(operations[at].asked)
                && asked.insert(operations[at].asked)
            {
                go(at, next);
            }
        }
        for at in left().filter(may_be_next) {
            let Operation { asked, said, .. } = operations[at];
            for next in state.after(asked, said).into_iter().rev() {
                go(at, next);
            }
        }
    }
    Err(best.1)
}

/// What a history says of its store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Grants whose code gave tokens more than once.
    pub doubled: u64,
    /// Other grants whose answers no order explains.
    pub lost: u64,
    /// What is wrong, in words.
    pub complaints: Vec<String>,
}

/// Judges a history of any number of grants.
#[must_use]
pub fn judge(operations: &[Operation]) -> Verdict {
    let mut sorted = operations.to_vec();
    sorted.sort_by_key(|operation| (operation.grant, operation.begun));
    let mut verdict = Verdict::default();
    for grant in sorted.chunk_by(|one, other| one.grant == other.grant) {
        let redemptions = grant
            .iter()
            .filter(|one| one.asked == Asked::Redeem && matches!(one.said, Said::Tokens(_)));
        let is_doubled = redemptions.count() > 1;
        let complaint = explained(grant).err();
        verdict.doubled += u64::from(is_doubled);
        verdict.lost += u64::from(!is_doubled && complaint.is_some());
        if is_doubled || complaint.is_some() {
            verdict
                .complaints
                .push(format!("{grant:#?}\nunexplained: {complaint:#?}"));
        }
    }
    verdict
}

#[cfg(test)]
mod tests {
    use super::Asked::{Look, Redeem, Refresh, Revoke};
    use super::Said::{Active, Nothing, Over, Refused, Tokens};
    use super::*;

    /// Operations of one grant with their times.
    fn history(lines: &[(Asked, Said, u64, u64)]) -> Vec<Operation> {
        let operation = |&(asked, said, begun, ended): &(Asked, Said, u64, u64)| Operation {
            grant: 1,
            asked,
            said,
            begun: Duration::from_millis(begun),
            ended: Duration::from_millis(ended),
        };
        lines.iter().map(operation).collect()
    }

    fn verdict(lines: &[(Asked, Said, u64, u64)]) -> (u64, u64) {
        let Verdict { doubled, lost, .. } = judge(&history(lines));
        (doubled, lost)
    }

    #[test]
    fn a_life_as_it_should_be_is_explained() {
        let lines = [
            (Redeem, Tokens(1), 0, 1),
            (Refresh(1), Tokens(2), 2, 3),
            // Nobody heard of it, and the same token came again.
            (Refresh(2), Nothing, 4, 5),
            (Refresh(2), Tokens(3), 6, 7),
            (Look(3), Active(true), 8, 9),
            (Refresh(1), Refused, 10, 11),
            (Look(3), Active(false), 12, 13),
            (Redeem, Refused, 14, 15),
        ];
        assert_eq!(verdict(&lines), (0, 0));
    }

    #[test]
    fn a_race_of_two_is_explained_in_either_order() {
        let lines = [
            (Redeem, Refused, 0, 10),
            (Redeem, Tokens(1), 1, 9),
            (Refresh(1), Refused, 11, 12),
        ];
        assert_eq!(verdict(&lines), (0, 0));
        // Both get the same successor.
        let lines = [
            (Redeem, Tokens(1), 0, 1),
            (Refresh(1), Tokens(2), 2, 9),
            (Refresh(1), Tokens(2), 3, 8),
        ];
        assert_eq!(verdict(&lines), (0, 0));
    }

    #[test]
    fn a_write_nobody_heard_of_may_come_late() {
        let lines = [
            (Redeem, Nothing, 0, 1),
            (Redeem, Nothing, 2, 3),
            (Redeem, Refused, 4, 5),
        ];
        assert_eq!(verdict(&lines), (0, 0));
        // And can not before it was asked for.
        let lines = [(Redeem, Refused, 0, 1), (Redeem, Nothing, 2, 3)];
        assert_eq!(verdict(&lines), (0, 1));
    }

    #[test]
    fn a_code_that_works_twice_is_seen() {
        let lines = [(Redeem, Tokens(1), 0, 9), (Redeem, Tokens(1), 1, 8)];
        assert_eq!(verdict(&lines), (1, 0));
    }

    /// As it was recorded, in microseconds, on servers that swap without a name.
    #[test]
    fn a_store_whose_swaps_both_win_is_seen() {
        let operation = |begun, ended| Operation {
            grant: 47,
            asked: Redeem,
            said: Tokens(1),
            begun: Duration::from_micros(begun),
            ended: Duration::from_micros(ended),
        };
        let recorded = [
            operation(10_908_786, 10_917_455),
            operation(10_908_915, 10_917_732),
        ];
        let Verdict {
            doubled,
            complaints,
            ..
        } = judge(&recorded);
        assert_eq!((doubled, complaints.len()), (1, 1));
    }

    #[test]
    fn a_lineage_that_forks_is_seen() {
        let lines = [
            (Redeem, Tokens(1), 0, 1),
            (Refresh(1), Tokens(2), 2, 3),
            (Refresh(2), Tokens(3), 4, 5),
            (Refresh(1), Tokens(2), 6, 7),
        ];
        assert_eq!(verdict(&lines), (0, 1));
    }

    #[test]
    fn a_rotation_that_is_lost_is_seen() {
        // The newest that was given is not good.
        let lines = [
            (Redeem, Tokens(1), 0, 1),
            (Refresh(1), Tokens(2), 2, 3),
            (Refresh(2), Refused, 4, 5),
        ];
        assert_eq!(verdict(&lines), (0, 1));
        // What ended is good again.
        let lines = [
            (Redeem, Tokens(1), 0, 1),
            (Revoke, Over, 2, 3),
            (Refresh(1), Tokens(2), 4, 5),
        ];
        assert_eq!(verdict(&lines), (0, 1));
    }

    #[test]
    fn a_read_that_goes_back_in_time_is_seen() {
        let lines = [
            (Redeem, Tokens(1), 0, 1),
            (Look(1), Active(true), 2, 3),
            (Revoke, Over, 4, 5),
            (Look(1), Active(true), 6, 7),
        ];
        assert_eq!(verdict(&lines), (0, 1));
        // As long as it is not known which came first, it may be either.
        let lines = [
            (Redeem, Tokens(1), 0, 1),
            (Revoke, Over, 4, 9),
            (Look(1), Active(true), 6, 7),
        ];
        assert_eq!(verdict(&lines), (0, 0));
    }

    #[test]
    fn each_grant_is_judged_by_itself() {
        let mut both = history(&[(Redeem, Tokens(1), 0, 1)]);
        both.push(Operation {
            grant: 2,
            ..both[0]
        });
        assert_eq!(judge(&both), Verdict::default());
    }
}
