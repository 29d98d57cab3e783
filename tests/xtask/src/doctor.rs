//! `cargo xtask doctor`: what is installed, and the one line that installs the rest.

use anyhow::{Result, bail};

use crate::board::BOARDS;
use crate::toolchain;
use crate::tools::{Need, TOOLS, Tool, remedy};

pub(crate) fn run() -> Result<()> {
    let wide = TOOLS.iter().map(|tool| tool.name.len()).max().unwrap_or(0);
    let mut missing: Vec<&Tool> = Vec::new();
    // Debian's Rust stands in for rustup's target, and is not needed beside it.
    let spared = BOARDS
        .iter()
        .all(|board| toolchain::has_target(board.target).unwrap_or(false));
    for tool in TOOLS {
        match tool.found() {
            Some(version) => println!("ok       {:wide$}  {version}", tool.name),
            None if spared && tool.needs == [Need::DebianToolchain] => {
                println!(
                    "spared   {:wide$}  rustup has the boards' targets",
                    tool.name
                );
            }
            None if tool.needs == [Need::Load] => {
                println!(
                    "spared   {:wide$}  `load` does without, and says so: {}",
                    tool.name,
                    remedy(&[tool])
                );
            }
            None if matches!(tool.needs, [Need::Mutants | Need::Coverage]) => {
                println!(
                    "spared   {:wide$}  only `cargo xtask {}` has a use for it: {}",
                    tool.name,
                    list(tool.needs),
                    remedy(&[tool])
                );
            }
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
    for board in BOARDS {
        let target = board.target;
        match toolchain::has_target(target) {
            Ok(true) => println!("ok       {target}, rustup's, for {}", board.name),
            Ok(false) => println!(
                "spared   {target}, rustup's, for {}: `rustup target add {target}`, which the first build tries; else Debian's Rust",
                board.name
            ),
            Err(_) => println!(
                "spared   {target}, for {}: no rustup, so Debian's Rust",
                board.name
            ),
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
            Need::State => "state",
            Need::Fleet => "fleet",
            Need::Board => "board",
            Need::Image => "image",
            Need::DebianToolchain => "board without rustup's target",
            Need::Proof => "proof",
            Need::Lint => "lint",
            Need::Load => "load",
            Need::Mutants => "mutants",
            Need::Coverage => "coverage",
            Need::Capi => "capi",
        })
        .collect::<Vec<_>>()
        .join(", ")
}
