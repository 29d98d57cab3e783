//! What is asked of the authorization endpoint (RFC 6749 §4.1.1), checked twice:
//! before the form is shown, and when it comes back.

use super::error::{Parameter, Refusal};
use super::next::{Asked, AuthorizationRequest};
use super::redirect::{self, AuthorizationResponse};
use super::request::{optional, required};
use super::session::Session;
use crate::codec::base64url;
use crate::codec::form::Parameters;
use crate::profile::{GrantType, RedirectUriRule};

impl<'x> AuthorizationRequest<'x> {
    /// R44: "Never a redirect when client or redirect URI is bad."
    pub(super) fn identify(
        session: &mut Session<'x>,
        parameters: &Parameters<'x>,
    ) -> Result<Self, Refusal> {
        let configuration = session.configuration();
        let id = required(parameters, Parameter::ClientId)?;
        let client = configuration
            .clients
            .iter()
            .find(|client| client.id == id)
            .ok_or(Refusal::UnknownClient)?;
        session.client = Some(client);
        let requested = optional(parameters, Parameter::RedirectUri)?;
        let redirect_uri = match (requested, client.redirect_uris) {
            (Some(uri), registered)
                if registered.iter().any(|known| redirect::matches(known, uri)) =>
            {
                uri
            }
            // RFC 6749 §3.1.2.3: "If multiple redirection URIs have been
            // registered, […] the client MUST include a redirection URI".
            (None, [only]) => only,
            (None, _) => return Err(Refusal::Missing(Parameter::RedirectUri)),
            (Some(_), _) => return Err(Refusal::Invalid(Parameter::RedirectUri)),
        };
        Ok(AuthorizationRequest {
            client,
            redirect_uri,
            named_uri: requested.is_some()
                || matches!(
                    configuration.profile.redirect_uri,
                    RedirectUriRule::Fixed(_)
                ),
            state: optional(parameters, Parameter::State)?,
            response_type: optional(parameters, Parameter::ResponseType)?,
            scope: optional(parameters, Parameter::Scope)?,
            challenge: optional(parameters, Parameter::CodeChallenge)?,
            method: optional(parameters, Parameter::CodeChallengeMethod)?,
        })
    }

    pub(super) fn answer(&self, issuer: &'x str) -> AuthorizationResponse<'x> {
        AuthorizationResponse {
            redirect_uri: self.redirect_uri,
            state: self.state,
            issuer,
        }
    }

    /// The request as the form carries it, and as its MAC protects it.
    // Not inlined: it is long, and needed for the form that goes out and for the one that comes back.
    #[inline(never)]
    pub(super) fn fields(&self) -> [(&'x str, Option<&'x str>); 7] {
        [
            ("response_type", self.response_type),
            ("client_id", Some(self.client.id)),
            ("redirect_uri", self.named_uri.then_some(self.redirect_uri)),
            ("scope", self.scope),
            ("state", self.state),
            ("code_challenge", self.challenge),
            ("code_challenge_method", self.method),
        ]
    }
}

impl<'x> Asked<'x> {
    /// Reads what may be answered by redirect.
    pub(super) fn understand(
        session: &mut Session<'x>,
        request: &AuthorizationRequest<'x>,
    ) -> Result<Self, Refusal> {
        let client = request.client;
        match request.response_type {
            None => return Err(Refusal::Missing(Parameter::ResponseType)),
            Some("code") => {}
            Some(_) => return Err(Refusal::UnsupportedResponseType),
        }
        if !client.grant_types.contains(GrantType::AuthorizationCode) {
            return Err(Refusal::GrantTypeNotAllowed);
        }
        let challenge = match (request.challenge, request.method) {
            (None, None) => None,
            (None, Some(_)) => return Err(Refusal::Missing(Parameter::CodeChallenge)),
            // RFC 7636 §4.3: the method "defaults to "plain" if not present", which
            // is not to be had here.
            (Some(text), Some("S256")) => {
                let mut octets = [0; 32];
                let decoded =
                    base64url::decode(text.as_bytes(), &mut octets).map(|octets| octets.len());
                if decoded != Ok(32) {
                    return Err(Refusal::Invalid(Parameter::CodeChallenge));
                }
                Some(octets)
            }
            (Some(_), _) => return Err(Refusal::Invalid(Parameter::CodeChallengeMethod)),
        };
        // RFC 9700 §2.1.1: "public clients MUST use PKCE".
        if challenge.is_none() && client.secret.is_none() {
            return Err(Refusal::Missing(Parameter::CodeChallenge));
        }
        let scope = session.requested_scope(client, request.scope)?;
        Ok(Asked {
            request: *request,
            scope,
            challenge,
        })
    }
}
