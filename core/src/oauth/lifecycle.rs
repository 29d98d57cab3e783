//! What a stored grant says to the code or refresh token that is presented:
//! the state table, one arm a row.
//!
//! C is the grant's code, Rk its refresh token of generation k; the MAC is good
//! and the client authenticated. ∅ is a record that is not there.
//!
//! | record | presented | write | answer |
//! | --- | --- | --- | --- |
//! | Pending, live | C | swap to Active 1 | tokens, R1; on conflict read again |
//! | Pending, expired | C | – | `invalid_grant` |
//! | Active n | C | swap to Revoked, again until it is | `invalid_grant` |
//! | Active n | Rn, live | swap to Active n+1 | tokens, Rn+1; on conflict read again |
//! | Active n, n ≥ 2 | Rn−1 in grace | confirm | tokens, the same Rn |
//! | Active n | Rn−1 out of grace, or older | swap to Revoked | `invalid_grant` |
//! | Active or Pending | Rk, k > n | none; read again | 503: a stale read or a restored backup, never theft |
//! | Revoked, ∅, idle or absolute end | any | – | `invalid_grant` |

use super::client_auth::AuthenticatedClient;
use super::config::{Client, Configuration};
use super::error::{Parameter, Refusal};
use super::event::Event;
use super::grant::{Grant, Reason, State, Tag};
use super::handle::{CodeBinding, Kind, Presented, VerifiedHandle};
use super::issue::Issue;
use super::next::{AfterLoad, Next, Redemption, Swap, Then};
use super::record::Record;
use super::request::{GrantRequest, TokenRequest};
use super::session::Session;
use super::standing;
use crate::profile::{GrantType, Rotation};
use crate::sha256::Sha256;
use crate::store::{Loaded, Seen};
use crate::time::UnixTime;

/// How often a record is read before the exchange gives up.
pub(super) const ROUNDS: u8 = 4;

/// Checks the handle's MAC; a store is asked only if it is good.
// Not inlined: whoever begins with something else should not hold this frame.
#[inline(never)]
pub(super) fn begin<'x>(
    session: &mut Session<'x>,
    client: AuthenticatedClient<'x>,
    request: &TokenRequest<'x>,
) -> Next<'x> {
    let client = client.client();
    let (kind, handle) = match request.grant {
        GrantRequest::AuthorizationCode {
            code,
            redirect_uri,
            verifier,
        } => {
            let challenge = verifier.map(|verifier| verifier.challenge());
            let verified = Presented::parse(code, Kind::Code).and_then(|presented| {
                // R22: "the verifier is mandatory if there was a challenge,
                // refused if there was none"; public clients must use it.
                let pkce = presented.has_challenge() == challenge.is_some()
                    && (challenge.is_some() || client.secret.is_some());
                let bound_uri = redirect_uri.filter(|_| presented.has_redirect_uri());
                let binding = CodeBinding {
                    challenge,
                    redirect_uri: bound_uri.map(|uri| Sha256::of(uri.as_bytes())),
                };
                let uri = presented.has_redirect_uri() == bound_uri.is_some();
                verify(session, &presented, Kind::Code, client, &binding).filter(|_| pkce && uri)
            });
            (Kind::Code, verified)
        }
        GrantRequest::RefreshToken { token } => {
            let verified = Presented::parse(token, Kind::Refresh).and_then(|presented| {
                let binding = CodeBinding::default();
                verify(session, &presented, Kind::Refresh, client, &binding)
            });
            (Kind::Refresh, verified)
        }
        GrantRequest::ClientCredentials | GrantRequest::Password { .. } => (Kind::Refresh, None),
    };
    match handle {
        None => session.refuse(match kind {
            Kind::Code => Refusal::CodeInvalid,
            Kind::Refresh => Refusal::RefreshInvalid,
        }),
        Some(handle) => Redemption {
            client,
            scope: request.scope,
            kind,
            handle,
            round: 0,
            raced: false,
        }
        .load(),
    }
}

fn verify(
    session: &Session<'_>,
    presented: &Presented,
    kind: Kind,
    client: &Client<'_>,
    binding: &CodeBinding,
) -> Option<VerifiedHandle> {
    let tag = Tag::client(client.id);
    session.server.handles.verify(presented, kind, tag, binding)
}

