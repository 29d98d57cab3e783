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
    halted(stub, |stream| put(stream, at, octets))
}

/// Puts `word` into the memory from `from` up to where the stack is now: what is there belongs to
/// nobody, since nothing is kept below the stack pointer.
pub(super) fn fill_below_stack(stub: &Path, from: u32, word: u32) -> Result<(), String> {
    /// Octets in a packet of those that QEMU takes.
    const MOST: usize = 1024;
    halted(stub, |stream| {
        let to = stack_pointer(stream)?;
        let count = to.checked_sub(from).ok_or("gdb stub: no stack")? / 4;
        let octets = word.to_le_bytes().repeat(count as usize);
        let places = (from..).step_by(MOST);
        let mut pieces = places.zip(octets.chunks(MOST));
        pieces.try_for_each(|(at, octets)| put(stream, at, octets))
    })
}

/// Does something while the board stands still.
fn halted(
    stub: &Path,
    act: impl FnOnce(&mut UnixStream) -> Result<(), String>,
) -> Result<(), String> {
    let mut stream = UnixStream::connect(stub).map_err(|error| format!("gdb stub: {error}"))?;
    stream
        .set_read_timeout(Some(PATIENCE))
        .map_err(|error| format!("gdb stub: {error}"))?;
    let done = act(&mut stream);
    // It detaches in any case: the board would stand still for ever.
    let detached = ask(&mut stream, "D");
    done.and(detached)
}

fn put(stream: &mut UnixStream, at: u32, octets: &[u8]) -> Result<(), String> {
    let mut command = format!("M{at:x},{:x}:", octets.len());
    for octet in octets {
        let _a_string_takes_all = write!(command, "{octet:02x}");
    }
    ask(stream, &command)
}

/// The fourteenth of the registers, which are told in hexadecimal, octet by octet.
fn stack_pointer(stream: &mut UnixStream) -> Result<u32, String> {
    const REGISTER: usize = 13;
    let told = answer(stream, "g")?;
    let digits = told.get(REGISTER * 8..REGISTER * 8 + 8);
    digits
        .and_then(|digits| std::str::from_utf8(digits).ok())
        .and_then(|digits| u32::from_str_radix(digits, 16).ok())
        .map(u32::swap_bytes)
        .ok_or_else(|| "gdb stub: no registers".to_owned())
}

/// Sends a packet whose answer has to be `OK`.
fn ask(stream: &mut UnixStream, text: &str) -> Result<(), String> {
    match answer(stream, text)?.as_slice() {
        b"OK" => Ok(()),
        other => {
            let other = String::from_utf8_lossy(other);
            Err(format!("gdb stub: {text}: {other:?}"))
        }
    }
}

/// Sends a packet (`$` text `#` checksum), and takes the answer.
fn answer(stream: &mut UnixStream, text: &str) -> Result<Vec<u8>, String> {
    let sum = text.bytes().fold(0_u8, u8::wrapping_add);
    let failed = |error: std::io::Error| format!("gdb stub: {text}: {error}");
    let packet = format!("${text}#{sum:02x}");
    stream.write_all(packet.as_bytes()).map_err(failed)?;
    loop {
        let answer = packet_of(stream).map_err(failed)?;
        // The board has stopped: for whoever has just connected.
        if !answer.starts_with(b"T") {
            return Ok(answer);
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
