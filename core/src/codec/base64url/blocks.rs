//! base64url of public data where there is room for speed: characters are made a
//! block at a time, each step the same for all of them, so that a compiler makes
//! vectors of them; they are read with a table for each place in a quad, so that
//! a value is where it belongs.

use crate::codec::copy;

/// What is left of an input and of its output.
type Left<'i, 'o> = (&'i [u8], &'o mut [u8]);

/// Octets of a block, and characters.
pub(super) const OCTETS: usize = 24;
const CHARACTERS: usize = 32;

/// From how many octets on [`encode`] does. A signature of HS256, which was written
/// just before, is read octet by octet sooner than in words that lie across those it
/// was written in.
const FEWEST: usize = 48;

/// Encodes all of `octets` but the last one or two, if they are enough.
pub(super) fn encode<'i, 'o>(octets: &'i [u8], out: &'o mut [u8]) -> Left<'i, 'o> {
    let triples = match octets.len() {
        0..FEWEST => 0,
        length => length / 3,
    };
    let octets = octets.split_at_checked(triples.saturating_mul(3));
    let out = out.split_at_mut_checked(triples.saturating_mul(4));
    let ((octets, last), (out, tail)) = (octets.unwrap_or_default(), out.unwrap_or_default());
    let (blocks, rest) = octets.as_chunks();
    // The end, if it is no whole block, is encoded with some of what is before it, once more.
    if let (false, Some(octets), Some(characters)) =
        (rest.is_empty(), octets.last_chunk(), out.last_chunk_mut())
    {
        *characters = encode_block(octets);
    }
    for (octets, characters) in blocks.iter().zip(out.as_chunks_mut().0) {
        *characters = encode_block(octets);
    }
    (last, tail)
}

/// Encodes the first `len` octets of `out`, a block of them or more, where they
/// are, which is all that `out` has room for.
pub(super) fn encode_in_place(out: &mut [u8], len: usize) -> Option<()> {
    // The end is no whole block, and characters come to where it is: it is encoded with some of what
    // is before it, once more, but written last.
    let (octets, last) = out.get(..len)?.as_chunks::<3>();
    let octets = octets.as_flattened();
    let end = encode_block(octets.last_chunk()?);
    let (mut last_octets, last_len) = ([0; 2], last.len());
    copy(last, &mut last_octets);
    let blocks = octets.len() / OCTETS;
    let whole = (octets.len() / 3).checked_mul(4)?;
    for block in (0..blocks).rev() {
        let octets = out.get(block.checked_mul(OCTETS)?..)?.first_chunk()?;
        let characters = encode_block(octets);
        *out.get_mut(block.checked_mul(CHARACTERS)?..)?
            .first_chunk_mut()? = characters;
    }
    let (out, tail) = out.split_at_mut_checked(whole)?;
    *out.last_chunk_mut()? = end;
    super::encode_tail(last_octets.get(..last_len)?, tail);
    Some(())
}

/// Encodes one block.
#[inline(always)]
fn encode_block(octets: &[u8; OCTETS]) -> [u8; CHARACTERS] {
    let word = |at: usize| {
        let octets = octets.get(at..).and_then(<[u8]>::first_chunk);
        octets.map_or(0, |octets| u32::from_le_bytes(*octets))
    };
    // Three octets of each word count: the first three, and behind the middle the last three.
    let halves = [
        [0, 3, 6, 9].map(word),
        [11, 14, 17, 20].map(|at| word(at) >> 8),
    ];
    let mut characters = [0; CHARACTERS];
    let quads = characters.as_chunks_mut::<4>().0;
    for (half, quads) in halves.into_iter().zip(quads.as_chunks_mut::<4>().0) {
        *quads = half.map(|word| {
            let sixes = word >> 2 & 0x0000_003F
                | word << 12 & 0x0000_3000
                | word >> 4 & 0x0000_0F00
                | word << 10 & 0x003C_0000
                | word >> 6 & 0x0003_0000
                | word << 8 & 0x3F00_0000;
            sixes.to_le_bytes()
        });
    }
    for character in &mut characters {
        let value = character.cast_signed();
        let above = |last: i8, step: u8| u8::from(value > last).wrapping_neg() & step;
        *character = character
            .wrapping_add(b'A')
            .wrapping_add(above(25, b'a' - b'Z' - 1))
            .wrapping_sub(above(51, b'z' - b'0' + 1))
            .wrapping_sub(above(61, b'9' + 1 - b'-'))
            .wrapping_add(above(62, b'_' - b'-' - 1));
    }
    characters
}

/// The bits of 24 that a character gives in the first, second, third and fourth
/// place of a quad. One without a value gives [`NONE`].
static PLACES: [[u32; 256]; 4] = [places(18), places(12), places(6), places(0)];

/// Above the 24 bits.
const NONE: u32 = 1 << 31;

const fn places(shift: u32) -> [u32; 256] {
    let mut bits = [NONE; 256];
    let mut rest: &mut [u32] = &mut bits;
    let mut values: &[u8] = &super::VALUES;
    while let (Some((bits, others)), Some((value, left))) =
        (rest.split_first_mut(), values.split_first())
    {
        if *value != super::NONE {
            *bits = (*value as u32) << shift;
        }
        rest = others;
        values = left;
    }
    bits
}

/// Decodes all quads of `text`; sets the top bits of `seen` if a character has no
/// value.
pub(super) fn decode<'i, 'o>(text: &'i [u8], out: &'o mut [u8], seen: &mut u8) -> Left<'i, 'o> {
    let (eights, text) = text.as_chunks::<8>();
    let (sixes, out) = out
        .split_at_mut_checked(eights.len().saturating_mul(6))
        .unwrap_or_default();
    let mut bad = 0;
    for ([a, b, c, d, e, f, g, h], six) in eights.iter().zip(sixes.as_chunks_mut().0) {
        let (one, other) = (quad([a, b, c, d]), quad([e, f, g, h]));
        bad |= one | other;
        let bits = u64::from(one) << 24 | u64::from(other);
        let [_, _, packed @ ..] = bits.to_be_bytes();
        *six = packed;
    }
    let (quads, last) = text.as_chunks::<4>();
    let (triples, tail) = out
        .split_at_mut_checked(quads.len().saturating_mul(3))
        .unwrap_or_default();
    for ([a, b, c, d], triple) in quads.iter().zip(triples.as_chunks_mut().0) {
        let bits = quad([a, b, c, d]);
        bad |= bits;
        let [_, packed @ ..] = bits.to_be_bytes();
        *triple = packed;
    }
    if bad >= NONE {
        *seen = u8::MAX;
    }
    (last, tail)
}

#[inline(always)]
fn quad(characters: [&u8; 4]) -> u32 {
    let places = PLACES.iter().zip(characters);
    places.fold(0, |bits, (place, character)| {
        bits | place.get(usize::from(*character)).copied().unwrap_or(NONE)
    })
}
