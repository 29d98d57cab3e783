//! Survivors that no test can see, each with the reason.

mod codec;
mod others;

use super::Argued;

const APART: &str = "the bits on the two sides are never the same, so either and both alike";
const ALIKE: &str = "makes a difference at the border alone, where both ways give the same value";
const ONE_SET: &str = "of one set of slots the first is meant, whether clients have it or share it";
const WIPED: &str = "what is in memory that was let go can not be read without `unsafe`";
const SLOWER: &str = "is told by how long it takes alone: the other way comes to the same";
const SCANNED: &str = "what the scanner let pass for a number has no such octet";
const LOGGED: &str = "is compiled for boards alone, where it is what a log calls an address";
const STAMPS: &str = "no two grants have the same stamp, so no two are of the same age";
const AT_ONCE: &str =
    "is seen by another thread alone, in the middle of a write, where no test can stop it";
const NO_VECTORS: &str = "runs where there are no vectors, and is tested on the emulated board";
const NO_VECTORS_OR_APART: &str = "of nine, six run where there are no vectors, and are tested on the emulated board; of three \
     the bits on the two sides are never the same";
const NARROW: &str = "is compiled where words have 32 bits, and tested on the emulated board";

/// All of them.
pub(super) fn argued() -> Vec<Argued> {
    [codec::ARGUED, others::ARGUED].concat()
}
