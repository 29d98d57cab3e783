//! The network card: an SMSC LAN9118 as `embassy-net` drives one.
//!
//! Frames go through FIFOs of 32-bit words. A frame is copied once, between a FIFO and a buffer of
//! a frame's size in each direction, which the caller lends.

use core::task::Context;

use embassy_net_driver::{Capabilities, Driver, HardwareAddress, LinkState, RxToken, TxToken};
use embassy_sync::waitqueue::AtomicWaker;

use crate::machine::{self, Registers};
use zeroize::Zeroize;

/// The longest frame that is sent or taken, without its check sequence: the header and 576 octets,
/// which "every internet module must be able to receive" (RFC 791 §3.1). Sockets tell their peers,
/// and hold no more than that anyway; a longer frame would be somebody else's broadcast.
const FRAME: usize = 14 + 576;

/// The same in whole words.
pub type FrameBuffer = [u8; FRAME.next_multiple_of(4)];

/// The longest frame of an Ethernet with what the card puts before it.
const LONGEST: u32 = 1536;

const CARD: Registers = machine::LAN9118;

const RX_DATA: usize = 0x00;
const TX_DATA: usize = 0x20;
const RX_STATUS: usize = 0x40;
const ID_REV: usize = 0x50;
const IRQ_CFG: usize = 0x54;
const INT_STS: usize = 0x58;
const INT_EN: usize = 0x5C;
const BYTE_TEST: usize = 0x64;
const FIFO_INT: usize = 0x68;
const TX_CFG: usize = 0x70;
const HW_CFG: usize = 0x74;
const RX_FIFO_INF: usize = 0x7C;
const TX_FIFO_INF: usize = 0x80;
const MAC_CSR_CMD: usize = 0xA4;
const MAC_CSR_DATA: usize = 0xA8;

/// A frame's status waits: it has latched, and is masked once it was seen.
const RSFL: u32 = 1 << 3;

const MAC_CR: u32 = 1;
const ADDRH: u32 = 2;
const ADDRL: u32 = 3;

/// Woken by the interrupt.
static FRAMES: AtomicWaker = AtomicWaker::new();

/// The network card.
pub struct Lan9118<'b> {
    received: &'b mut FrameBuffer,
    sent: &'b mut FrameBuffer,
    address: [u8; 6],
}

impl<'b> Lan9118<'b> {
    /// Starts the card; nothing if there is none. Its interrupt may be unmasked afterwards, since
    /// the line is active when low until then.
    pub fn start(received: &'b mut FrameBuffer, sent: &'b mut FrameBuffer) -> Option<Self> {
        if CARD.read(BYTE_TEST) != 0x8765_4321 || CARD.read(ID_REV) >> 16 != 0x0118 {
            return None;
        }
        let address = {
            let low = mac_read(ADDRL)?.to_le_bytes();
            let high = mac_read(ADDRH)?.to_le_bytes();
            let ([a, b, c, d], [e, f, ..]) = (low, high);
            [a, b, c, d, e, f]
        };
        CARD.write(HW_CFG, 1);
        ready(|| CARD.read(HW_CFG) & 1 == 0)?;
        // 5 KiB for what is sent, of 16; store and forward.
        CARD.write(HW_CFG, 5 << 16 | 1 << 20);
        CARD.write(INT_EN, 0);
        CARD.write(INT_STS, u32::MAX);
        // Drives the line, active when high.
        CARD.write(IRQ_CFG, 0x111);
        // An interrupt with each frame.
        CARD.write(FIFO_INT, 0x4800_0000);
        CARD.write(TX_CFG, 0b110);
        // The reset forgot the address.
        let [a, b, c, d, e, f] = address;
        mac_write(ADDRH, u32::from_le_bytes([e, f, 0, 0]))?;
        mac_write(ADDRL, u32::from_le_bytes([a, b, c, d]))?;
        // Full duplex, sends and receives.
        mac_write(MAC_CR, 1 << 20 | 1 << 3 | 1 << 2)?;
        machine::unmask_ethernet();
        Some(Lan9118 {
            received,
            sent,
            address,
        })
    }
}

impl Lan9118<'_> {
    /// Its Ethernet address.
    #[must_use]
    pub const fn address(&self) -> [u8; 6] {
        self.address
    }
}

/// What the card's interrupt is for: whoever waits for a frame looks.
pub fn interrupt() {
    CARD.write(INT_EN, 0);
    FRAMES.wake();
}

fn frames_waiting() -> bool {
    CARD.read(RX_FIFO_INF) >> 16 & 0xFF != 0
}

const BUSY: u32 = 1 << 31;

fn mac_read(register: u32) -> Option<u32> {
    const READ: u32 = 1 << 30;
    CARD.write(MAC_CSR_CMD, BUSY | READ | register);
    ready(|| CARD.read(MAC_CSR_CMD) & BUSY == 0)?;
    Some(CARD.read(MAC_CSR_DATA))
}

