//! `cargo xtask powercut`: the store of grants with its power failing.

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::Value;

use crate::board::{self, MEASURED};
use crate::gateway::{FLASHED, GATEWAY};
use crate::process::{cargo, line, stream};
use crate::test::{FIRMWARE, TESTS};
use crate::toolchain::{Road, Toolchain};
use crate::tools::{Need, ensure};

#[derive(Args)]
pub(crate) struct Options {
    /// Print a list of `{name, value, unit, limit}`
    #[arg(long)]
    json: bool,
    /// Kill the simulator 200 times under load, and not 10, and the board 30 times
    #[arg(long)]
    long: bool,
    /// Which Rust compiles the board's image; without it, rustup's where it has the target
    #[arg(long, value_enum)]
    toolchain: Option<Road>,
}

/// How often the simulator is killed, and the board.
const SHORT: &[&str] = &["10"];
const LONG: &[&str] = &["200", "30"];

pub(crate) fn run(options: &Options) -> Result<()> {
    let (features, rounds, firmware) = match options.long {
        true => {
            ensure(&[Need::Host, Need::Board])?;
            let toolchain = Toolchain::choose(options.toolchain, MEASURED.target)?;
            let images = board::build(&toolchain, FLASHED, &[GATEWAY])?;
            (
                &["--features", "board"][..],
                LONG,
                Some(images.join(GATEWAY)),
            )
        }
        false => (&[][..], SHORT, None),
    };
    let program = |task: &str| {
        let mut command = cargo();
        command.args([task, "--quiet", "--package", TESTS, "--bin", "powercut"]);
        command.args(features);
        command
    };
    let mut command = program("build");
    let built = stream(&mut command, |_| ())?;
    if !built.success() {
        bail!("`{}`: {built}", line(&command));
    }
    let mut command = program("run");
    command.arg("--").args(rounds);
    if let Some(firmware) = firmware {
        command.env(FIRMWARE, firmware);
    }
    let output = command.output().context("cargo does not start")?;
    eprint!("{}", String::from_utf8_lossy(&output.stderr));
    if !output.status.success() {
        bail!("`{}`: {}", line(&command), output.status);
    }
    let figures: Value = serde_json::from_slice(&output.stdout)?;
    if options.json {
        println!("{figures:#}");
    } else {
        print!("{}", table(&figures));
    }
    let broken = past_limit(&figures);
    if !broken.is_empty() {
        bail!("beyond its limit: {}", broken.join(", "));
    }
    Ok(())
}

fn list(figures: &Value) -> &[Value] {
    figures.as_array().map_or(&[], Vec::as_slice)
}

fn table(figures: &Value) -> String {
    let row = |one: &Value| {
        let text = |name: &str| one[name].as_str().unwrap_or_default().to_owned();
        let limit = one["limit"].as_u64();
        let limit = limit.map_or_else(String::new, |limit| format!("  at most {limit}"));
        format!(
            "{:<44}{:>8} {}{limit}\n",
            text("name"),
            one["value"],
            text("unit")
        )
    };
    list(figures).iter().map(row).collect()
}

/// The names of what is more than it may be.
fn past_limit(figures: &Value) -> Vec<&str> {
    list(figures)
        .iter()
        .filter(|one| {
            let limit = one["limit"].as_u64();
            limit.is_some_and(|limit| one["value"].as_u64().is_none_or(|value| value > limit))
        })
        .filter_map(|one| one["name"].as_str())
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_past_its_limit_is_named() {
        let figures = json!([
            {"name": "cuts", "value": 7, "unit": "", "limit": null},
            {"name": "lost", "value": 1, "unit": "", "limit": 0},
            {"name": "doubled", "value": 0, "unit": "", "limit": 0},
        ]);
        assert_eq!(past_limit(&figures), ["lost"]);
        assert!(table(&figures).contains("lost"));
    }
}
