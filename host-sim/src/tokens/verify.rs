//! `smallgate token verify`.

use clap::Args;
use smallgate_core::codec::json::{self, Limits};
use smallgate_core::jose::{JwsError, Keys, Verifier};
use smallgate_core::jwt::{self, Claim, Validation, VerifyError};
use smallgate_core::profile::Profile;
use smallgate_core::time::{Seconds, UnixTime};

use crate::backend::ServerKey;
use crate::cli::profile_named;
use crate::keys;

#[derive(Args)]
pub(crate) struct Verify {
    /// The key: a public JWK, a set of them, or a secret one; or @FILE
    #[arg(long, value_name = "JWK|JWKS|@FILE")]
    key: String,
    /// Whose token: which claims are wanted, and how they are spelled
    #[arg(long, value_name = "NAME", default_value = "standard", value_parser = profile_named)]
    profile: &'static Profile,
    /// The only `iss` that is good
    #[arg(long)]
    issuer: Option<String>,
    /// Who verifies: `aud` must name it
    #[arg(long)]
    audience: Option<String>,
    /// When, such as 2026-01-01T00:00:00Z [default: now]
    #[arg(long, value_parser = super::instant)]
    now: Option<UnixTime>,
    /// By how much the clocks may differ, at most 60s
    #[arg(long, default_value = "0s", value_parser = super::seconds)]
    leeway: u64,
    /// The token; without it, it is read from standard input
    token: Option<String>,
}

impl Verify {
    pub(super) fn run(self) -> Result<(), String> {
        self.expects_enough()?;
        let (jwks, passed_over) = keys::argument(&self.key, keys::parse_any)?;
        for note in passed_over {
            eprintln!("note: passed over {note}");
        }
        if jwks.is_empty() {
            return Err("the set holds no key that can be used".to_owned());
        }
        let keys = jwks
            .iter()
            .map(keys::verifying_key)
            .collect::<Result<Vec<_>, _>>()?;
        let verifiers: Vec<&dyn Verifier> = keys.iter().map(ServerKey::verifier).collect();
        let token = super::token(self.token)?;
        let validation = Validation {
            issuer: self.issuer.as_deref(),
            audience: self.audience.as_deref(),
            leeway: Seconds(u32::try_from(self.leeway).unwrap_or(u32::MAX)),
            // A desktop has room for any token that can be parsed.
            token_octets: token.len(),
            limits: Limits {
                octets: json::MAX_OCTETS,
                depth: 16,
                members: 64,
                trailing_comma: false,
            },
            ..Validation::new(self.profile.access_token)
        };
        let now = super::now(self.now)?;
        let mut scratch = vec![0; token.len() * 2];
        let verified = jwt::verify(
            token.as_bytes(),
            &Keys::new(&verifiers),
            &validation,
            Some(now),
            &mut scratch,
        )
        .map_err(explained)?;
        println!("{}", super::harmless(verified.text()));
        Ok(())
    }
}

impl Verify {
    /// Names at once all options without which nothing is verified.
    fn expects_enough(&self) -> Result<(), String> {
        let wanted = self.profile.access_token.claims;
        let missing: Vec<&str> = [
            (
                Claim::Issuer,
                &self.issuer,
                "--issuer URL (who must have issued it)",
            ),
            (
                Claim::Audience,
                &self.audience,
                "--audience NAME (whom it must be for)",
            ),
        ]
        .into_iter()
        .filter(|(claim, said, _)| said.is_none() && wanted.contains(claim))
        .map(|(_, _, option)| option)
        .collect();
        match missing.is_empty() {
            true => Ok(()),
            false => Err(format!(
                "not verified: a token of profile `{}` is good for one issuer and audience alone: say {}",
                self.profile.name,
                missing.join(" and ")
            )),
        }
    }
}

fn explained(error: VerifyError) -> String {
    let remedy = match error {
        VerifyError::ExpectationMissing(Claim::Issuer) => ": say --issuer",
        VerifyError::ExpectationMissing(Claim::Audience) => ": say --audience",
        VerifyError::Jws(JwsError::TypeMissing | JwsError::TypeMismatch) => {
            ": is it another --profile's?"
        }
        _ => "",
    };
    format!("not verified: {error}{remedy}")
}
