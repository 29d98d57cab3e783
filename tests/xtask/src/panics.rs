//! `cargo xtask panics`: what can still panic in images for the board, and who calls it.

use anyhow::Result;
use clap::Args;

use crate::board::{self, BUILDS, Backend, Build, MEASURED};
use crate::gateway::GATEWAY;
use crate::image::{self, Panic};
use crate::measure::{Measurement, judge, table, to_json};
use crate::toolchain::{Road, Toolchain};
use crate::tools::{Need, ensure};

#[derive(Args)]
pub(crate) struct Options {
    /// Print a list of `{name, value, unit, limit}`
    #[arg(long)]
    json: bool,
    /// Which Rust compiles; without it, rustup's where it has the board's target
    #[arg(long, value_enum)]
    toolchain: Option<Road>,
}

/// Programs, what they are called, and how many symbols that panic they may have. The whole gateway
/// has those of its dependencies.
const PROGRAMS: [(&str, &str, Option<u64>); 4] = [
    ("verify", "verify", Some(0)),
    ("issue", "issue", Some(0)),
    ("request", "token request", Some(0)),
    (GATEWAY, "gateway", None),
];

pub(crate) fn run(options: &Options) -> Result<()> {
    ensure(&[Need::Host, Need::Board])?;
    let toolchain = Toolchain::choose(options.toolchain, MEASURED.target)?;
    let mut measured = Vec::new();
    let mut callers = Vec::new();
    for &build in BUILDS.iter().filter(|build| build.backend == Backend::Asm) {
        let images = board::build(&toolchain, build, &PROGRAMS.map(|(program, ..)| program))?;
        for (program, name, limit) in PROGRAMS {
            let panics = image::panics(&images.join(program))?;
            measured.push(counted(name, build, image::count(&panics), limit));
            let told = panics.iter().map(|Panic { symbol, caller }| {
                format!("{name} ({}): {symbol} <- {caller}", build.name())
            });
            callers.extend(told);
        }
    }
    if options.json {
        println!("{:#}", to_json(&measured));
    } else {
        print!("{}", table(&measured));
        println!("\npanic symbol <- caller");
        callers.iter().for_each(|line| println!("{line}"));
    }
    judge(&measured, |one| format!("{} can panic", one.full_name()))
}

fn counted(name: &str, build: Build, value: u64, limit: Option<u64>) -> Measurement {
    Measurement {
        name: name.to_owned(),
        build: build.name(),
        value,
        unit: "symbols",
        limit,
    }
}
