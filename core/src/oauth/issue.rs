//! Tokens for a grant: the access token, the refresh token, and the response
//! around them.

use super::config::Client;
use super::error::Refusal;
use super::event::{Event, JwtId};
use super::grant::{Grant, State};
use super::handle::{CodeBinding, HANDLE_LENGTH, Kind};
use super::response::{self, Tokens};
use super::session::Session;
use crate::profile::GrantType;
use crate::scope::ScopeSet;

/// What the tokens of one response are made of.
pub(super) struct Issue<'x, 'g> {
    pub(super) grant_type: GrantType,
    pub(super) client: &'x Client<'x>,
    pub(super) subject: &'x str,
    pub(super) scope: ScopeSet,
    /// The stored grant, as it is to be committed; it is active.
    pub(super) grant: Option<&'g Grant>,
}

impl<'x> Issue<'x, '_> {
    /// Writes the tokens into the response. They leave only if the commit of
    /// `grant` succeeds.
    pub(super) fn write(&self, session: &mut Session<'x>) -> Result<(), Refusal> {
        let jwt_id = self.jwt_id(session).ok_or(Refusal::Signing)?;
        let mut text = [0; HANDLE_LENGTH];
        let refresh_token = self.grant.and_then(|grant| match grant.state {
            State::Active { generation } if grant.refreshable => Some(session.server.handles.mint(
                Kind::Refresh,
                &grant.id,
                generation,
                grant.client,
                &CodeBinding::default(),
                &mut text,
            )),
            _ => None,
        });
        response::tokens(
            session.configuration(),
            &Tokens {
                subject: self.subject,
                client: self.client.id,
                scope: self.scope,
                jwt_id,
                issued_at: session.now,
                refresh_token,
            },
            &mut session.response,
        )?;
        session.event(Event::Issued {
            grant_type: self.grant_type,
            client: self.client.id,
            subject: self.subject,
            jwt_id,
        });
        Ok(())
    }

    /// "grant id ‖ 4 random octets", so that a resource can ask the grant.
    fn jwt_id(&self, session: &mut Session<'x>) -> Option<JwtId> {
        Some(match self.grant {
            Some(grant) => JwtId::of_grant(&grant.id, session.entropy.take()?),
            None => JwtId::without_grant(session.entropy.take()?),
        })
    }
}
