//! What a program of the tests measured: a list of `{name, value, unit, limit}`.

use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::process::{cargo, line, stream};
use crate::test::TESTS;

/// Builds a program of the tests, runs it, and reads what it prints; `prepare` adds
/// features and surroundings.
pub(crate) fn of(
    program: &str,
    arguments: &[&str],
    prepare: impl Fn(&mut Command),
) -> Result<Value> {
    let command = |task: &str| {
        let mut command = cargo();
        command.args([task, "--quiet", "--package", TESTS, "--bin", program]);
        prepare(&mut command);
        command
    };
    let mut build = command("build");
    let built = stream(&mut build, |_| ())?;
    if !built.success() {
        bail!("`{}`: {built}", line(&build));
    }
    let mut run = command("run");
    run.arg("--").args(arguments);
    let output = run.output().context("cargo does not start")?;
    eprint!("{}", String::from_utf8_lossy(&output.stderr));
    if !output.status.success() {
        bail!("`{}`: {}", line(&run), output.status);
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Prints them, and fails where one is past its limit.
pub(crate) fn show(figures: &Value, json: bool) -> Result<()> {
    if json {
        println!("{figures:#}");
    } else {
        print!("{}", table(figures));
    }
    let broken = past_limit(figures);
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
            let limit = one["limit"].as_f64();
            limit.is_some_and(|limit| one["value"].as_f64().is_none_or(|value| value > limit))
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
