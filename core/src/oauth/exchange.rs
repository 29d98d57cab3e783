//! One exchange, step by step. The core says what it wants next, the caller
//! does it and hands the result to the step, which gives the next one.
//!
//! ```text
//! begin ─→ Load ─→ … ─→ Commit ─→ … ─→ Done
//!      └─→ Work ─→ … ─┘
//! ```
//!
//! The types keep the order: a step is consumed by what continues it.

use super::authorize;
use super::error::Refusal;
use super::event::Event;
use super::grant::GrantId;
use super::inspect;
use super::lifecycle;
use super::me;
use super::metadata;
use super::next::{AfterLoad, Endpoint, Hashing, Next, Purpose, Swap, Then};
use super::server::{AuthorizationServer, Clock};
use super::session::{Events, Session};
use super::throttle::Throttle;
use super::token;
use crate::bearer::BearerError;
use crate::http::{Request, Response, Route};
use crate::jwt::Verified;
use crate::profile::GrantType;
use crate::secret::Entropy;
use crate::store::{Committed, Loaded, Seen, Store, StoreUnavailable, Write};
use crate::time::UnixTime;

/// What an exchange wants next.
#[derive(Debug)]
pub enum Step<'x> {
    /// Read a record.
    Load(Load<'x>),
    /// Hash a slice of a password.
    Work(Work<'x>),
    /// Write a record, or confirm one.
    Commit(Commit<'x>),
    /// Nothing: send the response.
    Done(Answer<'x>),
}

/// Runs an exchange against a synchronous store to its end.
pub fn drive<'x>(mut step: Step<'x>, store: &mut impl Store) -> Answer<'x> {
    loop {
        step = match step {
            Step::Load(load) => {
                let loaded = store.load(load.id());
                load.resume(loaded)
            }
            Step::Work(work) => work.run(u32::MAX),
            Step::Commit(commit) => {
                let done = store.commit(commit.now(), commit.id(), commit.seen(), commit.write());
                commit.resume(done)
            }
            Step::Done(answer) => return answer,
        }
    }
}

impl AuthorizationServer<'_> {
    /// Begins to answer `request`.
    ///
    /// `out` takes the response, and a quarter of it the token or query while
    /// it is read: [`AuthorizationServer::ROOM`] octets suffice for what the
    /// default limits let in, but for a login form whose request grows past
    /// three quarters of them when it is escaped: that is answered 413. The
    /// room is wiped when the [`Answer`] is dropped.
    pub fn begin<'x>(
        &'x self,
        request: Request<'_, 'x>,
        clock: Clock,
        entropy: Entropy,
        throttle: &'x Throttle<'x>,
        out: &'x mut [u8],
    ) -> Step<'x> {
        let (path, query) = request.path_and_query();
        let (mut session, scratch) =
            Session::begin(self, clock, entropy, throttle, request.source, out);
        let next = self.dispatch(&mut session, request, path, query, scratch);
        next.join(session)
    }

    fn dispatch<'x>(
        &'x self,
        session: &mut Session<'x>,
        request: Request<'_, 'x>,
        path: &str,
        query: Option<&str>,
        scratch: &'x mut [u8],
    ) -> Next<'x> {
        let (headers, body) = (request.headers, request.body);
        // Neither 404 nor 405 is an event: no client, user or token was looked
        // at, and whoever guesses at paths should not fill the log.
        let Some(route) = Route::find(&self.configuration.profile, path) else {
            return session.plain(404, None, "There is nothing at this path.");
        };
        if !route.allows(request.method) {
            return session.plain(405, Some(route.allow()), "The method is not allowed here.");
        }
        match route {
            Route::Token => token::begin(session, headers, query, body),
            Route::Authorization if request.method == "POST" => {
                authorize::post(session, headers, query, body)
            }
            Route::Authorization => authorize::get(session, query, scratch),
            Route::Revocation => {
                inspect::begin(session, headers, query, body, Endpoint::Revocation, scratch)
            }
            Route::Introspection => inspect::begin(
                session,
                headers,
                query,
                body,
                Endpoint::Introspection,
                scratch,
            ),
            Route::Metadata => metadata::metadata(session),
            Route::Jwks => metadata::jwks(session),
            Route::Me => me::begin(session, headers, query, scratch, None),
        }
    }
}

