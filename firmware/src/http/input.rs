//! Octets on their way in.

use embedded_io_async::Read;
use zeroize::Zeroize;

use super::Ended;
use super::head::Refused;

/// The octets that came and are not yet answered.
pub(super) struct Input<'b> {
    pub(super) octets: &'b mut [u8],
    pub(super) filled: usize,
}

impl Input<'_> {
    pub(super) fn filled(&self) -> &[u8] {
        self.octets.get(..self.filled).unwrap_or_default()
    }

    /// Reads what comes, at least an octet.
    pub(super) async fn more(&mut self, connection: &mut impl Read) -> Result<(), Ended> {
        let room = self.octets.get_mut(self.filled..).unwrap_or_default();
        let length = room.len();
        match connection.read(room).await {
            Ok(0) => Err(Ended::ByClient),
            Ok(read) => {
                self.filled += read.min(length);
                Ok(())
            }
            Err(_) => Err(Ended::Broken),
        }
    }

    /// Reads until there are `end` octets, and no more.
    pub(super) async fn fill(
        &mut self,
        connection: &mut impl Read,
        end: usize,
    ) -> Result<(), Refused> {
        while self.filled < end {
            let room = self.octets.get_mut(self.filled..end).unwrap_or_default();
            match connection.read(room).await {
                Ok(0) | Err(_) => return Err(Refused::BodyBroken),
                Ok(read) => self.filled = self.filled.saturating_add(read).min(end),
            }
        }
        Ok(())
    }

    /// Forgets the first `length` octets; secrets may have been among them.
    pub(super) fn consume(&mut self, length: usize) {
        let Some(filled) = self.octets.get_mut(..self.filled) else {
            return;
        };
        let length = length.min(filled.len());
        filled.copy_within(length.., 0);
        let left = filled.len().saturating_sub(length);
        if let Some(gone) = filled.get_mut(left..) {
            gone.zeroize();
        }
        self.filled = left;
    }
}