fn mac_write(register: u32, value: u32) -> Option<()> {
    CARD.write(MAC_CSR_DATA, value);
    CARD.write(MAC_CSR_CMD, BUSY | register);
    ready(|| CARD.read(MAC_CSR_CMD) & BUSY == 0)
}

/// Waits until it is, for a bounded time.
fn ready(is: impl Fn() -> bool) -> Option<()> {
    (0..100_000).any(|_| is()).then_some(())
}

/// A frame that has come into its buffer.
pub struct Received<'t>(&'t mut [u8]);

impl RxToken for Received<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, read: F) -> R {
        let answer = read(self.0);
        // Secrets may have been in it.
        self.0.zeroize();
        answer
    }
}

/// Room for a frame.
pub struct Room<'t>(&'t mut FrameBuffer);

impl TxToken for Room<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, write: F) -> R {
        // No stack writes more than the capabilities say.
        let length = length.min(FRAME);
        let whole = length.next_multiple_of(4);
        let room = self.0.get_mut(..whole).unwrap_or_default();
        let written = write(room.get_mut(..length).unwrap_or_default());
        send(room, length);
        room.zeroize();
        written
    }
}

fn send(words: &[u8], length: usize) {
    const FIRST: u32 = 1 << 13;
    const LAST: u32 = 1 << 12;
    let length = u32::try_from(length).unwrap_or(0);
    CARD.write(TX_DATA, FIRST | LAST | length);
    CARD.write(TX_DATA, length);
    for word in words.as_chunks().0 {
        CARD.write(TX_DATA, u32::from_le_bytes(*word));
    }
}

/// Frames that are thrown away until others have their turn.
const BAD_FRAMES: usize = 8;

impl Lan9118<'_> {
    /// The next good frame's length, once it is in the buffer. None is left when there is none, or
    /// there were too many bad ones: then this is called again.
    fn take(&mut self, cx: &mut Context<'_>) -> Option<usize> {
        for _ in 0..BAD_FRAMES {
            if !frames_waiting() {
                return None;
            }
            if let Some(length) = self.take_one() {
                return Some(length);
            }
        }
        cx.waker().wake_by_ref();
        None
    }

    /// Takes a frame out of the card; its length, if it is good and fits.
    fn take_one(&mut self) -> Option<usize> {
        const ERROR: u32 = 1 << 15;
        const CHECK_SEQUENCE: usize = 4;
        let status = CARD.read(RX_STATUS);
        let length = (status >> 16 & 0x3FFF) as usize;
        let mut room = self.received.as_chunks_mut().0.iter_mut();
        for _ in 0..length.div_ceil(4) {
            let word: u32 = CARD.read(RX_DATA);
            // The check sequence of the longest frame does not fit, and is not needed.
            if let Some(room) = room.next() {
                *room = word.to_le_bytes();
            }
        }
        let length = length.saturating_sub(CHECK_SEQUENCE);
        (status & ERROR == 0 && (1..=FRAME).contains(&length)).then_some(length)
    }

    /// Whether a frame can be sent now; if not, it is asked again.
    fn has_room(&self, cx: &Context<'_>) -> bool {
        // The free space in octets; a frame has two words before it.
        let has_room = CARD.read(TX_FIFO_INF) & 0xFFFF >= LONGEST;
        if !has_room {
            // The card drains by itself, in less than a millisecond.
            cx.waker().wake_by_ref();
        }
        has_room
    }
}

impl Driver for Lan9118<'_> {
    type RxToken<'a>
        = Received<'a>
    where
        Self: 'a;
    type TxToken<'a>
        = Room<'a>
    where
        Self: 'a;

    fn receive(&mut self, cx: &mut Context<'_>) -> Option<(Received<'_>, Room<'_>)> {
        if !self.has_room(cx) {
            return None;
        }
        let length = match self.take(cx) {
            Some(length) => length,
            None => {
                FRAMES.register(cx.waker());
                CARD.write(INT_STS, RSFL);
                CARD.write(INT_EN, RSFL);
                // One may have come before it was cleared.
                self.take(cx)?
            }
        };
        let frame = self.received.get_mut(..length)?;
        Some((Received(frame), Room(self.sent)))
    }

    fn transmit(&mut self, cx: &mut Context<'_>) -> Option<Room<'_>> {
        self.has_room(cx).then_some(Room(self.sent))
    }

    fn link_state(&mut self, _: &mut Context<'_>) -> LinkState {
        LinkState::Up
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::default();
        capabilities.max_transmission_unit = FRAME;
        capabilities.max_burst_size = Some(1);
        capabilities
    }

    fn hardware_address(&self) -> HardwareAddress {
        HardwareAddress::Ethernet(self.address)
    }
}
