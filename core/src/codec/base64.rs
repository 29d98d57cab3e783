//! Base64 of secrets, in either alphabet (RFC 4648 §4 and §5), without padding.
//! No table is looked into and nothing branches on a value: the time depends on
//! the length alone.

use super::copy;

/// Characters that follow one another, as their values do.
struct Run {
    character: u8,
    value: u8,
    count: u8,
}

/// The 64 characters.
pub(super) struct Alphabet([Run; 5]);

/// "The "URL and Filename safe" Base 64 Alphabet" (RFC 4648 §5).
pub(super) const URL_SAFE: Alphabet = Alphabet::ending_in(*b"-_");

/// "The Base 64 Alphabet" (RFC 4648 §4).
pub(super) const STANDARD: Alphabet = Alphabet::ending_in(*b"+/");

impl Alphabet {
    /// The two that alphabets differ in are those of 62 and 63.
    const fn ending_in([last_but_one, last]: [u8; 2]) -> Self {
        const fn run(character: u8, value: u8, count: u8) -> Run {
            Run {
                character,
                value,
                count,
            }
        }
        Alphabet([
            run(b'A', 0, 26),
            run(b'a', 26, 26),
            run(b'0', 52, 10),
            run(last_but_one, 62, 1),
            run(last, 63, 1),
        ])
    }

    fn character(&self, value: u8) -> u8 {
        self.0.iter().fold(0, |found, run| {
            let (offset, mask) = within(value, run.value, run.count);
            found | offset.wrapping_add(run.character) & mask
        })
    }

    /// The value of a character; beyond 63 if it has none.
    fn value(&self, character: u8) -> u8 {
        let (value, known) = self.0.iter().fold((0, 0), |(found, known), run| {
            let (offset, mask) = within(character, run.character, run.count);
            (found | offset.wrapping_add(run.value) & mask, known | mask)
        });
        value | !known
    }

    /// Writes `octets` to `out`, which has exactly the room that they need.
    pub(super) fn encode(&self, octets: &[u8], out: &mut [u8]) {
        let mut rooms = out.chunks_mut(4);
        for (octets, characters) in octets
            .chunks(3)
            .map_while(|octets| Some((octets, rooms.next()?)))
        {
            let mut three = [0; 3];
            copy(octets, &mut three);
            let [a, b, c] = three;
            let values = [a >> 2, a << 4 | b >> 4, b << 2 | c >> 6, c];
            for (character, value) in characters.iter_mut().zip(values) {
                *character = self.character(value & 0x3F);
            }
        }
    }

    /// Reads `text` to `out`, which has exactly the room that it needs; false if
    /// a character is of no value, or the last one has stray bits.
    #[must_use]
    pub(super) fn decode(&self, text: &[u8], out: &mut [u8]) -> bool {
        let mut wrong = 0;
        let mut rooms = out.chunks_mut(3);
        for (characters, octets) in text
            .chunks(4)
            .map_while(|characters| Some((characters, rooms.next()?)))
        {
            let mut four = [0; 4];
            for (value, character) in four.iter_mut().zip(characters) {
                *value = self.value(*character);
                wrong |= *value & 0xC0;
            }
            let [w, x, y, z] = four;
            let mut room = octets.iter_mut();
            for octet in [w << 2 | x >> 4, x << 4 | y >> 2, y << 6 | z] {
                match room.next() {
                    Some(to) => *to = octet,
                    None => wrong |= octet,
                }
            }
        }
        wrong == 0
    }
}

/// How far `octet` is from `first`, and a mask: all ones if it is one of the
/// `count` from there on.
fn within(octet: u8, first: u8, count: u8) -> (u8, u8) {
    let offset = octet.wrapping_sub(first);
    // Not a comparison, which could become a branch: a difference below zero
    // has a high octet of ones.
    let [mask, _] = u16::from(offset)
        .wrapping_sub(u16::from(count))
        .to_be_bytes();
    (offset, mask)
}
