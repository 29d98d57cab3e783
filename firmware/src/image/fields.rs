//! Single fields of an image, read in place.

use smallgate_core::time::{Seconds, UnixTime};

/// What of an image is not read yet.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) const fn new(octets: &'a [u8]) -> Self {
        Reader(octets)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<&'a [u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array().map(|[octet]| *octet)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(|octets| u16::from_le_bytes(*octets))
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(|octets| u32::from_le_bytes(*octets))
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(|octets| u64::from_le_bytes(*octets))
    }

    pub(super) fn seconds(&mut self) -> Option<Seconds> {
        self.u32().map(Seconds)
    }

    /// A time that is not after the last there is.
    pub(super) fn time(&mut self) -> Option<UnixTime> {
        self.u64()
            .map(UnixTime)
            .filter(|time| *time <= UnixTime::LAST)
    }

    /// 0 or 1.
    pub(super) fn flag(&mut self) -> Option<bool> {
        match self.u8()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    /// Octets after their number.
    pub(super) fn octets(&mut self) -> Option<&'a [u8]> {
        let length = usize::from(self.u16()?);
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn text(&mut self) -> Option<&'a str> {
        core::str::from_utf8(self.octets()?).ok()
    }

    /// A field that may not be there: the outer `None` is one that can not be.
    pub(super) fn optional<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<Option<T>> {
        if self.flag()? {
            read(self).map(Some)
        } else {
            Some(None)
        }
    }
}
