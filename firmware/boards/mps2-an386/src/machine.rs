//! What Rust's rules do not cover: the stack as memory, and functions in assembly.
//!
//! The one file of this board with `unsafe`. What it offers is safe to call.
#![expect(unsafe_code, reason = "the stack as memory, and calls of the assembly")]

use core::hint::black_box;

use cortex_m::register::msp;

/// What the stack is painted with: no address of this board, and no likely value.
const PAINT: u32 = 0xC5A5_5A3C;

/// Octets below the stack pointer that stay unpainted: the frames of the painting itself.
const MARGIN: u32 = 128;

/// Runs `operation` on a stack painted down to its end, and says what it yielded and how many
/// octets deep it wrote; nothing if it went through the whole stack.
#[inline(never)]
pub(crate) fn stack_depth(operation: &mut dyn FnMut() -> bool) -> (bool, Option<u32>) {
    let top = msp::read();
    paint(top);
    // Opaque, so that the operation has its frame below this one instead of within it.
    let held = black_box(operation)();
    (held, depth(top))
}

/// The stack's words, from its end upwards to `top`.
fn words_below(top: u32) -> impl Iterator<Item = *mut u32> {
    // RAM ends below 4 GiB, and the static variables end where the stack may grow to.
    let end = cortex_m_rt::heap_start();
    let count = top.saturating_sub(end.addr() as u32) / 4;
    (0..count as usize).map(move |word| end.wrapping_add(word))
}

#[inline(never)]
fn paint(top: u32) {
    for word in words_below(top.saturating_sub(MARGIN)) {
        // SAFETY: `word` is aligned (the linker script aligns `__sheap`, and steps are of a word) and
        // lies in RAM between the end of the static variables and MARGIN below a caller's stack
        // pointer. This function's own frame is smaller than MARGIN, no other frame is below it, no
        // interrupt is enabled that could make one, and there is no heap: nobody owns that memory.
        unsafe { word.write_volatile(PAINT) }
    }
}

/// How far below `top` the lowest word is that has lost its paint; nothing if the last one has.
#[inline(never)]
fn depth(top: u32) -> Option<u32> {
    let untouched = words_below(top)
        // SAFETY: aligned and in RAM, as in `paint`; nobody has a reference to it, and a volatile
        // read of what a frame left behind there is a read of an initialised integer, since `paint`
        // wrote every word but the topmost, which the stack pointer has passed.
        .take_while(|&word| unsafe { word.read_volatile() } == PAINT)
        .count();
    let lowest = words_below(top).nth(untouched)?;
    (untouched > 0).then(|| top.saturating_sub(lowest.addr() as u32))
}

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
