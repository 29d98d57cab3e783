//! What Rust's rules do not cover: functions in assembly, and a region of flash that only the linker
//! knows.
//!
//! The one file of this crate with `unsafe`. What it offers is safe to call.
#![expect(unsafe_code, reason = "calls of the assembly, and flash as memory")]

/// The flash region that `smallgate provision` has its image put in: the board's `memory.x` says where
/// it is, by the symbols `__provision_start` and `__provision_end`.
pub fn provisioning() -> &'static [u8] {
    unsafe extern "C" {
        static __provision_start: [u8; 0];
        static __provision_end: [u8; 0];
    }
    let (start, end) = (&raw const __provision_start, &raw const __provision_end);
    let length = end.addr().saturating_sub(start.addr());
    // The symbols are addresses, and no objects that the slice could lie in.
    let start = core::ptr::with_exposed_provenance(start.addr());
    // SAFETY: memory.x puts the symbols around a region of flash in which the linker places nothing.
    // It is mapped from the start, and nothing writes to it while the program runs.
    unsafe { core::slice::from_raw_parts(start, length) }
}

// What a compiler takes for granted, small; Rust's own take 3 KB more.
#[cfg(all(target_arch = "arm", target_os = "none"))]
core::arch::global_asm!(include_str!("memory.s"), options(raw));

/// An integer of 256 bits, its lowest word first, as the assembly takes it.
#[cfg(feature = "asm")]
pub(crate) type Words = [u32; 8];

/// The functions of Emil Lenngren's P256-Cortex-M4.
///
/// Each is `extern "C"` and keeps to the procedure call standard (of the floating-point registers it
/// uses the lower sixteen, which are scratch), keeps no pointer after it returns, and reads or writes
/// just the arrays of its declaration. References to arrays of the same length are therefore all that
/// its pointers need: aligned for `u32`, initialised, and those to write to unique.
#[cfg(feature = "asm")]
pub(crate) mod p256 {
    use p256_cortex_m4_sys as sys;

    use super::Words;

    /// Whether `number` is at least 1 and below the group's order.
    pub(crate) fn in_order(number: &Words) -> bool {
        // SAFETY: reads eight words, which the array has.
        unsafe { sys::P256_check_range_n(number.as_ptr()) }
    }

    /// The point of an uncompressed SEC1 encoding, if it is on the curve.
    pub(crate) fn point(octets: &[u8; 65]) -> Option<(Words, Words)> {
        let (mut x, mut y) = ([0; 8], [0; 8]);
        // SAFETY: reads the 65 octets that it is told of, at any alignment, and writes eight words to
        // each of two distinct arrays.
        let on_curve = unsafe {
            sys::p256_octet_string_to_point(x.as_mut_ptr(), y.as_mut_ptr(), octets.as_ptr(), 65)
        };
        on_curve.then_some((x, y))
    }

    /// The public key of a private one, if that is in range.
    pub(crate) fn public_key(secret: &Words) -> Option<(Words, Words)> {
        let (mut x, mut y) = ([0; 8], [0; 8]);
        // SAFETY: reads eight words and writes eight to each of two distinct arrays.
        let in_range = unsafe { sys::p256_keygen(x.as_mut_ptr(), y.as_mut_ptr(), secret.as_ptr()) };
        in_range.then_some((x, y))
    }

    /// The signature r and s, unless the nonce is unfit.
    pub(crate) fn sign(hash: &[u8; 32], secret: &Words, nonce: &Words) -> Option<(Words, Words)> {
        let (mut r, mut s) = ([0; 8], [0; 8]);
        // SAFETY: reads the 32 octets that it is told of, at any alignment, and two arrays of eight
        // words; writes eight words to each of two other arrays.
        let fit = unsafe {
            sys::p256_sign(
                r.as_mut_ptr(),
                s.as_mut_ptr(),
                hash.as_ptr(),
                32,
                secret.as_ptr(),
                nonce.as_ptr(),
            )
        };
        fit.then_some((r, s))
    }

    /// Whether r and s sign the hash for the public key x and y.
    pub(crate) fn verify(x: &Words, y: &Words, hash: &[u8; 32], r: &Words, s: &Words) -> bool {
        // SAFETY: reads the 32 octets that it is told of, at any alignment, and four arrays of eight
        // words.
        unsafe {
            sys::p256_verify(
                x.as_ptr(),
                y.as_ptr(),
                hash.as_ptr(),
                32,
                r.as_ptr(),
                s.as_ptr(),
            )
        }
    }
}
