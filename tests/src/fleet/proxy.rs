//! A wire that can be cut: TCP from a port of its own to another.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::wire::uninterrupted;

/// What the wire does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Wire {
    /// Octets arrive.
    Whole,
    /// Each piece arrives this much later: [`LATE`].
    Late,
    /// What the server answers is swallowed, and the connection ends when that is over.
    Mute,
    /// Nothing moves, and nobody is told.
    Still,
    /// Connections end, and new ones too.
    Cut,
}

/// How much later.
const LATE: Duration = Duration::from_millis(40);

/// How long a thread reads before it looks whether the wire is still whole.
const LOOK: Duration = Duration::from_millis(25);

/// A wire, gone with its handle.
pub struct Proxy {
    /// Where it begins.
    pub address: SocketAddr,
    state: Arc<State>,
    acceptor: Option<JoinHandle<()>>,
}

struct State {
    wire: AtomicU8,
    is_over: AtomicBool,
}

impl State {
    fn wire(&self) -> Wire {
        if self.is_over.load(Ordering::Relaxed) {
            return Wire::Cut;
        }
        let wires = [Wire::Whole, Wire::Late, Wire::Mute, Wire::Still];
        let now = self.wire.load(Ordering::Relaxed);
        let found = wires.into_iter().find(|wire| *wire as u8 == now);
        found.unwrap_or(Wire::Cut)
    }
}

impl Proxy {
    /// A wire to `target`, which need not be there yet.
    ///
    /// # Panics
    ///
    /// There is no port.
    #[must_use]
    pub fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("it has one");
        let state = Arc::new(State {
            wire: AtomicU8::new(Wire::Whole as u8),
            is_over: AtomicBool::new(false),
        });
        let acceptor = std::thread::spawn({
            let state = Arc::clone(&state);
            move || {
                while let Ok((near, _)) = listener.accept() {
                    if state.is_over.load(Ordering::Relaxed) {
                        break;
                    }
                    if state.wire() == Wire::Cut {
                        continue;
                    }
                    let state = Arc::clone(&state);
                    std::thread::spawn(move || connect(&near, target, &state));
                }
            }
        });
        Proxy {
            address,
            state,
            acceptor: Some(acceptor),
        }
    }

    /// Has it be so from now on.
    pub fn be(&self, wire: Wire) {
        self.state.wire.store(wire as u8, Ordering::Relaxed);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.state.is_over.store(true, Ordering::Relaxed);
        // It waits for a connection.
        let _woken = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            let _panicked = acceptor.join();
        }
    }
}

fn connect(near: &TcpStream, target: SocketAddr, state: &State) {
    // A wire on which nothing moves carries no beginning either.
    while state.wire() == Wire::Still {
        std::thread::sleep(LOOK);
    }
    let Ok(far) = TcpStream::connect(target) else {
        return;
    };
    std::thread::scope(|scope| {
        scope.spawn(|| carry(near, &far, state, false));
        carry(&far, near, state, true);
    });
}

/// Carries octets until either end is closed or the wire is cut.
fn carry(from: &TcpStream, to: &TcpStream, state: &State, is_answer: bool) {
    let _slower = to.set_nodelay(true);
    let _forever = from.set_read_timeout(Some(LOOK));
    let (mut reader, mut writer) = (from, to);
    let mut room = [0; 16_384];
    let mut has_swallowed = false;
    loop {
        let wire = state.wire();
        if wire == Wire::Cut || has_swallowed && wire != Wire::Mute {
            break;
        }
        if wire == Wire::Still {
            std::thread::sleep(LOOK);
            continue;
        }
        let length = match uninterrupted(|| reader.read(&mut room)) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                continue;
            }
            Err(_) => break,
        };
        // What was read on a wire that stands still meanwhile is under way.
        while state.wire() == Wire::Still {
            std::thread::sleep(LOOK);
        }
        match state.wire() {
            Wire::Mute if is_answer => {
                has_swallowed = true;
                continue;
            }
            Wire::Late => std::thread::sleep(LATE),
            _ => {}
        }
        if writer.write_all(&room[..length]).is_err() {
            break;
        }
    }
    for stream in [from, to] {
        let _closed = stream.shutdown(Shutdown::Both);
    }
}
