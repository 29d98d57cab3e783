//! One exchange, step by step. The core says what it wants next, the caller
//! does it and hands the result to the step, which gives the next one.
//!
//! ```text
//! begin ─→ Load ─→ … ─→ Commit ─→ … ─→ Done
//!      └─→ Work ─→ … ─┘
//! ```
//!
//! The types keep the order: a step is consumed by what continues it.

use super::config::{Client, Configuration};
use super::error::Refusal;
use super::event::Event;
use super::grant::{Grant, GrantId, Record};
use super::lifecycle::{self, Redemption};
use super::me;
use super::password::PasswordWork;
use super::response;
use super::server::{AuthorizationServer, Clock};
use super::throttle::{Pair, Throttle};
use super::token::{self, PasswordGrant};
use crate::codec::json::Writer;
use crate::http::{Request, Response, Route, Source};
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
    /// `out` takes the response: 2 KiB suffice for tokens of 1 KiB. It is wiped
    /// when the [`Answer`] is dropped.
    pub fn begin<'x>(
        &'x self,
        request: Request<'x>,
        clock: Clock,
        entropy: Entropy,
        throttle: &'x Throttle<'x>,
        out: &'x mut [u8],
    ) -> Step<'x> {
        let (path, query) = match request.target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (request.target, None),
        };
        let session = |out| Session {
            server: self,
            clock,
            now: clock.now.unwrap_or(UnixTime(0)),
            entropy,
            throttle,
            source: request.source,
            response: Response::new(out),
            events: heapless::Vec::new(),
            client: None,
            by_header: false,
            named: None,
        };
        let Some(route) = Route::find(&self.configuration.profile, path) else {
            return session(out).plain(404, None, "There is nothing at this path.");
        };
        if !route.allows(request.method) {
            return session(out).plain(405, Some(route.allow()), "The method is not allowed here.");
        }
        match route {
            Route::Token => token::begin(session(out), request.headers, query, request.body),
            Route::Me => {
                // The answer needs far less than half of the room; the rest is
                // for the token while it is read.
                let (out, scratch) = out.split_at_mut(out.len() / 2);
                me::answer(session(out), request.headers, query, scratch)
            }
        }
    }
}

/// What an exchange carries from step to step.
pub(super) struct Session<'x> {
    pub(super) server: &'x AuthorizationServer<'x>,
    pub(super) clock: Clock,
    /// `clock.now`, once it is known to be set.
    pub(super) now: UnixTime,
    pub(super) entropy: Entropy,
    pub(super) throttle: &'x Throttle<'x>,
    pub(super) source: Source,
    pub(super) response: Response<'x>,
    pub(super) events: heapless::Vec<Event<'x>, 3>,
    pub(super) client: Option<&'x Client<'x>>,
    /// Whether the client used the `Authorization` header.
    pub(super) by_header: bool,
    /// The scope or grant type that a refusal would be about.
    pub(super) named: Option<&'x str>,
}

impl<'x> Session<'x> {
    pub(super) fn configuration(&self) -> &'x Configuration<'x> {
        &self.server.configuration
    }

    pub(super) fn event(&mut self, event: Event<'x>) {
        let _full = self.events.push(event);
    }

    /// R40: "nothing is issued" without a clock, or with one that went back.
    pub(super) fn check_clock(&self) -> Result<(), Refusal> {
        let now = self.clock.now.ok_or(Refusal::ClockUnset)?;
        if now.plus(self.configuration().skew) < self.clock.floor {
            return Err(Refusal::ClockWentBack);
        }
        Ok(())
    }

    /// Ends with a refusal.
    pub(super) fn refuse(mut self, cause: Refusal) -> Step<'x> {
        self.write_refusal(cause);
        self.done()
    }

    /// Writes a refusal, to be sent now or after a commit.
    pub(super) fn write_refusal(&mut self, cause: Refusal) {
        let client = self.client.map(|client| client.id);
        self.event(Event::Refused { client, cause });
        response::refusal(
            &self.server.configuration.profile,
            cause,
            self.named,
            self.by_header,
            &mut self.response,
        );
    }

    /// Ends with what has been written.
    pub(super) fn done(self) -> Step<'x> {
        Step::Done(Answer {
            response: self.response,
            events: self.events,
        })
    }

    /// An answer that has nothing to do with OAuth.
    fn plain(
        mut self,
        status: u16,
        allow: Option<&'static str>,
        description: &'static str,
    ) -> Step<'x> {
        self.response.set_status(status);
        response::headers(&mut self.response);
        if let Some(methods) = allow {
            self.response.header("allow", methods);
        }
        let mut json = Writer::new(self.response.rest());
        json.begin_object();
        json.member_text("error", "invalid_request");
        json.member_text("error_description", description);
        json.end_object();
        let length = json.finish().map_or(0, |body| body.len());
        self.response.set_body(length);
        self.done()
    }

    /// Creates `grant`, whose tokens are in the response already.
    pub(super) fn create(self, grant: &Grant) -> Step<'x> {
        Step::Commit(Commit {
            id: grant.id,
            seen: Seen::ABSENT,
            write: Some(Record::new(grant)),
            then: Then::Release,
            unknown: false,
            session: self,
        })
    }
}

