//! `cargo xtask powercut`: the store of grants with its power failing.

use anyhow::Result;
use clap::Args;

use crate::board::{self, MEASURED};
use crate::figures;
use crate::gateway::{FLASHED, GATEWAY};
use crate::test::FIRMWARE;
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
    let figures = figures::of("powercut", rounds, |command| {
        command.args(features);
        if let Some(firmware) = &firmware {
            command.env(FIRMWARE, firmware);
        }
    })?;
    figures::show(&figures, options.json)
}
