//! A debugger's hand in the running board's memory: QEMU's gdb stub, which writes
//! where the machine protocol can only read.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// How long QEMU may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Puts `octets` into the memory at `at`, code or not. The board stands still
/// meanwhile, and goes on afterwards.
pub(super) fn write(stub: &Path, at: u32, octets: &[u8]) -> Result<(), String> {
    let mut stream = UnixStream::connect(stub).map_err(|error| format!("gdb stub: {error}"))?;
    stream
        .set_read_timeout(Some(PATIENCE))
        .map_err(|error| format!("gdb stub: {error}"))?;
    let mut command = format!("M{at:x},{:x}:", octets.len());
    for octet in octets {
        let _a_string_takes_all = write!(command, "{octet:02x}");
    }
    let written = ask(&mut stream, &command);
    // It detaches in any case: the board would stand still for ever.
    let detached = ask(&mut stream, "D");
    written.and(detached)
}

/// Sends a packet (`$` text `#` checksum), and takes the answer, which has to be
/// `OK`.
fn ask(stream: &mut UnixStream, text: &str) -> Result<(), String> {
    let sum = text.bytes().fold(0_u8, u8::wrapping_add);
    let failed = |error: std::io::Error| format!("gdb stub: {text}: {error}");
    let packet = format!("${text}#{sum:02x}");
    stream.write_all(packet.as_bytes()).map_err(failed)?;
    loop {
        let answer = packet_of(stream).map_err(failed)?;
        match answer.as_slice() {
            b"OK" => return Ok(()),
            // The board has stopped: for whoever has just connected.
            [b'T', ..] => {}
            other => {
                let other = String::from_utf8_lossy(other);
                return Err(format!("gdb stub: {text}: {other:?}"));
            }
        }
    }
}

/// The text of the next packet, acknowledged.
fn packet_of(stream: &mut UnixStream) -> std::io::Result<Vec<u8>> {
    let mut next = || {
        let mut octet = [0];
        stream.read_exact(&mut octet).map(|()| octet[0])
    };
    // A plus says that what was sent has come.
    while next()? != b'$' {}
    let mut text = Vec::new();
    loop {
        match next()? {
            b'#' => break,
            octet => text.push(octet),
        }
    }
    let _checksum = (next()?, next()?);
    stream.write_all(b"+")?;
    Ok(text)
}
