//! The README's table of what works: a column for each profile, made from the profile's constant. A
//! cell with something in it names the tests that hold it, all of them over sockets.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use smallgate_core::jwt::{ScopeForm, TokenFormat};
use smallgate_core::profile::{ALL, GrantType, Profile, RedirectUriRule, Rotation};

use crate::process::root;

/// The lines around the table.
const BEGIN: &str = "<!-- From here on made by `cargo xtask requirements --readme`. -->\n";
const END: &str = "<!-- Until here. -->\n";

/// The program with those tests.
const TARGET: &str = "simulator";

struct Row {
    subject: &'static str,
    /// What a profile has; nothing where it has none of it.
    cell: fn(&Profile) -> String,
    /// The tests that hold the cells: a list for each of [`ALL`].
    tests: [&'static [&'static str]; ALL.len()],
}

const GOLDEN: [&[&str]; ALL.len()] = [
    &["recorded::golden_standard"],
    &["recorded_codes::golden_drillster"],
    &["recorded::golden_teen_quotes"],
    &["recorded_codes::golden_dressipi"],
    &["recorded::golden_breakout"],
];
const DRILLSTER: &[&str] = &["services::r32_drillster_code_and_refresh_as_documented"];
const DRESSIPI: &[&str] = &["services::r32_dressipi_code_and_refresh_as_documented"];
const QUOTES: &[&str] = &["client_credentials::teen_quotes_takes_the_documented_json_and_form"];
const PASSWORDS: &[&str] = &["password::password_grant_is_breakouts_alone"];
const BODIES: &[&str] = &["reading::r03_json_is_for_profiles_that_take_it"];
const NONE_OF_IT: &[&str] = &["inspect::r48_services_have_none_of_it"];

const ROWS: [Row; 9] = [
    Row {
        subject: "token endpoint",
        cell: |profile| format!("`{}`", profile.token_path),
        tests: GOLDEN,
    },
    Row {
        subject: "client authentication",
        cell: |profile| {
            let methods = profile.client_authentication;
            list(&[
                (methods.basic, "Basic"),
                (methods.post, "post"),
                (methods.none, "none + PKCE"),
            ])
        },
        tests: [&["authentication::methods_are_the_profiles_own"]; ALL.len()],
    },
    Row {
        subject: "`client_credentials`",
        cell: |profile| {
            let more = profile.client_credentials_refresh;
            tick(
                profile,
                GrantType::ClientCredentials,
                more.then_some("with a refresh token"),
            )
        },
        tests: [
            &["client_credentials::r32_standard_token_is_es256_with_the_rfc9068_claims"],
            &[],
            QUOTES,
            &[],
            &[],
        ],
    },
    Row {
        subject: "`password`",
        cell: |profile| tick(profile, GrantType::Password, None),
        tests: [PASSWORDS; ALL.len()],
    },
    Row {
        subject: "`authorization_code` with a login form",
        cell: |profile| {
            let fixed = matches!(profile.redirect_uri, RedirectUriRule::Fixed(_));
            tick(
                profile,
                GrantType::AuthorizationCode,
                fixed.then_some("out of band"),
            )
        },
        tests: [
            &["codes::r32_standard_code_gives_the_users_tokens"],
            DRILLSTER,
            &[],
            DRESSIPI,
            &[],
        ],
    },
    Row {
        subject: "`refresh_token`",
        cell: |profile| {
            let refreshes = profile.grant_types.contains(GrantType::RefreshToken);
            let becomes = match profile.rotation {
                Rotation::Rotate => "rotates",
                Rotation::Reuse => "stays good",
            };
            list(&[(refreshes, becomes)])
        },
        tests: [
            &["refresh::r25_replaced_token_revokes_the_family"],
            DRILLSTER,
            &["services::teen_quotes_and_breakout_refresh_too"],
            DRESSIPI,
            &["refresh::breakout_token_stays_good"],
        ],
    },
    Row {
        subject: "body",
        cell: |profile| list(&[(true, "form"), (profile.json_body.is_some(), "JSON")]),
        tests: [BODIES, BODIES, QUOTES, BODIES, BODIES],
    },
    Row {
        subject: "access token",
        cell: |profile| {
            format!(
                "{}, {}",
                profile.algorithm.name(),
                claims(&profile.access_token)
            )
        },
        tests: [
            &["client_credentials::r32_standard_token_is_es256_with_the_rfc9068_claims"],
            DRILLSTER,
            &["client_credentials::r32_teen_quotes_token_is_hs256_with_the_rfc9068_claims"],
            DRESSIPI,
            &["password::r32_breakout_token_is_es256_with_the_rfc9068_claims"],
        ],
    },
    Row {
        subject: "beside them",
        cell: |profile| {
            list(&[
                (profile.revocation, "revocation"),
                (profile.introspection, "introspection"),
                (profile.metadata, "metadata"),
                (profile.jwks, "JWKS"),
            ])
        },
        tests: [
            &[
                "inspect::r49_revocation_takes_the_whole_grant",
                "inspect::r50_introspection_tells_clients_alone",
                "inspect::r48_metadata_tells_what_there_is",
                "inspect::r48_jwks_holds_public_keys_alone",
            ],
            NONE_OF_IT,
            NONE_OF_IT,
            NONE_OF_IT,
            NONE_OF_IT,
        ],
    },
];

