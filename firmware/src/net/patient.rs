//! A connection request that finds no socket stays unanswered.

use core::task::Context;

use embassy_net_driver::{Capabilities, Driver, HardwareAddress, LinkState, TxToken};

/// A network driver that does not send the refusal of a connection.
///
/// A stack without a backlog answers a connection request (SYN) that finds no
/// socket listening with a reset: "If the state is CLOSED […] all data in the
/// incoming segment is discarded […] An incoming segment not containing a RST
/// causes a RST to be sent in response" (RFC 9293 §3.10.7.1), and the client
/// gives up. Where the segment is not sent, the client takes its request as
/// lost and repeats it (§3.8.1), a second later and then less and less often,
/// until a seat is free. Connections that exist are reset as ever.
pub struct Patient<D>(pub D);

/// Ethernet, IPv4 and TCP headers without options: what a bare segment is long.
const BARE: usize = 14 + 20 + 20;

/// Whether `frame` refuses a connection request: "<SEQ=0><ACK=SEG.SEQ+SEG.LEN>
/// <CTL=RST,ACK>" (RFC 9293 §3.10.7.1).
fn is_refusal(frame: &[u8; BARE]) -> bool {
    const IPV4: [u8; 2] = [0x08, 0x00];
    const HEADER_OF_20: u8 = 0x45;
    const TCP: u8 = 6;
    const RST_ACK: u8 = 0x14;
    let (ethernet, ip, tcp) = (
        frame.first_chunk::<14>(),
        frame.get(14..34),
        frame.last_chunk::<20>(),
    );
    let (Some(ethernet), Some(ip), Some(tcp)) = (ethernet, ip, tcp) else {
        return false;
    };
    ethernet.ends_with(&IPV4)
        && ip.first() == Some(&HEADER_OF_20)
        && ip.get(9) == Some(&TCP)
        && tcp.get(13) == Some(&RST_ACK)
        && tcp.get(4..8) == Some(&[0; 4])
}

/// Sends what is no refusal.
pub struct PatientToken<T>(T);

impl<T: TxToken> TxToken for PatientToken<T> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, write: F) -> R {
        if length != BARE {
            return self.0.consume(length, write);
        }
        let mut frame = [0; BARE];
        let written = write(&mut frame);
        if !is_refusal(&frame) {
            self.0.consume(length, |room| room.copy_from_slice(&frame));
        }
        written
    }
}

impl<D: Driver> Driver for Patient<D> {
    type RxToken<'a>
        = D::RxToken<'a>
    where
        Self: 'a;
    type TxToken<'a>
        = PatientToken<D::TxToken<'a>>
    where
        Self: 'a;

    fn receive(&mut self, cx: &mut Context) -> Option<(Self::RxToken<'_>, Self::TxToken<'_>)> {
        let (received, answer) = self.0.receive(cx)?;
        Some((received, PatientToken(answer)))
    }

    fn transmit(&mut self, cx: &mut Context) -> Option<Self::TxToken<'_>> {
        self.0.transmit(cx).map(PatientToken)
    }

    fn link_state(&mut self, cx: &mut Context) -> LinkState {
        self.0.link_state(cx)
    }

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    fn hardware_address(&self) -> HardwareAddress {
        self.0.hardware_address()
    }
}
