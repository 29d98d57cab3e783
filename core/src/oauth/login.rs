//! A user's password is checked: for the password grant, or in the form of the
//! authorization endpoint.

use super::config::User;
use super::error::Refusal;
use super::next::{Hashing, Next, Purpose};
use super::password::PasswordWork;
use super::session::Session;
use super::throttle::Account;

impl<'x> Hashing<'x> {
    /// The throttle comes before the hash; an unknown user is hashed like a
    /// known one.
    pub(super) fn begin(
        session: &mut Session<'x>,
        purpose: Purpose<'x>,
        username: &str,
        password: &[u8],
    ) -> Next<'x> {
        let throttle = session.throttle;
        let pair = throttle.pair(Account::User, username, session.source);
        let source = throttle.pair(Account::Source, "", session.source);
        let admitted = throttle
            .admit(pair, session.now)
            .and_then(|()| throttle.admit(source, session.now));
        if let Err(left) = admitted {
            return purpose.refuse(session, Refusal::Throttled(left));
        }
        let users = session.configuration().users;
        // No early end: how far down a user stands must not show.
        let (user, most) = users.iter().fold((None, 1), |(found, most), user| {
            let found = found.or((user.username == username).then_some(user));
            (found, user.password.iterations.max(most))
        });
        let (salt, iterations) = match user {
            Some(user) => (user.password.salt, user.password.iterations),
            None => ([0; 16], most),
        };
        Next::Work(Hashing {
            work: PasswordWork::new_among(password, &salt, iterations, most),
            purpose,
            user,
            pair,
            source,
        })
    }

    /// Does up to `iterations` of PBKDF2; once all are done, says who logged in,
    /// or why nobody did.
    pub(super) fn advance(
        &mut self,
        session: &mut Session<'x>,
        iterations: u32,
    ) -> Option<Result<&'x User<'x>, Refusal>> {
        if !self.work.advance(iterations) {
            return None;
        }
        let nobodys = [0; 32];
        let expected = self.user.map_or(&nobodys, |user| &user.password.hash);
        let matches = self.work.matches(expected);
        let cause = match self.user {
            Some(user) if matches => return Some(Ok(user)),
            Some(_) => Refusal::WrongPassword,
            None => Refusal::UnknownUser,
        };
        let throttle = session.throttle;
        if throttle.failed(self.pair, session.now) {
            session.locked_out(Account::User);
        }
        if throttle.failed(self.source, session.now) {
            session.locked_out(Account::Source);
        }
        Some(Err(cause))
    }

    /// Answers 503: another password is being hashed.
    pub(super) fn busy(&self, session: &mut Session<'x>) -> Next<'x> {
        self.purpose.refuse(session, Refusal::Busy)
    }
}

impl<'x> Purpose<'x> {
    fn refuse(&self, session: &mut Session<'x>, cause: Refusal) -> Next<'x> {
        match self {
            Purpose::Token { .. } => session.refuse(cause),
            Purpose::Authorize(_) => session.refuse_page(cause),
        }
    }
}