/// Those names that hold.
fn list(names: &[(bool, &str)]) -> String {
    let held = names.iter().filter(|(held, _)| *held);
    held.map(|(_, name)| *name).collect::<Vec<_>>().join(", ")
}

fn tick(profile: &Profile, grant: GrantType, more: Option<&str>) -> String {
    match (profile.grant_types.contains(grant), more) {
        (false, _) => String::new(),
        (true, None) => "✓".to_owned(),
        (true, Some(more)) => format!("✓ {more}"),
    }
}

fn claims(format: &TokenFormat) -> String {
    match format.scope {
        _ if *format == TokenFormat::ACCESS_TOKEN => "RFC 9068".to_owned(),
        ScopeForm::Array => "scopes as an array".to_owned(),
        _ => format!("{} claims", format.claims.len()),
    }
}

/// The table, with the lines around it.
fn table() -> String {
    let line = |cells: Vec<String>| {
        let cells = cells.iter().map(|cell| match cell.as_str() {
            "" => " |".to_owned(),
            cell => format!(" {cell} |"),
        });
        format!("|{}\n", cells.collect::<String>())
    };
    let names = ALL.iter().map(|profile| profile.name.to_owned());
    let head = line(std::iter::once(String::new()).chain(names).collect());
    let rule = line(vec!["---".to_owned(); ALL.len() + 1]);
    let rows = ROWS.iter().map(|row| {
        let cells = ALL.iter().map(|profile| (row.cell)(profile));
        line(
            std::iter::once(row.subject.to_owned())
                .chain(cells)
                .collect(),
        )
    });
    [BEGIN.to_owned(), head, rule]
        .into_iter()
        .chain(rows)
        .chain([END.to_owned()])
        .collect()
}

/// Cells that no test holds, and tests that are gone; `tests` are those that there are.
fn unheld(rows: &[Row], tests: &BTreeSet<String>) -> Vec<String> {
    let mut unheld = Vec::new();
    for row in rows {
        for (profile, held) in ALL.iter().zip(row.tests) {
            if held.is_empty() && !(row.cell)(profile).is_empty() {
                unheld.push(format!("{} of {}: no test", row.subject, profile.name));
            }
            let gone = held.iter().map(|test| format!("{TARGET}: {test}"));
            for test in gone.filter(|test| !tests.contains(test)) {
                unheld.push(format!("{} of {}: no {test}", row.subject, profile.name));
            }
        }
    }
    unheld
}

/// `readme` with today's table in the place of its own.
fn renewed(readme: &str) -> Result<String> {
    let (before, rest) = readme.split_once(BEGIN).context("README.md: no table")?;
    let (_, after) = rest
        .split_once(END)
        .context("README.md: no end of the table")?;
    Ok([before, &table(), after].concat())
}

fn path() -> PathBuf {
    root().join("README.md")
}

/// Fails if the README's table is not what the profiles and the tests there are say.
pub(crate) fn check(tests: &BTreeSet<String>) -> Result<()> {
    held(tests)?;
    let readme = fs::read_to_string(path()).context("README.md")?;
    if renewed(&readme)? != readme {
        bail!("README.md is out of step with the profiles: `cargo xtask requirements --readme`");
    }
    Ok(())
}

/// Writes the README's table anew.
pub(crate) fn write(tests: &BTreeSet<String>) -> Result<()> {
    held(tests)?;
    let readme = fs::read_to_string(path()).context("README.md")?;
    fs::write(path(), renewed(&readme)?).context("README.md")
}

fn held(tests: &BTreeSet<String>) -> Result<()> {
    let unheld = unheld(&ROWS, tests);
    if !unheld.is_empty() {
        bail!("the README's table: {}", unheld.join("; "));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All that the table names.
    fn named() -> BTreeSet<String> {
        let tests = ROWS.iter().flat_map(|row| row.tests).flatten();
        tests.map(|test| format!("{TARGET}: {test}")).collect()
    }

    #[test]
    fn the_readme_is_in_step() {
        check(&named()).unwrap();
    }

    #[test]
    fn a_test_that_is_gone_is_told_with_its_cells() {
        let mut tests = named();
        assert_eq!(unheld(&ROWS, &tests), [""; 0]);
        tests.remove("simulator: refresh::breakout_token_stays_good");
        let gone = "`refresh_token` of breakout: no simulator: refresh::breakout_token_stays_good";
        assert_eq!(unheld(&ROWS, &tests), [gone]);
        assert!(check(&tests).is_err());
    }

    #[test]
    fn a_cell_without_a_test_is_told_and_an_empty_one_needs_none() {
        let row = Row {
            subject: "x",
            cell: |profile| list(&[(profile.revocation, "revocation")]),
            tests: [&[]; ALL.len()],
        };
        assert_eq!(unheld(&[row], &named()), ["x of standard: no test"]);
    }

    #[test]
    fn a_readme_with_another_cell_is_renewed_and_one_without_a_table_refused() {
        let readme = format!("before\n{}after\n", table());
        let other = readme.replace("ES256, RFC 9068", "ES256, RFC 9086");
        assert_ne!(other, readme);
        assert_eq!(renewed(&other).unwrap(), readme);
        assert!(renewed("before\nafter\n").is_err());
    }
}
