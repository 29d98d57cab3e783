//! UF2: what is dropped on the drive that an RP2350 shows when it starts with BOOTSEL held.
//!
//! A file is blocks of 512 octets, each with 256 octets for an address of the flash, how many blocks
//! there are, and for which family of chips they are. The boot ROM starts the chip when it has all.
//!
//! ```
//! let image = [0x5A; 300];
//! let mut file = Vec::new();
//! for block in smallgate_uf2::blocks(smallgate_uf2::Family::Absolute, 0x1010_0000, &image) {
//!     file.extend_from_slice(&block);
//! }
//! assert_eq!(file.len(), 2 * smallgate_uf2::BLOCK);
//! ```
#![no_std]
#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

/// Octets of a block.
pub const BLOCK: usize = 512;

/// Octets of the image in a block.
pub const PAYLOAD: usize = 256;
/// The same, as a block has it.
const LENGTH: u32 = 256;

/// What the boot ROM erases at once, when the first block for a place in it comes. An image begins
/// at a multiple of it, so that nothing before is erased.
pub const SECTOR: u32 = 4096;

/// What a block is for: family ids that the RP2350's boot ROM knows (RP2350 datasheet, 5.5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// A program for the Arm cores, started in the secure state.
    Rp2350ArmSecure,
    /// Octets for just that address of the flash, no program.
    Absolute,
}

impl Family {
    /// Its number in a block.
    #[must_use]
    pub const fn id(self) -> u32 {
        match self {
            Family::Rp2350ArmSecure => 0xE48B_FF59,
            Family::Absolute => 0xE48B_FF57,
        }
    }
}

/// What an erased flash reads as.
const ERASED: u8 = 0xFF;

const MAGIC: [u32; 2] = [0x0A32_4655, 0x9E5D_5157];
const MAGIC_AT_THE_END: u32 = 0x0AB1_6F30;
/// The last word of the head is a family id.
const HAS_FAMILY: u32 = 0x2000;

/// The blocks that put `image` at `address`, which should be a multiple of [`SECTOR`]. What the last
/// one has left is as if erased. Past the end of 32 bits there are none.
pub fn blocks(
    family: Family,
    address: u32,
    image: &[u8],
) -> impl Iterator<Item = [u8; BLOCK]> + '_ {
    let count = u32::try_from(image.len().div_ceil(PAYLOAD)).unwrap_or(u32::MAX);
    let addresses = (0..).map_while(move |number: u32| {
        let offset = number.checked_mul(LENGTH)?;
        Some((number, address.checked_add(offset)?))
    });
    image
        .chunks(PAYLOAD)
        .zip(addresses)
        .map(move |(octets, (number, address))| {
            let head = [
                MAGIC[0],
                MAGIC[1],
                HAS_FAMILY,
                address,
                LENGTH,
                number,
                count,
                family.id(),
            ];
            block(head, octets)
        })
}

fn block(head: [u32; 8], octets: &[u8]) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    let words = head.iter().flat_map(|word| word.to_le_bytes());
    let payload = octets
        .iter()
        .copied()
        .chain(core::iter::repeat(ERASED))
        .take(PAYLOAD);
    for (to, from) in block.iter_mut().zip(words.chain(payload)) {
        *to = from;
    }
    if let Some(end) = block.last_chunk_mut() {
        *end = MAGIC_AT_THE_END.to_le_bytes();
    }
    block
}
