//! `cargo xtask fleet`: several gateways on one store, with servers that die.

use anyhow::Result;
use clap::Args;

use crate::figures;
use crate::tools::{Need, ensure};

#[derive(Args)]
pub(crate) struct Options {
    /// Print a list of `{name, value, unit, limit}`
    #[arg(long)]
    json: bool,
    /// Let everything go wrong 5 times, not once, and redeem 1,000 codes, not 100, by
    /// 40 requests each: a quarter of an hour
    #[arg(long)]
    long: bool,
}

/// How often everything goes wrong, and how many codes are redeemed by many.
const SHORT: &[&str] = &["1", "100"];
const LONG: &[&str] = &["5", "1000"];

pub(crate) fn run(options: &Options) -> Result<()> {
    ensure(&[Need::Host, Need::Fleet])?;
    let rounds = if options.long { LONG } else { SHORT };
    let figures = figures::of("fleet", rounds, |_| ())?;
    figures::show(&figures, options.json)
}
