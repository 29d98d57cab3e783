//! The power of a chip, which fails when it is told.

/// What the unit that was being programmed, or the sector that was being
/// erased, is left as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tear {
    /// It reads as it did before. Flash is not what it was, and must not be
    /// programmed.
    Unseen,
    /// Some of it is done. Of an EEPROM's page each octet may be anything, those
    /// that nobody wrote to as well.
    Half,
    /// All of it is done, and nobody heard of it.
    Whole,
}

/// All of them.
pub const TEARS: [Tear; 3] = [Tear::Unseen, Tear::Half, Tear::Whole];

/// The power is gone.
#[derive(Clone, Copy, Debug)]
pub struct Dead;

/// The power of one chip.
#[derive(Clone)]
pub(super) struct Power {
    /// Operations until it fails, and how it does.
    fuse: Option<(u64, Tear)>,
    pub(super) is_dead: bool,
    noise: u64,
    /// Operations so far.
    pub(super) operations: u64,
}

impl Power {
    pub(super) fn on() -> Self {
        Power {
            fuse: None,
            is_dead: false,
            noise: 1,
            operations: 0,
        }
    }

    /// Lets it fail at the operation after `operations` others.
    pub(super) fn cut_after(&mut self, operations: u64, tear: Tear) {
        self.fuse = Some((operations, tear));
        self.noise = self.operations ^ operations.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    }

    /// It is back.
    pub(super) fn revive(&mut self) {
        self.is_dead = false;
        self.fuse = None;
    }

    pub(super) fn random(&mut self) -> u8 {
        // xorshift64
        self.noise ^= self.noise << 13;
        self.noise ^= self.noise >> 7;
        self.noise ^= self.noise << 17;
        self.noise.to_le_bytes()[3]
    }

    /// Whether the operation that begins now is the last one.
    pub(super) fn burn(&mut self) -> Option<Tear> {
        self.operations += 1;
        match &mut self.fuse {
            Some((0, tear)) => {
                self.is_dead = true;
                Some(*tear)
            }
            Some((left, _)) => {
                *left -= 1;
                None
            }
            None => None,
        }
    }
}