impl<'x> Next<'x> {
    pub(super) fn join(self, session: Session<'x>) -> Step<'x> {
        let done = |permitted, session: Session<'x>| {
            Step::Done(Answer {
                response: session.response,
                events: session.events,
                permitted,
            })
        };
        match self {
            Next::Done => done(None, session),
            Next::Permit(token) => done(Some(token), session),
            Next::Load { id, then } => Step::Load(Load { session, id, then }),
            Next::Work(hashing) => Step::Work(Work { session, hashing }),
            Next::Commit(swap) => Step::Commit(Commit { session, swap }),
        }
    }
}

/// The record of a grant is wanted.
#[must_use]
pub struct Load<'x> {
    session: Session<'x>,
    id: GrantId,
    then: AfterLoad<'x>,
}

impl<'x> Load<'x> {
    /// Which grant's.
    #[must_use]
    pub const fn id(&self) -> &GrantId {
        &self.id
    }

    /// Goes on with what was found.
    #[must_use]
    // Not inlined: a caller's loop would hold the frames of all steps at once.
    #[inline(never)]
    pub fn resume(mut self, loaded: Result<Loaded, StoreUnavailable>) -> Step<'x> {
        let session = &mut self.session;
        // A store that mixes grants up is damaged: none may vouch for another.
        let loaded = loaded.and_then(|loaded| match &loaded.record {
            Some(record) if record.id() != self.id => Err(StoreUnavailable),
            _ => Ok(loaded),
        });
        let next = match (loaded, self.then) {
            (Err(StoreUnavailable), AfterLoad::Ask(asking)) => {
                asking.refuse(session, BearerError::StoreUnavailable)
            }
            // Nobody knows whether it was written, so nothing was issued.
            (Err(StoreUnavailable), AfterLoad::Settle { .. }) => {
                session.fail(Refusal::StoreUnavailable)
            }
            (Err(StoreUnavailable), _) => session.refuse(Refusal::StoreUnavailable),
            (Ok(loaded), AfterLoad::Redeem(redemption)) => {
                lifecycle::decide(session, redemption, &loaded)
            }
            (Ok(loaded), AfterLoad::Inspect(inspection)) => inspection.decide(session, &loaded),
            (Ok(loaded), AfterLoad::Ask(asking)) => asking.decide(session, &loaded),
            (Ok(loaded), AfterLoad::Settle { nonce, then }) => {
                let mine = loaded
                    .record
                    .and_then(|record| record.grant().ok())
                    .is_some_and(|grant| grant.nonce == nonce);
                if mine {
                    session.release(then)
                } else {
                    session.conflict(self.id, then)
                }
            }
        };
        next.join(self.session)
    }
}

/// A password is to be hashed. One at a time is enough for a device: a caller
/// that is at it already answers with [`Work::refuse`].
#[must_use]
pub struct Work<'x> {
    session: Session<'x>,
    hashing: Hashing<'x>,
}

impl<'x> Work<'x> {
    /// Does up to `iterations` of PBKDF2, each of them two compressions of
    /// SHA-256, about 10,000 instructions on a Cortex-M4.
    #[must_use]
    // Not inlined: a caller's loop would hold the frames of all steps at once.
    #[inline(never)]
    pub fn run(mut self, iterations: u32) -> Step<'x> {
        let session = &mut self.session;
        let Some(login) = self.hashing.advance(session, iterations) else {
            return Step::Work(self);
        };
        let next = match (&self.hashing.purpose, login) {
            (Purpose::Token { client, scope }, Ok(user)) => {
                token::first(session, *client, GrantType::Password, Some(user), *scope)
            }
            (Purpose::Token { .. }, Err(cause)) => session.refuse(cause),
            (Purpose::Authorize(asked), Ok(user)) => authorize::approve(session, asked, user),
            (Purpose::Authorize(asked), Err(cause)) => authorize::form_again(session, asked, cause),
        };
        next.join(self.session)
    }

    /// Answers 503 at once: another password is being hashed.
    #[must_use]
    pub fn refuse(mut self) -> Step<'x> {
        self.hashing.busy(&mut self.session).join(self.session)
    }
}

