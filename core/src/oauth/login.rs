//! A user's password is checked: for the password grant, or in the form of the
//! authorization endpoint.

use super::authorization_request::Asked;
use super::authorize;
use super::client_auth::AuthenticatedClient;
use super::config::User;
use super::error::Refusal;
use super::exchange::Next;
use super::password::PasswordWork;
use super::session::Session;
use super::throttle::{Account, Pair};
use super::token;
use crate::profile::GrantType;

/// A password that is being hashed.
pub(super) struct Hashing<'x> {
    purpose: Purpose<'x>,
    user: Option<&'x User<'x>>,
    pair: Pair,
    work: PasswordWork,
}

/// What a user logs in for.
pub(super) enum Purpose<'x> {
    /// RFC 6749 §4.3.
    Token {
        client: AuthenticatedClient<'x>,
        scope: Option<&'x str>,
    },
    /// RFC 6749 §4.1.
    Authorize(Asked<'x>),
}

impl<'x> Hashing<'x> {
    /// The throttle comes before the hash; an unknown user is hashed like a
    /// known one.
    pub(super) fn begin(
        session: &mut Session<'x>,
        purpose: Purpose<'x>,
        username: &str,
        password: &[u8],
    ) -> Next<'x> {
        let pair = session
            .throttle
            .pair(Account::User, username, session.source);
        if let Err(left) = session.throttle.admit(pair, session.now) {
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
            work: PasswordWork::new(password, &salt, iterations),
            purpose,
            user,
            pair,
        })
    }

    /// Does up to `iterations` of PBKDF2; `Next` once all are done.
    pub(super) fn run(&mut self, session: &mut Session<'x>, iterations: u32) -> Option<Next<'x>> {
        if !self.work.advance(iterations) {
            return None;
        }
        let nobodys = [0; 32];
        let expected = self.user.map_or(&nobodys, |user| &user.password.hash);
        let matches = self.work.matches(expected);
        Some(match self.user {
            Some(user) if matches => self.purpose.succeed(session, user),
            user => {
                if session.throttle.failed(self.pair, session.now) {
                    session.locked_out(Account::User);
                }
                let cause = match user {
                    Some(_) => Refusal::WrongPassword,
                    None => Refusal::UnknownUser,
                };
                match &self.purpose {
                    Purpose::Authorize(asked) => authorize::login_failed(session, asked, cause),
                    Purpose::Token { .. } => session.refuse(cause),
                }
            }
        })
    }

    /// Answers 503: another password is being hashed.
    pub(super) fn busy(&self, session: &mut Session<'x>) -> Next<'x> {
        self.purpose.refuse(session, Refusal::Busy)
    }
}

impl<'x> Purpose<'x> {
    fn succeed(&self, session: &mut Session<'x>, user: &'x User<'x>) -> Next<'x> {
        match self {
            Purpose::Token { client, scope } => {
                token::first(session, *client, GrantType::Password, Some(user), *scope)
            }
            Purpose::Authorize(asked) => authorize::approve(session, asked, user),
        }
    }

    fn refuse(&self, session: &mut Session<'x>, cause: Refusal) -> Next<'x> {
        match self {
            Purpose::Token { .. } => session.refuse(cause),
            Purpose::Authorize(_) => session.refuse_page(cause),
        }
    }
}
