//! `smallgate token issue`.

use std::collections::BTreeMap;

use clap::Args;
use serde_json::Value;
use smallgate_core::jwt::{self, Audience, Claims, IssueError, ScopeClaim};
use smallgate_core::profile::Profile;
use smallgate_core::scope::is_scope_token;
use smallgate_core::time::UnixTime;

use crate::cli::profile_named;
use crate::{credentials, keys};

/// The longest token that is made, in octets.
const ROOM: usize = 8192;

#[derive(Args)]
pub(crate) struct Issue {
    /// The key that signs: a private JWK, or @FILE
    #[arg(long, value_name = "JWK|@FILE")]
    key: String,
    /// Whose token: which claims there are, and how they are spelled
    #[arg(long, value_name = "NAME", default_value = "standard", value_parser = profile_named)]
    profile: &'static Profile,
    /// `sub`: whom it is about
    #[arg(long, visible_alias = "subject")]
    sub: String,
    /// `iss`: who issues it; needed unless the profile's tokens have none, as
    /// drillster's and dressipi's
    #[arg(long, visible_alias = "issuer")]
    iss: Option<String>,
    /// `aud`: who may rely on it [default: `iss`]
    #[arg(long, visible_alias = "audience")]
    aud: Option<String>,
    /// `client_id`: which client it is given to [default: `sub`]
    #[arg(long)]
    client_id: Option<String>,
    /// `scope`: names with spaces between them
    #[arg(long, value_parser = scope_names)]
    scope: Option<String>,
    /// `jti`: its name [default: random]
    #[arg(long)]
    jti: Option<String>,
    /// How long it is good, such as 1h [default: the profile's]
    #[arg(long, value_parser = super::seconds)]
    lifetime: Option<u64>,
    /// When it is issued, such as 2026-01-01T00:00:00Z [default: now]
    #[arg(long, value_parser = super::instant)]
    now: Option<UnixTime>,
    /// A claim of your own, its value in JSON; may come several times
    #[arg(long = "claim", value_name = "NAME=JSON", value_parser = own_claim)]
    own: Vec<(String, Value)>,
}

fn scope_names(text: &str) -> Result<String, String> {
    match text.split(' ').find(|name| !is_scope_token(name)) {
        None => Ok(text.to_owned()),
        Some(name) => Err(format!(
            "`{name}` is no scope token of RFC 6749 section 3.3"
        )),
    }
}

fn own_claim(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=JSON")?;
    let value = serde_json::from_str(value)
        .map_err(|error| format!("the value is no JSON ({error}); a text stands in quotes"))?;
    Ok((name.to_owned(), value))
}

impl Issue {
    pub(super) fn run(self) -> Result<(), String> {
        let key = keys::signing_key(&keys::argument(&self.key, keys::parse)?)?;
        let signer = keys::signer(&key)?;
        let issued_at = super::now(self.now)?;
        let lifetime = self
            .lifetime
            .unwrap_or(self.profile.lifetimes.access_token.0.into());
        let expires_at = issued_at
            .0
            .checked_add(lifetime)
            .map(UnixTime)
            .ok_or("the token would end beyond the year 9999")?;
        let jwt_id = match self.jti {
            Some(jti) => jti,
            None => credentials::base64url(&credentials::random::<16>()?),
        };
        let claims = Claims {
            issuer: self.iss.as_deref(),
            subject: Some(&self.sub),
            audience: self
                .aud
                .as_deref()
                .or(self.iss.as_deref())
                .map(Audience::One),
            client_id: Some(self.client_id.as_deref().unwrap_or(&self.sub)),
            scope: self.scope.as_deref().map(ScopeClaim::Text),
            issued_at: Some(issued_at),
            expires_at: Some(expires_at),
            not_before: None,
            jwt_id: Some(&jwt_id),
        };
        let mut out = vec![0; ROOM];
        let format = &self.profile.access_token;
        let token = if self.own.is_empty() {
            jwt::issue(signer, format, &claims, &mut out)
        } else {
            let own: BTreeMap<_, _> = self.own.into_iter().collect();
            jwt::issue_with(signer, format, &claims, &own, &mut out)
        };
        println!("{}", token.map_err(explained)?.as_str());
        Ok(())
    }
}

fn explained(error: IssueError) -> String {
    match error {
        IssueError::ClaimMissing(claim) => {
            format!("{error}: say --{}", claim.name().replace('_', "-"))
        }
        other => other.to_string(),
    }
}
