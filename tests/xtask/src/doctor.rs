//! `cargo xtask doctor`: what is installed, and the one line that installs the rest.

use anyhow::{Result, bail};

use crate::tools::{Need, TOOLS, Tool, remedy};

pub(crate) fn run() -> Result<()> {
    let wide = TOOLS.iter().map(|tool| tool.name.len()).max().unwrap_or(0);
    let mut missing: Vec<&Tool> = Vec::new();
    for tool in TOOLS {
        match tool.found() {
            Some(version) => println!("ok       {:wide$}  {version}", tool.name),
            None => {
                println!(
                    "missing  {:wide$}  {} (for: {})",
                    tool.name,
                    tool.why,
                    list(tool.needs)
                );
                missing.push(tool);
            }
        }
    }
    if missing.is_empty() {
        println!("everything is there");
        return Ok(());
    }
    println!("{}", remedy(&missing));
    bail!("{} of {} tools missing", missing.len(), TOOLS.len())
}

fn list(needs: &[Need]) -> String {
    needs
        .iter()
        .map(|need| match need {
            Need::Host => "host",
            Need::Board => "board",
            Need::DebianToolchain => "board without rustup's target",
            Need::Proof => "proof",
            Need::Lint => "lint",
        })
        .collect::<Vec<_>>()
        .join(", ")
}