/// The record of a grant is wanted.
#[must_use]
pub struct Load<'x> {
    pub(super) session: Session<'x>,
    pub(super) id: GrantId,
    pub(super) then: AfterLoad<'x>,
}

/// Why a record is read.
pub(super) enum AfterLoad<'x> {
    /// A code or refresh token was presented.
    Redeem(Redemption<'x>),
    /// A swap was not acknowledged, and its repetition was refused: did the
    /// first one succeed?
    Settle { nonce: [u8; 4], then: Then<'x> },
}

impl<'x> Load<'x> {
    /// Which grant's.
    #[must_use]
    pub const fn id(&self) -> &GrantId {
        &self.id
    }

    /// Goes on with what was found.
    #[must_use]
    pub fn resume(self, loaded: Result<Loaded, StoreUnavailable>) -> Step<'x> {
        let Ok(loaded) = loaded else {
            return self.session.refuse(Refusal::StoreUnavailable);
        };
        match self.then {
            AfterLoad::Redeem(redemption) => lifecycle::decide(self.session, redemption, &loaded),
            AfterLoad::Settle { nonce, then } => {
                let mine = loaded
                    .record
                    .and_then(|record| record.grant().ok())
                    .is_some_and(|grant| grant.nonce == nonce);
                if mine {
                    self.session.release(then)
                } else {
                    self.session.conflict(then)
                }
            }
        }
    }
}

/// A password is to be hashed. One at a time is enough for a device: a caller
/// that is at it already answers with [`Work::refuse`].
#[must_use]
pub struct Work<'x> {
    pub(super) session: Session<'x>,
    pub(super) grant: PasswordGrant<'x>,
    pub(super) pair: Pair,
    pub(super) work: PasswordWork,
}

impl<'x> Work<'x> {
    /// Does up to `iterations` of PBKDF2, each of them two compressions of
    /// SHA-256, about 10,000 instructions on a Cortex-M4.
    #[must_use]
    pub fn run(mut self, iterations: u32) -> Step<'x> {
        if self.work.advance(iterations) {
            token::password(self.session, &self.grant, self.pair, &self.work)
        } else {
            Step::Work(self)
        }
    }

    /// Answers 503 at once: another password is being hashed.
    #[must_use]
    pub fn refuse(self) -> Step<'x> {
        self.session.refuse(Refusal::Busy)
    }
}

/// A record is to be written, or confirmed. The response is complete, and
/// leaves only after this.
#[must_use]
pub struct Commit<'x> {
    pub(super) session: Session<'x>,
    pub(super) id: GrantId,
    pub(super) seen: Seen,
    pub(super) write: Option<Record>,
    pub(super) then: Then<'x>,
    pub(super) unknown: bool,
}

/// What a commit was for.
pub(super) enum Then<'x> {
    /// A grant was created.
    Release,
    /// A grant was redeemed, rotated, confirmed or revoked. `current` is the
    /// generation that was read and presented, if it was the newest.
    Redeem {
        redemption: Redemption<'x>,
        event: Option<Event<'x>>,
        current: bool,
    },
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
        &self.id
    }

    /// What must still be there.
    #[must_use]
    pub const fn seen(&self) -> Seen {
        self.seen
    }

    /// What to write.
    #[must_use]
    pub fn write(&self) -> Write<'_> {
        match &self.write {
            Some(record) => Write::Record(record),
            None => Write::Confirm,
        }
    }

    /// Goes on with what became of it. After [`Committed::Unknown`] the same
    /// commit is wanted again; a caller whose deadline has come says
    /// [`Committed::Unavailable`].
    #[must_use]
    pub fn resume(mut self, committed: Committed) -> Step<'x> {
        match committed {
            Committed::Done => self.session.release(self.then),
            Committed::Unknown => {
                self.unknown = true;
                Step::Commit(self)
            }
            Committed::Conflict => match self.write.and_then(|record| record.grant().ok()) {
                Some(grant) if self.unknown => Step::Load(Load {
                    session: self.session,
                    id: self.id,
                    then: AfterLoad::Settle {
                        nonce: grant.nonce,
                        then: self.then,
                    },
                }),
                _ => self.session.conflict(self.then),
            },
            Committed::Full => self.session.fail(Refusal::StoreFull),
            Committed::Unavailable => self.session.fail(Refusal::StoreUnavailable),
        }
    }
}

impl<'x> Session<'x> {
    fn release(mut self, then: Then<'x>) -> Step<'x> {
        if let Then::Redeem {
            event: Some(event), ..
        } = then
        {
            self.event(event);
        }
        self.done()
    }

    /// Someone else wrote first: what was going to be said is wiped, and the
    /// record is read again.
    fn conflict(mut self, then: Then<'x>) -> Step<'x> {
        self.response.reset();
        self.events.clear();
        match then {
            Then::Release => self.refuse(Refusal::Contended),
            Then::Redeem {
                redemption,
                current,
                ..
            } => redemption.again(self, current),
        }
    }

    /// What was going to be said is wiped and not said.
    pub(super) fn fail(mut self, cause: Refusal) -> Step<'x> {
        self.events.clear();
        self.refuse(cause)
    }
}

/// A finished exchange.
#[must_use]
pub struct Answer<'x> {
    response: Response<'x>,
    events: heapless::Vec<Event<'x>, 3>,
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
