//! The time server, asked over the stack's UDP.

use core::net::SocketAddrV4;

use embassy_net::Stack;
use embassy_net::udp::{PacketMetadata, UdpMetadata, UdpSocket};
use embassy_time::{Duration, Instant, TimeoutError, Timer, with_deadline};
use smallgate_core::time::UnixTime;

use crate::clock::{Correction, TimeRefused, TimeSource};
use crate::entropy::EntropySource;
use crate::sntp::{Question, SIZE, Schedule, SntpError, Told};
use crate::vitals::Vitals;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long to wait for entropy: without it a question could be guessed.
const NO_ENTROPY: Duration = Duration::from_secs(60);

/// How many datagrams are kept until one of them is looked at.
const WAITING: usize = 2;

/// Who is told what a server said.
#[derive(Clone, Copy)]
pub struct Ears {
    /// It told a time, and this became of it.
    pub told: fn(TimeSource, UnixTime, Result<Correction, TimeRefused>),
    /// It told none.
    pub failed: fn(SntpError),
}

/// Asks `server` for the time as soon as there is a network, and then again and
/// again, until it does not want to be asked. Needs one of the stack's sockets.
pub async fn follow<S: EntropySource>(
    stack: Stack<'_>,
    server: SocketAddrV4,
    vitals: &Vitals<S>,
    ears: Ears,
) {
    let mut schedule = Schedule::new();
    loop {
        stack.wait_config_up().await;
        let Some(nonce) = vitals.octets() else {
            Timer::after(NO_ENTROPY).await;
            continue;
        };
        let outcome = match ask(stack, server, &Question::new(nonce)).await {
            Ok(told) => take(vitals, told, ears),
            Err(error) => {
                (ears.failed)(error);
                Err(error)
            }
        };
        // Nobody minds that it was sent.
        let [random, ..] = nonce;
        let Some(wait) = schedule.next(outcome, random) else {
            return;
        };
        Timer::after_millis(wait.into()).await;
    }
}

/// Asks once, from a port of its own.
async fn ask(
    stack: Stack<'_>,
    server: SocketAddrV4,
    question: &Question,
) -> Result<Told, SntpError> {
    // In the future, and gone with the question: nobody is heard but in between.
    let (mut received, mut receiving) = ([PacketMetadata::EMPTY; WAITING], [0; WAITING * SIZE]);
    let (mut sent, mut sending) = ([PacketMetadata::EMPTY], [0; SIZE]);
    let mut socket = UdpSocket::new(
        stack,
        &mut received,
        &mut receiving,
        &mut sent,
        &mut sending,
    );
    socket.bind(0).map_err(|_| SntpError::Unreachable)?;
    let asked = Instant::now();
    // There is room for it, so nothing waits here.
    let write = |room: &mut [u8]| write_to(room, question);
    let sent = socket.send_to_with(SIZE, server, write).await;
    sent.map_err(|_| SntpError::Unreachable)?;
    let deadline = asked.saturating_add(PATIENCE);
    let mut none = SntpError::Silent;
    loop {
        let read = |octets: &[u8], from: UdpMetadata| match from.endpoint == server.into() {
            true => question.answer(octets, milliseconds(asked.elapsed())),
            false => Err(SntpError::Foreign),
        };
        match with_deadline(deadline, socket.recv_from_with(read)).await {
            // The server's may still come.
            Ok(Err(SntpError::Foreign)) => none = SntpError::Foreign,
            Ok(answer) => return answer,
            Err(TimeoutError) => return Err(none),
        }
    }
}

fn write_to(room: &mut [u8], question: &Question) -> (usize, ()) {
    for (room, octet) in room.iter_mut().zip(question.octets()) {
        *room = octet;
    }
    (SIZE, ())
}

/// Sets the clock.
fn take<S: EntropySource>(vitals: &Vitals<S>, told: Told, ears: Ears) -> Result<(), SntpError> {
    let source = TimeSource::Sntp {
        uncertainty: told.uncertainty,
    };
    let taken = vitals.synchronise_since(source, told.time, told.passed);
    (ears.told)(source, told.time, taken);
    // Whose time is refused does not know it.
    taken.map(drop).map_err(|_| SntpError::Unsynchronised)
}

fn milliseconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}
