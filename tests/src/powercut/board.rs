//! The board, killed under load.

use std::net::SocketAddr;
use std::ops::Range;
use std::path::PathBuf;

use super::kill::{Kills, Victim, slay};
use super::load::Load;
use crate::board::Board;
use crate::host::{Host, Setup};

impl Victim for Board {
    /// It is QEMU, and hashes passwords meanwhile.
    const LIFE: Range<u64> = 400..1000;

    fn start(load: &Load) -> Self {
        let [_, configuration, ..] = load.arguments();
        let toml = std::fs::read_to_string(configuration).expect("a configuration");
        <Board as Host>::start(&Setup {
            toml,
            clock_set: true,
        })
    }

    fn address(&self) -> SocketAddr {
        Host::address(self)
    }

    fn kill(&mut self) {
        Board::kill(self);
    }

    fn restart(&mut self, _: &Load) {
        Host::restart(self);
    }

    fn store(&self, _: &Load) -> PathBuf {
        self.chip().into()
    }
}

/// Kills the board `rounds` times while clients redeem codes, refresh and
/// revoke, and has every handle presented in the end.
///
/// # Panics
///
/// The board does not start, or does not answer when it has.
#[must_use]
pub fn kill(rounds: u64) -> Kills {
    slay::<Board>(rounds)
}