impl<'x> Redemption<'x> {
    fn load(self) -> Next<'x> {
        Next::Load {
            id: self.handle.grant,
            then: AfterLoad::Redeem(self),
        }
    }

    /// Reads the record again after another request wrote it.
    pub(super) fn again(mut self, session: &mut Session<'x>, current: bool) -> Next<'x> {
        self.raced |= current;
        self.next_round(session, Refusal::Contended)
    }

    fn next_round(mut self, session: &mut Session<'x>, at_the_end: Refusal) -> Next<'x> {
        self.round = self.round.saturating_add(1);
        if self.round >= ROUNDS {
            return session.refuse(at_the_end);
        }
        self.load()
    }

    const fn parameter(&self) -> Parameter {
        match self.kind {
            Kind::Code => Parameter::Code,
            Kind::Refresh => Parameter::RefreshToken,
        }
    }

    const fn grant_type(&self) -> GrantType {
        match self.kind {
            Kind::Code => GrantType::AuthorizationCode,
            Kind::Refresh => GrantType::RefreshToken,
        }
    }
}

/// One row of the table.
pub(super) fn decide<'x>(
    session: &mut Session<'x>,
    redemption: Redemption<'x>,
    loaded: &Loaded,
) -> Next<'x> {
    let parameter = redemption.parameter();
    let grant = match loaded.record.map(|record| record.grant()) {
        None => return session.refuse(Refusal::GrantRevoked(parameter)),
        Some(Err(_damaged)) => return session.refuse(Refusal::RecordDamaged),
        Some(Ok(grant)) => grant,
    };
    let configuration = session.configuration();
    let seen = loaded.seen;
    let presented = redemption.handle.generation;
    match (grant.state, redemption.kind) {
        (State::Revoked(_), _) => session.refuse(Refusal::GrantRevoked(parameter)),

        (State::Pending, Kind::Code) if session.now >= grant.ends.plus(configuration.skew) => {
            session.refuse(Refusal::CodeExpired)
        }
        (State::Pending, Kind::Code) => Change::Redeem.go(session, redemption, grant, seen),

        (State::Active { .. }, _) if standing::ended(configuration, &grant, session.now) => session
            .refuse(match redemption.kind {
                Kind::Code => Refusal::GrantRevoked(parameter),
                Kind::Refresh => Refusal::RefreshExpired,
            }),
        (State::Active { .. }, Kind::Code) => {
            revoke(session, redemption, grant, seen, Reason::CodeReplayed)
        }

        (State::Pending, Kind::Refresh) => from_the_future(session, redemption, &grant),
        (State::Active { generation }, Kind::Refresh) if presented > generation => {
            from_the_future(session, redemption, &grant)
        }
        (State::Active { generation }, Kind::Refresh) if presented == generation => {
            if reuses(configuration, &grant) {
                Change::Use.go(session, redemption, grant, seen)
            } else if generation == u32::MAX {
                revoke(session, redemption, grant, seen, Reason::Exhausted)
            } else {
                Change::Rotate.go(session, redemption, grant, seen)
            }
        }
        (State::Active { generation }, Kind::Refresh)
            if repeats(session, &grant, presented, generation) =>
        {
            Change::Repeat.go(session, redemption, grant, seen)
        }
        (State::Active { .. }, Kind::Refresh) if redemption.raced => {
            session.refuse(Refusal::RefreshRaced)
        }
        (State::Active { .. }, Kind::Refresh) => {
            revoke(session, redemption, grant, seen, Reason::RefreshReused)
        }
    }
}

/// Whether the newest refresh token stays good after use.
fn reuses(configuration: &Configuration<'_>, grant: &Grant) -> bool {
    grant.reuse && configuration.profile.rotation == Rotation::Reuse
}

/// Whether the refresh token of the generation `presented` was replaced by the
/// newest so lately that it still gets the same successor: "grace holds while
/// now < max(rotated at, serving since) + grace + skew."
pub(super) fn repeats(session: &Session<'_>, grant: &Grant, presented: u32, newest: u32) -> bool {
    let configuration = session.configuration();
    let from = grant.touched_at().max(session.clock.serving_since);
    let grace = configuration.profile.lifetimes.grace;
    presented.checked_add(1) == Some(newest)
        // A use touches the record too, and is no rotation that a response
        // could have been lost of.
        && !reuses(configuration, grant)
        && session.now < from.plus(grace).plus(configuration.skew)
}

