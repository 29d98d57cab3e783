//! The built-in demonstrations: a configuration file each, and lines for a
//! shell to try them with.

use std::path::PathBuf;

use smallgate_core::profile::{self, Profile};

use crate::config::{ConfigError, Document};

/// A profile's demonstration.
struct Demo {
    profile: &'static Profile,
    /// The file, as it could be given with `--config`.
    text: &'static str,
    /// Comments and `curl` lines; `%URL` is where the server is, `%TOKEN` its
    /// token endpoint, and `%ACCESS` takes the access token out of a response.
    lines: &'static str,
}

const DEMOS: [Demo; 5] = [
    Demo {
        profile: &profile::STANDARD,
        text: include_str!("../demo/standard.toml"),
        lines: include_str!("../demo/standard.curl"),
    },
    Demo {
        profile: &profile::DRILLSTER,
        text: include_str!("../demo/drillster.toml"),
        lines: include_str!("../demo/drillster.curl"),
    },
    Demo {
        profile: &profile::TEEN_QUOTES,
        text: include_str!("../demo/teen-quotes.toml"),
        lines: include_str!("../demo/teen-quotes.curl"),
    },
    Demo {
        profile: &profile::DRESSIPI,
        text: include_str!("../demo/dressipi.toml"),
        lines: include_str!("../demo/dressipi.curl"),
    },
    Demo {
        profile: &profile::BREAKOUT,
        text: include_str!("../demo/breakout.toml"),
        lines: include_str!("../demo/breakout.curl"),
    },
];

/// Takes the access token out of a response without a JSON reader.
const ACCESS: &str = r#"sed 's/.*"access_token":"\([^"]*\)".*/\1/'"#;

fn of(profile: &Profile) -> &'static Demo {
    DEMOS
        .iter()
        .find(|demo| demo.profile.name == profile.name)
        .unwrap_or(&DEMOS[0])
}

/// The configuration of a profile's demonstration; of `standard` if none is
/// asked for.
pub(crate) fn document(asked: Option<&Profile>) -> Result<Document, ConfigError> {
    let demo = of(asked.unwrap_or(&profile::STANDARD));
    Document::parse(
        format!("demo/{}.toml (built in)", demo.profile.name),
        demo.text.to_owned(),
        PathBuf::new(),
    )
}

/// What to paste into a shell.
pub(crate) fn curl_lines(profile: &Profile, url: &str) -> String {
    of(profile)
        .lines
        .replace("%TOKEN", &format!("{url}{}", profile.token_path))
        .replace("%ACCESS", ACCESS)
        .replace("%URL", url)
}

#[cfg(test)]
mod tests {
    use smallgate_core::oauth::CodeVerifier;

    use super::*;
    use crate::credentials;
    use crate::keys::Made;
    use crate::region::Region;

    #[test]
    fn every_profile_has_a_demonstration_that_its_own_file_makes() {
        for profile in profile::ALL {
            let (region, made) = (Region::default(), Made::default());
            let built = document(Some(profile))
                .unwrap()
                .build(&region, &made, Some(profile), "http://127.0.0.1:8080")
                .unwrap_or_else(|error| panic!("{error}"));
            let configuration = built.server.configuration();
            assert_eq!(configuration.profile.name, profile.name);
            assert_eq!(configuration.issuer, "http://127.0.0.1:8080");
            assert_eq!(configuration.signer.algorithm(), profile.algorithm);
            assert_eq!(configuration.users.len(), 1);
            assert!(built.notes.demo && built.notes.signing_key_made);
        }
    }

    #[test]
    fn the_lines_are_comments_and_whole_commands() {
        for profile in profile::ALL {
            let lines = curl_lines(profile, "http://127.0.0.1:8080");
            assert!(lines.contains("curl "), "{}", profile.name);
            for line in lines.lines() {
                assert!(
                    line.starts_with("# ") || line.starts_with("curl "),
                    "{line}"
                );
                for left in ["%URL", "%TOKEN", "%ACCESS"] {
                    assert!(!line.contains(left), "{line}");
                }
            }
        }
    }

    #[test]
    fn the_challenge_in_a_browsers_line_is_the_verifiers() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let challenge = CodeVerifier::new(verifier).unwrap().challenge();
        let challenge = format!("code_challenge={}&", credentials::base64url(&challenge));
        for profile in [&profile::STANDARD, &profile::DRESSIPI] {
            let lines = curl_lines(profile, "http://127.0.0.1:8080");
            assert!(
                lines.contains(verifier) && lines.contains(&challenge),
                "{lines}"
            );
        }
    }
}