/// A record is to be written, or confirmed. The response is complete, and
/// leaves only after this.
#[must_use]
pub struct Commit<'x> {
    session: Session<'x>,
    swap: Swap<'x>,
}

impl<'x> Commit<'x> {
    /// The time, for the store to tell what has expired.
    #[must_use]
    pub const fn now(&self) -> UnixTime {
        self.session.now
    }

    /// Which grant's record.
    #[must_use]
    pub const fn id(&self) -> &GrantId {
        &self.swap.id
    }

    /// What must still be there.
    #[must_use]
    pub const fn seen(&self) -> Seen {
        self.swap.seen
    }

    /// What to write.
    #[must_use]
    pub fn write(&self) -> Write<'_> {
        match &self.swap.write {
            Some(record) => Write::Record(record),
            None => Write::Confirm,
        }
    }

    /// Goes on with what became of it. After [`Committed::Unknown`] the same
    /// commit is wanted again; a caller whose deadline has come says
    /// [`Committed::Unavailable`].
    #[must_use]
    // Not inlined: a caller's loop would hold the frames of all steps at once.
    #[inline(never)]
    pub fn resume(mut self, committed: Committed) -> Step<'x> {
        let session = &mut self.session;
        let Swap { id, then, .. } = self.swap;
        let next = match committed {
            Committed::Done => session.release(then),
            Committed::GaveWay(grant) => {
                let client = session.client_id();
                session.event(Event::GaveWay { grant, client });
                session.release(then)
            }
            Committed::Unknown => Next::Commit(Swap {
                unknown: true,
                then,
                ..self.swap
            }),
            Committed::Conflict => match self.swap.write.and_then(|record| record.grant().ok()) {
                Some(grant) if self.swap.unknown => Next::Load {
                    id,
                    then: AfterLoad::Settle {
                        nonce: grant.nonce,
                        then,
                    },
                },
                _ => session.conflict(id, then),
            },
            Committed::Full => session.fail(Refusal::StoreFull),
            Committed::Unavailable => session.fail(Refusal::StoreUnavailable),
        };
        next.join(self.session)
    }
}

impl<'x> Session<'x> {
    fn release(&mut self, then: Then<'x>) -> Next<'x> {
        match then {
            Then::Release | Then::Redeem { event: None, .. } => {}
            Then::Redeem {
                event: Some(event), ..
            }
            | Then::Inspect { event, .. } => self.event(event),
        }
        Next::Done
    }

    /// Someone else wrote first: what was going to be said is wiped, and the
    /// record is read again.
    fn conflict(&mut self, id: GrantId, then: Then<'x>) -> Next<'x> {
        self.response.reset();
        self.events.clear();
        match then {
            Then::Release => self.refuse(Refusal::Contended),
            Then::Redeem {
                redemption,
                current,
                ..
            } => redemption.again(self, current),
            Then::Inspect { inspection, .. } => inspection.again(self, id),
        }
    }
}

/// A finished exchange.
#[must_use]
pub struct Answer<'x> {
    pub(super) response: Response<'x>,
    pub(super) events: Events<'x>,
    /// The token that a resource of the caller's own may be used with.
    pub(super) permitted: Option<Verified<'x>>,
}

impl<'x> Answer<'x> {
    /// What to send.
    #[must_use]
    pub const fn response(&self) -> &Response<'x> {
        &self.response
    }

    /// What to log.
    pub fn events(&self) -> impl Iterator<Item = &Event<'x>> {
        self.events.iter()
    }
}

macro_rules! opaque {
    ($($name:ident),*) => {$(
        impl core::fmt::Debug for $name<'_> {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    )*};
}
opaque!(Load, Work, Commit, Answer);
