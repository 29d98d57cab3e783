//! `cargo xtask bench`: Smallgate beside its peers, within its limits.

use anyhow::Result;
use clap::Args;

use crate::process::{cargo, succeed};
use crate::test::TESTS;
use crate::tools::{Need, ensure};

#[derive(Args)]
pub(crate) struct Options {
    /// Print a list of `{name, value, unit, limit}`
    #[arg(long)]
    json: bool,
    /// Make the cases of Smallgate with this text in their names eight times as slow, to see it fail
    #[arg(long, value_name = "TEXT", hide = true)]
    slow: Option<String>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    ensure(&[Need::Host])?;
    succeed(cargo().args(arguments(options)))
}

/// Of cargo. The benchmark itself fails where a limit is not held.
fn arguments(options: &Options) -> Vec<&str> {
    let mut arguments = vec!["bench", "--quiet", "--package", TESTS, "--"];
    if options.json {
        arguments.push("--json");
    }
    if let Some(text) = &options.slow {
        arguments.extend(["--slow", text]);
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_passed_on() {
        let plain = Options {
            json: false,
            slow: None,
        };
        let words = arguments(&plain).join(" ");
        assert_eq!(words, "bench --quiet --package smallgate-tests --");
        let twin = Options {
            json: true,
            slow: Some("HS256".to_owned()),
        };
        assert!(arguments(&twin).ends_with(&["--json", "--slow", "HS256"]));
    }
}
