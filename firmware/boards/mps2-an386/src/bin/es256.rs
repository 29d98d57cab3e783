//! ES256 alone: known answers, and that it refuses what is no key and no signature. And what else is in
//! assembly: the routines that compilers call to move and to set octets.
#![no_std]
#![no_main]

use core::hint::black_box;
use core::num::NonZeroU32;

use cortex_m_rt::entry;
use smallgate_core::jose::{KeyError, MAX_SIGNATURE, SignatureError, Signer, Verifier};
use smallgate_mps2_an386::vectors::{RFC6979, RFC7515_A3};
use smallgate_mps2_an386::{Bench, Es256SigningKey, Es256VerifyingKey};

const TEN: NonZeroU32 = NonZeroU32::new(10).unwrap();

#[entry]
fn main() -> ! {
    let mut bench = Bench::start();
    bench.check("keys", keys());
    bench.check("signatures of RFC 6979 A.2.5", signatures() == Some(true));
    bench.check("signature of RFC 7515 A.3", other_signature() == Some(true));
    bench.check("refusals", refusals() == Some(true));
    bench.check("memmove, however it overlaps", moves() == Some(true));
    bench.check("memcpy, at any address", copies() == Some(true));
    bench.check("memset, at any address", fills() == Some(true));
    bench.check("memclr, at any address", clears() == Some(true));
    measure(&mut bench);
    bench.end()
}

fn measure(bench: &mut Bench) {
    let (Ok(key), Ok(public)) = (
        Es256SigningKey::new(&RFC6979.secret, None),
        Es256VerifyingKey::new(&RFC6979.x, &RFC6979.y, None),
    ) else {
        bench.check("keys to measure with", false);
        return;
    };
    let sign = || {
        let mut signature = [0; MAX_SIGNATURE];
        key.sign(black_box(b"sample"), &mut signature) == Ok(64) && black_box(signature) != [0; 64]
    };
    let verify = || public.verify(black_box(b"sample"), black_box(&RFC6979.sample)) == Ok(());
    bench.instructions("es256 sign", TEN, sign);
    bench.instructions("es256 verify", TEN, verify);
    bench.stack("es256 sign", sign);
    bench.stack("es256 verify", verify);
}

/// Zero, the order and a point off the curve are no keys.
fn keys() -> bool {
    let order = &RFC6979.order;
    Es256SigningKey::new(&[0; 32], None).err() == Some(KeyError::OutOfRange)
        && Es256SigningKey::new(order, None).err() == Some(KeyError::OutOfRange)
        && Es256SigningKey::new(&[0xff; 32], None).err() == Some(KeyError::OutOfRange)
        && Es256VerifyingKey::new(&RFC6979.x, &RFC6979.x, None).err() == Some(KeyError::OffCurve)
        && Es256VerifyingKey::new(&[0xff; 32], &RFC6979.y, None).err() == Some(KeyError::OffCurve)
        && Es256VerifyingKey::new(&[0; 32], &[0; 32], None).err() == Some(KeyError::OffCurve)
}

/// The deterministic signatures, octet for octet, and that the public key takes them.
fn signatures() -> Option<bool> {
    let key = Es256SigningKey::new(&RFC6979.secret, None).ok()?;
    let public = Es256VerifyingKey::new(&RFC6979.x, &RFC6979.y, None).ok()?;
    let mut right = true;
    for (message, expected) in [(&b"sample"[..], &RFC6979.sample), (b"test", &RFC6979.test)] {
        let mut signature = [0; MAX_SIGNATURE];
        right &= key.sign(message, &mut signature) == Ok(64);
        right &= signature == *expected;
        right &= public.verify(message, &signature) == Ok(());
        right &= key.verifying_key().verify(message, &signature) == Ok(());
    }
    Some(right)
}

/// A signature that somebody else made, with a nonce of theirs.
fn other_signature() -> Option<bool> {
    let public = Es256VerifyingKey::new(&RFC7515_A3.x, &RFC7515_A3.y, None).ok()?;
    Some(public.verify(RFC7515_A3.input, &RFC7515_A3.signature) == Ok(()))
}

