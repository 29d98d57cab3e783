//! Resources of the caller's own: whether a request may use one is decided as
//! for `/me/`, and how it is answered is the resource's to say.

use super::event::Event;
use super::exchange::{Answer, Step};
use super::me;
use super::response;
use super::server::{AuthorizationServer, Clock};
use super::session::{Events, Session};
use super::throttle::Throttle;
use crate::bearer::{self, BearerError};
use crate::codec::json::Writer;
use crate::http::{Request, Response};
use crate::jwt::{Claims, Verified};
use crate::secret::Entropy;

impl AuthorizationServer<'_> {
    /// Begins to find out whether `request` may use a resource that asks for
    /// every scope named in `scope`, separated by spaces; for none, any good
    /// token will do.
    ///
    /// The answer that this comes to is a refusal in the words of RFC 6750, or
    /// it has a [`Permit`]: the token in the request is good, its client, its
    /// user and its grant still stand, and its scopes suffice. The request's
    /// body is not looked at. For `out` see [`AuthorizationServer::begin`].
    ///
    /// ```
    /// # use smallgate_core::http::{Body, Request, Source};
    /// # use smallgate_core::oauth::{AuthorizationServer, Clock, Throttle, drive};
    /// # use smallgate_core::store::Store;
    /// fn lamp<'x>(
    ///     server: &'x AuthorizationServer<'x>,
    ///     request: &Request<'_, '_>,
    ///     clock: Clock,
    ///     throttle: &'x Throttle<'x>,
    ///     store: &mut impl Store,
    ///     out: &'x mut [u8],
    /// ) -> smallgate_core::oauth::Answer<'x> {
    ///     let mut answer = drive(server.authorize(request, "read", clock, throttle, out), store);
    ///     if let Some(permit) = answer.permit() {
    ///         permit.json(&mut |json| {
    ///             json.begin_object();
    ///             json.member_bool("lit", true);
    ///             json.end_object();
    ///         });
    ///     }
    ///     answer
    /// }
    /// ```
    pub fn authorize<'x>(
        &'x self,
        request: &Request<'_, '_>,
        scope: &'x str,
        clock: Clock,
        throttle: &'x Throttle<'x>,
        out: &'x mut [u8],
    ) -> Step<'x> {
        let (_path, query) = request.path_and_query();
        // Nothing is issued, so nothing is drawn from it.
        let entropy = Entropy::new([0; Entropy::SIZE]);
        let (mut session, scratch) =
            Session::begin(self, clock, entropy, throttle, request.source, out);
        let next = me::begin(&mut session, request.headers, query, scratch, Some(scope));
        next.join(session)
    }
}

/// Leave to use a resource. It is used up by saying what the resource answers;
/// dropped unused, the answer is 500.
#[must_use]
pub struct Permit<'a, 'x> {
    response: &'a mut Response<'x>,
    events: &'a mut Events<'x>,
    token: Verified<'x>,
}

impl<'x> Answer<'x> {
    /// Leave to use the resource that [`AuthorizationServer::authorize`] was
    /// asked about, once; `None` for every other answer, and then it is complete.
    pub fn permit(&mut self) -> Option<Permit<'_, 'x>> {
        Some(Permit {
            token: self.permitted.take()?,
            response: &mut self.response,
            events: &mut self.events,
        })
    }

    /// An answer that has nothing to do with OAuth, in the form of those that
    /// have: `status`, and an object with `error` and `error_description`.
    pub fn refusal(out: &'x mut [u8], refusal: ResourceRefusal) -> Self {
        let mut answer = Answer::empty(out);
        refuse(&mut answer.response, refusal);
        answer
    }

    pub(super) fn empty(out: &'x mut [u8]) -> Self {
        Answer {
            response: Response::new(out),
            events: Events::new(),
            permitted: None,
        }
    }
}

impl<'x> Permit<'_, 'x> {
    /// What is said of the token's bearer.
    #[must_use]
    pub const fn claims(&self) -> &Claims<'_> {
        self.token.claims()
    }

    /// The token itself, which lives as long as the room of the answer is lent.
    #[must_use]
    pub const fn token(&self) -> &Verified<'x> {
        &self.token
    }

    /// Whether the token has every scope named in `scope`.
    #[must_use]
    pub fn allows(&self, scope: &str) -> bool {
        bearer::suffices(&self.token, scope)
    }

    /// Has the change of a resource among the events, with whom it was made by.
    pub fn record(&mut self, resource: &'x str, state: &'static str) {
        let claims = self.token.claims();
        let _full = self.events.push(Event::ResourceChanged {
            resource,
            state,
            client: claims.client_id,
            subject: claims.subject,
        });
    }

    /// Answers 200 with the JSON that `write` writes; 500 without a body if it
    /// does not fit.
    pub fn json(self, write: &mut dyn FnMut(&mut Writer<'_>)) {
        self.response.set_status(200);
        response::headers(self.response);
        response::json(self.response, write);
    }

    /// Answers that the resource can not do it.
    pub fn refuse(self, refusal: ResourceRefusal) {
        refuse(self.response, refusal);
    }

    /// Answers 403: it takes the scopes named in `scope`.
    pub fn insufficient(self, scope: &str) {
        let cause = BearerError::InsufficientScope;
        let event = me::refused(cause, Some(self.token.claims()));
        let _full = self.events.push(event);
        me::challenge(self.response, cause, scope);
    }
}

/// How a resource says no to a request that it may look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResourceRefusal {
    /// The status.
    pub status: u16,
    /// A word for programs.
    pub error: &'static str,
    /// A sentence for people.
    pub description: &'static str,
    /// The methods that there are, with status 405.
    pub allow: Option<&'static str>,
}

impl ResourceRefusal {
    /// One of the client's making: `invalid_request`.
    #[must_use]
    pub const fn invalid(status: u16, description: &'static str) -> Self {
        ResourceRefusal {
            status,
            error: "invalid_request",
            description,
            allow: None,
        }
    }

    /// 405: "The origin server MUST generate an Allow header field in a 405
    /// response" (RFC 9110 §15.5.6).
    #[must_use]
    pub const fn method(allow: &'static str) -> Self {
        ResourceRefusal {
            allow: Some(allow),
            ..Self::invalid(405, "The method is not allowed here.")
        }
    }
}

pub(super) fn refuse(response: &mut Response<'_>, refusal: ResourceRefusal) {
    response.set_status(refusal.status);
    response::headers(response);
    if let Some(methods) = refusal.allow {
        response.header("allow", methods);
    }
    response::json(response, &mut |json| {
        json.begin_object();
        json.member_text("error", refusal.error);
        json.member_text("error_description", refusal.description);
        json.end_object();
    });
}
