//! What an exchange carries from step to step.

use super::config::{Client, Configuration};
use super::error::Refusal;
use super::event::Event;
use super::next::Next;
use super::resource::{self, ResourceRefusal};
use super::response;
use super::server::{AuthorizationServer, Clock};
use super::throttle::{Account, Throttle};
use crate::codec::form;
use crate::codec::json::Writer;
use crate::codec::split::pieces;
use crate::http::{Response, Source};
use crate::scope::ScopeSet;
use crate::secret::Entropy;
use crate::time::UnixTime;

/// The events of one exchange: at most an issue or refusal, a revocation and a
/// lock-out of a user and of a source.
pub(super) type Events<'x> = heapless::Vec<Event<'x>, 4>;

pub(super) struct Session<'x> {
    pub(super) server: &'x AuthorizationServer<'x>,
    pub(super) clock: Clock,
    /// `clock.now`, once it is known to be set.
    pub(super) now: UnixTime,
    pub(super) entropy: Entropy,
    pub(super) throttle: &'x Throttle<'x>,
    pub(super) source: Source,
    pub(super) response: Response<'x>,
    pub(super) events: Events<'x>,
    pub(super) client: Option<&'x Client<'x>>,
    /// Whether the client used the `Authorization` header.
    pub(super) by_header: bool,
    /// The scope or grant type that a refusal would be about.
    pub(super) named: Option<&'x str>,
}

impl<'x> Session<'x> {
    /// The session of an exchange, and the room of a token or query while it is
    /// read: a quarter of `out`.
    pub(super) fn begin(
        server: &'x AuthorizationServer<'x>,
        clock: Clock,
        entropy: Entropy,
        throttle: &'x Throttle<'x>,
        source: Source,
        out: &'x mut [u8],
    ) -> (Self, &'x mut [u8]) {
        let (out, scratch) = out.split_at_mut(out.len().saturating_sub(out.len() / 4));
        let session = Session {
            server,
            clock,
            now: clock.now.unwrap_or(UnixTime(0)),
            entropy,
            throttle,
            source,
            response: Response::new(out),
            events: Events::new(),
            client: None,
            by_header: false,
            named: None,
        };
        (session, scratch)
    }

    pub(super) fn configuration(&self) -> &'x Configuration<'x> {
        &self.server.configuration
    }

    pub(super) fn form_limits(&self) -> form::Limits {
        let limits = &self.configuration().limits;
        form::Limits {
            octets: limits.body,
            parameters: limits.parameters,
        }
    }

    // Not inlined: an event is large, and comes from everywhere.
    #[inline(never)]
    pub(super) fn event(&mut self, event: Event<'x>) {
        let _full = self.events.push(event);
    }

    /// The registered client that this exchange is about, for an event.
    pub(super) fn client_id(&self) -> Option<&'x str> {
        self.client.map(|client| client.id)
    }

    pub(super) fn locked_out(&mut self, account: Account) {
        let client = self.client_id();
        self.event(Event::LockedOut { account, client });
    }

    /// R40: "nothing is issued" without a clock, or with one that went back.
    pub(super) fn check_clock(&self) -> Result<(), Refusal> {
        let now = self.clock.now.ok_or(Refusal::ClockUnset)?;
        if now.plus(self.configuration().skew) < self.clock.floor {
            return Err(Refusal::ClockWentBack);
        }
        Ok(())
    }

    /// The scopes that a client asks for, or gets by default.
    pub(super) fn requested_scope(
        &mut self,
        client: &Client<'_>,
        scope: Option<&'x str>,
    ) -> Result<ScopeSet, Refusal> {
        match scope {
            None => Ok(client.default_scopes),
            Some(text) => self.scope_within(client.scopes, text),
        }
    }

    /// The scopes named in `text`, all of which must be in `allowed`.
    pub(super) fn scope_within(
        &mut self,
        allowed: ScopeSet,
        text: &'x str,
    ) -> Result<ScopeSet, Refusal> {
        let names = self.configuration().scopes;
        let outside = |name: &&str| !names.one(name).is_some_and(|one| allowed.contains(one));
        let refused = match names.parse(text) {
            Ok(set) if allowed.contains(set) => return Ok(set),
            Ok(_) => pieces(text, b' ').find(outside),
            Err((_cause, name)) => Some(name),
        };
        self.named = refused;
        Err(Refusal::Scope)
    }

    /// Ends with a refusal.
    pub(super) fn refuse(&mut self, cause: Refusal) -> Next<'x> {
        self.write_refusal(cause);
        Next::Done
    }

    /// Writes a refusal, to be sent now or after a commit.
    pub(super) fn write_refusal(&mut self, cause: Refusal) {
        let client = self.client_id();
        self.event(Event::Refused { client, cause });
        response::refusal(
            &self.server.configuration.profile,
            cause,
            self.named,
            self.by_header,
            &mut self.response,
        );
    }

    /// What was going to be said is wiped and not said.
    pub(super) fn fail(&mut self, cause: Refusal) -> Next<'x> {
        self.events.clear();
        self.refuse(cause)
    }

    /// An answer that has nothing to do with OAuth.
    pub(super) fn plain(
        &mut self,
        status: u16,
        allow: Option<&'static str>,
        description: &'static str,
    ) -> Next<'x> {
        let refusal = ResourceRefusal {
            allow,
            ..ResourceRefusal::invalid(status, description)
        };
        resource::refuse(&mut self.response, refusal);
        Next::Done
    }

    /// Makes what `write` writes the body; 500 without one if it does not fit.
    pub(super) fn json(&mut self, write: &mut dyn FnMut(&mut Writer<'_>)) {
        response::json(&mut self.response, write);
    }
}