/// Another message, a changed octet anywhere, another length, r or s out of range.
fn refusals() -> Option<bool> {
    let public = Es256VerifyingKey::new(&RFC6979.x, &RFC6979.y, None).ok()?;
    let good = &RFC6979.sample;
    let refused = |signature: &[u8], why| public.verify(b"sample", signature) == Err(why);
    let mut right = public.verify(b"sampl", good) == Err(SignatureError::Mismatch);
    for place in [0, 31, 32, 63] {
        let mut changed = *good;
        *changed.get_mut(place)? ^= 1;
        right &= refused(&changed, SignatureError::Mismatch);
    }
    right &= refused(good.get(..63)?, SignatureError::Length);
    right &= refused(&[], SignatureError::Length);
    for half in [0, 1] {
        for bad in [&[0; 32], &RFC6979.order, &[0xff; 32]] {
            let mut changed = *good;
            *changed.as_chunks_mut::<32>().0.get_mut(half)? = *bad;
            right &= refused(&changed, SignatureError::OutOfRange);
        }
    }
    Some(right)
}

/// Octets that all differ, at an address that a word may have.
#[derive(Clone, Copy, PartialEq)]
#[repr(align(8))]
struct Octets([u8; 128]);

impl Octets {
    fn from(first: u8) -> Self {
        let mut octets = [0; 128];
        for (place, octet) in (first..).zip(&mut octets) {
            *octet = place;
        }
        Octets(octets)
    }

    /// As they are when `octet` says what each of `length` from `at` is.
    fn with(
        mut self,
        at: usize,
        length: usize,
        octet: impl Fn(usize) -> Option<u8>,
    ) -> Option<Self> {
        for place in 0..length {
            // Opaque, so that no compiler finds that this is a copy.
            *self.0.get_mut(black_box(at.checked_add(place)?))? = octet(place)?;
        }
        Some(self)
    }
}

/// What `copy_within` leaves is what octets taken from another array leave.
fn moves() -> Option<bool> {
    const PLACES: [usize; 11] = [0, 1, 2, 3, 4, 7, 8, 31, 32, 39, 40];
    let mut right = true;
    let before = Octets::from(1);
    for (from, to) in PLACES
        .into_iter()
        .flat_map(|from| PLACES.map(|to| (from, to)))
    {
        for length in 0..=80 {
            let mut octets = before;
            // They are; that a compiler sees it leaves no panic.
            let (from, to) = (from.min(40), to.min(40));
            let end = from.saturating_add(length.min(80));
            octets.0.copy_within(from..end, to);
            let moved = |place| before.0.get(from..)?.get(place).copied();
            right &= black_box(octets) == before.with(to, length, moved)?;
        }
    }
    Some(right)
}

/// What is copied to one array from another, and nothing beside it.
fn copies() -> Option<bool> {
    let mut right = true;
    let (source, before) = (Octets::from(1), Octets::from(101));
    for (from, to) in (0..8).flat_map(|from| (0..8).map(move |to| (from, to))) {
        for length in 0..=50 {
            let mut octets = before;
            let taken = source.0.get(from..)?.get(..length)?;
            let room = octets.0.get_mut(to..)?.get_mut(..length)?;
            for (to, from) in room.iter_mut().zip(taken) {
                *to = *from;
            }
            let copied = |place| source.0.get(from..)?.get(place).copied();
            right &= black_box(octets) == before.with(to, length, copied)?;
        }
    }
    Some(right)
}

/// What is filled, and nothing beside it.
fn fills() -> Option<bool> {
    filled(0xA5, |room| room.fill(black_box(0xA5)))
}

/// The same with zeros, for which there is a name of its own.
fn clears() -> Option<bool> {
    filled(0, |room| room.fill(0))
}

#[inline(always)]
fn filled(with: u8, fill: impl Fn(&mut [u8])) -> Option<bool> {
    let mut right = true;
    let before = Octets::from(1);
    for at in 0..8 {
        for length in 0..=50 {
            let mut octets = before;
            fill(octets.0.get_mut(at..)?.get_mut(..length)?);
            right &= black_box(octets) == before.with(at, length, |_| Some(with))?;
        }
    }
    Some(right)
}