/// Ways to give tokens for an existing grant.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    /// A code, for the first time.
    Redeem,
    /// The newest refresh token, which gives way to the next.
    Rotate,
    /// The newest refresh token, which stays.
    Use,
    /// The one before the newest, whose response may have been lost.
    Repeat,
}

impl Change {
    fn go<'x>(
        self,
        session: &mut Session<'x>,
        redemption: Redemption<'x>,
        seen_grant: Grant,
        seen: Seen,
    ) -> Next<'x> {
        let configuration = session.configuration();
        if !standing::stands(configuration, &seen_grant) {
            return session.refuse(Refusal::GrantOutdated(redemption.parameter()));
        }
        let user = standing::user(configuration, &seen_grant);
        // The access token's scope may be narrower, the grant's never changes.
        let scope = match redemption.scope {
            Some(text) if redemption.kind == Kind::Refresh => {
                match session.scope_within(seen_grant.scope, text) {
                    Ok(scope) => scope,
                    Err(cause) => return session.refuse(cause),
                }
            }
            _ => seen_grant.scope,
        };
        let now = session.now;
        let mut grant = seen_grant;
        let write = self.apply(configuration, &mut grant, now);
        if write {
            match session.entropy.take() {
                Some(nonce) => grant.nonce = nonce,
                None => return session.refuse(Refusal::Contended),
            }
        }
        let issue = Issue {
            grant_type: redemption.grant_type(),
            client: redemption.client,
            subject: user.map_or(redemption.client.id, |user| user.subject),
            scope,
            grant: Some(&grant),
        };
        if let Err(cause) = issue.write(session) {
            return session.fail(cause);
        }
        Next::Commit(Swap {
            id: grant.id,
            seen,
            write: write.then(|| Record::new(&grant)),
            then: Then::Redeem {
                redemption,
                event: None,
                current: self == Change::Rotate,
            },
            unknown: false,
        })
    }

    /// Changes `grant`; false when nothing needs to be written.
    fn apply(self, configuration: &Configuration<'_>, grant: &mut Grant, now: UnixTime) -> bool {
        let lifetimes = &configuration.profile.lifetimes;
        match (self, grant.state) {
            (Change::Redeem, _) => {
                grant.state = State::Active { generation: 1 };
                grant.ends = grant.created.plus(lifetimes.refresh_absolute);
                grant.touch(now);
            }
            (Change::Rotate, State::Active { generation }) => {
                grant.state = State::Active {
                    generation: generation.saturating_add(1),
                };
                grant.touch(now);
            }
            (Change::Use, _) => {
                let unused = now.since(grant.touched_at());
                let kept = now.plus(lifetimes.access_token) <= grant.keep_until;
                if kept && unused < u64::from(lifetimes.refresh_idle.0 / 8) {
                    return false;
                }
                grant.touch(now);
            }
            (Change::Repeat | Change::Rotate, _) => return false,
        }
        grant.keep_until = standing::keep_until(configuration, grant, now);
        true
    }
}

fn revoke<'x>(
    session: &mut Session<'x>,
    redemption: Redemption<'x>,
    mut grant: Grant,
    seen: Seen,
    reason: Reason,
) -> Next<'x> {
    grant.state = State::Revoked(reason);
    match session.entropy.take() {
        Some(nonce) => grant.nonce = nonce,
        None => return session.refuse(Refusal::Contended),
    }
    session.write_refusal(match reason {
        Reason::CodeReplayed => Refusal::CodeReplayed,
        Reason::RefreshReused => Refusal::RefreshReused,
        Reason::Requested | Reason::Exhausted | Reason::GaveWay => {
            Refusal::GrantRevoked(redemption.parameter())
        }
    });
    Next::Commit(Swap {
        id: grant.id,
        seen,
        write: Some(Record::new(&grant)),
        then: Then::Redeem {
            event: Some(Event::Revoked {
                grant: grant.id,
                client: redemption.client.id,
                reason,
            }),
            redemption,
            current: false,
        },
        unknown: false,
    })
}

/// The store does not hold what it acknowledged: it is read again, and if it
/// still does not, the client is asked to come later.
fn from_the_future<'x>(
    session: &mut Session<'x>,
    redemption: Redemption<'x>,
    grant: &Grant,
) -> Next<'x> {
    if redemption.round == 0 {
        session.event(Event::FromTheFuture {
            grant: grant.id,
            client: redemption.client.id,
        });
    }
    redemption.next_round(session, Refusal::StoreStale)
}
