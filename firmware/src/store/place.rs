//! Where a cell is.

/// A sector and a cell in it, in the octets of a number. All zeros is no cell's,
/// so that a store in a `static` costs no image.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Place(u32);

impl Place {
    /// No cell's.
    pub(super) const NONE: Place = Place(0);

    /// Of a record that can not be read any more, while an older one of its slot may
    /// be somewhere. No cell's either: there is no such sector.
    pub(super) const SPOILED: Place = Place(u32::MAX);

    /// Neither number is the last one of its kind: see
    /// [`Shape`](super::shape::Shape).
    pub(super) fn new(sector: u16, cell: u16) -> Self {
        let number = u32::from(sector) << 16 | u32::from(cell);
        Place(number.saturating_add(1))
    }

    /// Whether a cell is there.
    pub(super) fn is_cell(self) -> bool {
        self != Self::NONE && self != Self::SPOILED
    }

    pub(super) const fn sector(self) -> u16 {
        let [_, _, a, b] = self.number();
        u16::from_le_bytes([a, b])
    }

    pub(super) const fn cell(self) -> u16 {
        let [a, b, _, _] = self.number();
        u16::from_le_bytes([a, b])
    }

    /// [`Place::NONE`] comes to the last of its kind in both.
    const fn number(self) -> [u8; 4] {
        self.0.wrapping_sub(1).to_le_bytes()
    }
}
