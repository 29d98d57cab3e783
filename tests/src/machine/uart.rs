//! What the board says over its UART: frames of defmt, as text.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;

use defmt_decoder::{DecodeError, Table};

use super::Elf;

/// A line of the board's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The board's own time, if it tells.
    pub timestamp: String,
    /// Such as `INFO`.
    pub level: String,
    /// What it says.
    pub message: String,
}

/// The file that QEMU writes the UART's octets to, as far as it was read.
pub(super) struct Uart {
    path: PathBuf,
    /// How many of its octets were taken.
    at: u64,
    /// The beginning of a frame that is not whole yet.
    begun: Vec<u8>,
    lines: Vec<Line>,
}

/// Ends a frame in defmt's coding.
const END: u8 = 0;

impl Uart {
    pub(super) fn new(path: PathBuf) -> Self {
        Uart {
            path,
            at: 0,
            begun: Vec::new(),
            lines: Vec::new(),
        }
    }

    /// Takes what came since the last time.
    pub(super) fn read(&mut self, firmware: &Elf) -> Result<(), String> {
        let mut more = Vec::new();
        File::open(&self.path)
            .and_then(|mut file| {
                file.seek(SeekFrom::Start(self.at))?;
                file.read_to_end(&mut more)
            })
            .map_err(|error| format!("the log can not be read: {error}"))?;
        if more.is_empty() {
            return Ok(());
        }
        let table = firmware
            .table()
            .ok_or("a firmware without defmt sent something")?;
        self.at += more.len() as u64;
        for octet in more {
            self.begun.push(octet);
            if octet == END {
                let frame = std::mem::take(&mut self.begun);
                self.lines.extend(decode(table, &frame)?);
            }
        }
        Ok(())
    }

    pub(super) fn lines(&self) -> &[Line] {
        &self.lines
    }
}

/// A whole frame; none where two ends follow each other.
fn decode(table: &Table, frame: &[u8]) -> Result<Option<Line>, String> {
    let mut decoder = table.new_stream_decoder();
    decoder.received(frame);
    match decoder.decode() {
        Ok(frame) => Ok(Some(Line {
            timestamp: frame
                .display_timestamp()
                .map_or_else(String::new, |timestamp| timestamp.to_string()),
            level: frame
                .level()
                .map_or_else(String::new, |level| level.as_str().to_uppercase()),
            message: frame.display_message().to_string(),
        })),
        Err(DecodeError::UnexpectedEof) => Ok(None),
        Err(DecodeError::Malformed) => Err(format!("no frame of this firmware's log: {frame:?}")),
    }
}
