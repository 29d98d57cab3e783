//! Whether a grant still stands, until when, and whose it is.

use super::config::{Configuration, User};
use super::event::JwtId;
use super::grant::{Grant, GrantId, Tag};
use crate::jwt::Claims;
use crate::time::UnixTime;

/// Whether the grant has not been used in time, or has reached its end. One
/// without refresh tokens has when its last access token has.
pub(super) fn ended(configuration: &Configuration<'_>, grant: &Grant, now: UnixTime) -> bool {
    let end = if grant.refreshable {
        refresh_end(configuration, grant)
    } else {
        grant.keep_until
    };
    now >= end
}

fn refresh_end(configuration: &Configuration<'_>, grant: &Grant) -> UnixTime {
    let idle = configuration.profile.lifetimes.refresh_idle;
    grant.touched_at().plus(idle).min(grant.ends)
}

/// Until when the record must be kept if an access token is issued at `now`.
pub(super) fn keep_until(
    configuration: &Configuration<'_>,
    grant: &Grant,
    now: UnixTime,
) -> UnixTime {
    let lifetimes = &configuration.profile.lifetimes;
    let last_token = now.plus(lifetimes.access_token);
    if !grant.refreshable {
        return last_token;
    }
    // A predecessor in grace gets access tokens a little later than this one.
    refresh_end(configuration, grant).max(last_token.plus(lifetimes.grace))
}

/// Whether everything that the grant rests on is still as it was: its client,
/// its user, the names of its scopes, and no date that voids it.
pub(super) fn stands(configuration: &Configuration<'_>, grant: &Grant) -> bool {
    let voided = |not_before: UnixTime| grant.created < not_before;
    let client = configuration
        .clients
        .iter()
        .find(|client| Tag::client(client.id) == grant.client);
    let client_stands = client.is_some_and(|client| {
        client.scopes.contains(grant.scope) && !voided(client.grants_not_before)
    });
    let user_stands = grant.user.is_none()
        || user(configuration, grant).is_some_and(|user| !voided(user.grants_not_before));
    client_stands
        && user_stands
        && grant.scope_names == configuration.scopes.fingerprint(grant.scope)
        && !voided(configuration.grants_not_before)
}

/// The user who gave the grant.
pub(super) fn user<'c>(
    configuration: &'c Configuration<'_>,
    grant: &Grant,
) -> Option<&'c User<'c>> {
    let tag = grant.user?;
    configuration
        .users
        .iter()
        .find(|user| Tag::user(user.subject) == tag)
}

/// The grant that an access token belongs to, if one was stored.
pub(super) fn grant_of(claims: &Claims<'_>) -> Option<GrantId> {
    JwtId::of_token(claims)?.grant()
}

/// The user whose token has these claims; none for a client's own.
pub(super) fn subject<'c>(users: &'c [User<'c>], claims: &Claims<'_>) -> Option<&'c User<'c>> {
    let subject = claims.subject?;
    users.iter().find(|user| user.subject == subject)
}

/// Whether an access token's client is still registered, its user too if it is
/// one's, and no date voids it: what holds of a token whether or not a grant
/// was stored. `None` as a claim's value is a claim that the profile leaves out.
pub(super) fn token_stands(configuration: &Configuration<'_>, claims: &Claims<'_>) -> bool {
    let voided = |not_before: UnixTime| {
        // Where a profile leaves `iat` out, `exp` tells.
        let lifetime = u64::from(configuration.profile.lifetimes.access_token.0);
        let begun = |end: UnixTime| UnixTime(end.0.saturating_sub(lifetime));
        let issued = claims.issued_at.or(claims.expires_at.map(begun));
        issued.is_some_and(|issued| issued < not_before)
    };
    let client_stands = claims.client_id.is_none_or(|id| {
        let client = configuration.clients.iter().find(|client| client.id == id);
        client.is_some_and(|client| !voided(client.grants_not_before))
    });
    let own = claims.client_id.is_some() && claims.subject == claims.client_id;
    let user_stands = own
        || subject(configuration.users, claims).is_some_and(|user| !voided(user.grants_not_before));
    client_stands && user_stands && !voided(configuration.grants_not_before)
}
