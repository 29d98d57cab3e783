//! The caller's memory as references: the one place where a pointer becomes one.
//!
//! What can be seen from here is looked at: that a pointer is not NULL, aligned,
//! and that its length is one that memory can have; [`Apart`] sees that what is
//! written to overlaps with nothing. That there is memory behind a pointer, and
//! that it stays there as long as the header asks for, is the caller's to know:
//! it is what `# Safety` says of all functions here.

use core::ffi::c_char;

use crate::error::Error;
use crate::header;

/// Where the memory for `T` may be.
pub(crate) fn placed<T>(pointer: *const T) -> Result<(), Error> {
    if pointer.is_null() {
        return Err(Error::Null);
    }
    if !pointer.is_aligned() {
        return Err(Error::Alignment);
    }
    Ok(())
}

/// Whether memory can have `length` items of `T` at `pointer`.
fn possible<T>(pointer: *const T, length: usize) -> Result<(), Error> {
    placed(pointer)?;
    let octets = length
        .checked_mul(size_of::<T>())
        .filter(|octets| isize::try_from(*octets).is_ok())
        .ok_or(Error::Length)?;
    pointer.addr().checked_add(octets).ok_or(Error::Length)?;
    Ok(())
}

/// A value that C wrote.
///
/// # Safety
///
/// `pointer` is NULL, or there is a `T` at it for `'a`, of a type without values
/// that C could get wrong, and nobody writes to it.
pub(crate) unsafe fn value<'a, T>(pointer: *const T) -> Result<&'a T, Error> {
    placed(pointer)?;
    // SAFETY: not NULL, aligned, and by the caller's promise a T that stays.
    Ok(unsafe { &*pointer })
}

/// `length` values that C wrote; NULL with the length 0 is none.
///
/// # Safety
///
/// `pointer` is NULL, or there are so many `T` at it for `'a`, of a type without
/// values that C could get wrong, and nobody writes to them.
pub(crate) unsafe fn values<'a, T>(pointer: *const T, length: usize) -> Result<&'a [T], Error> {
    if pointer.is_null() && length == 0 {
        return Ok(&[]);
    }
    possible(pointer, length)?;
    // SAFETY: not NULL, aligned, of a length that an object can have, and by the caller's promise
    // there and staying.
    Ok(unsafe { core::slice::from_raw_parts(pointer, length) })
}

/// `length` octets to write to; NULL with the length 0 is none.
///
/// # Safety
///
/// `pointer` is NULL, or there are so many octets at it for `'a`, which nobody
/// else uses.
pub(crate) unsafe fn writable<'a>(pointer: *mut u8, length: usize) -> Result<&'a mut [u8], Error> {
    if pointer.is_null() && length == 0 {
        return Ok(&mut []);
    }
    possible(pointer.cast_const(), length)?;
    // SAFETY: not NULL, of a length that an object can have; that it is there, stays, and is nobody
    // else's is the caller's promise. Octets need no alignment, and have no bad values.
    Ok(unsafe { core::slice::from_raw_parts_mut(pointer, length) })
}

/// Exactly `N` octets.
///
/// # Safety
///
/// As for [`value`].
pub(crate) unsafe fn array<'a, const N: usize>(pointer: *const u8) -> Result<&'a [u8; N], Error> {
    // SAFETY: an array of octets has the octets' alignment; the rest is passed on.
    unsafe { value(pointer.cast::<[u8; N]>()) }
}

/// Writes a result.
///
/// # Safety
///
/// `pointer` is NULL, or there is memory for a `T` at it that nobody else uses.
pub(crate) unsafe fn put<T>(pointer: *mut T, result: T) -> Result<(), Error> {
    placed(pointer.cast_const())?;
    // SAFETY: not NULL, aligned, and by the caller's promise memory for a T.
    unsafe { pointer.write(result) };
    Ok(())
}

/// A text of `length` octets.
///
/// # Safety
///
/// As for [`values`].
pub(crate) unsafe fn text<'a>(pointer: *const c_char, length: usize) -> Result<&'a str, Error> {
    // SAFETY: passed on.
    let octets = unsafe { values(pointer.cast::<u8>(), length) }?;
    core::str::from_utf8(octets).map_err(|_| Error::Text)
}

/// A text that ends with a zero, apart from what is written to; none for NULL.
///
/// # Safety
///
/// `pointer` is NULL, or there are octets at it for `'a` up to a zero or to
/// [`header::MAX_TEXT`] of them, and nobody writes to them.
pub(crate) unsafe fn ended<'a>(
    pointer: *const c_char,
    apart: &Apart,
) -> Result<Option<&'a str>, Error> {
    if pointer.is_null() {
        return Ok(None);
    }
    let mut length = 0;
    loop {
        let at = pointer.cast::<u8>().wrapping_add(length);
        // SAFETY: no octet before this one was a zero, and there were fewer than MAX_TEXT, so the
        // caller's promise covers this one.
        if unsafe { at.read() } == 0 {
            break;
        }
        length = length.wrapping_add(1);
        if length > header::MAX_TEXT {
            return Err(Error::Text);
        }
    }
    apart.reads(pointer, length.wrapping_add(1))?;
    // SAFETY: so many octets were just read.
    unsafe { text(pointer, length) }.map(Some)
}

/// [`ended`], for a text that has to be there.
///
/// # Safety
///
/// As for [`ended`].
pub(crate) unsafe fn needed<'a>(pointer: *const c_char, apart: &Apart) -> Result<&'a str, Error> {
    // SAFETY: passed on.
    unsafe { ended(pointer, apart) }?.ok_or(Error::Null)
}

/// The memory that a call writes to: up to four places, which overlap with
/// nothing else.
#[derive(Clone, Copy, Default)]
pub(crate) struct Apart {
    places: [(usize, usize); 4],
    used: usize,
}

impl Apart {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Takes a place to write `length` octets to.
    pub(crate) fn writes<T>(&mut self, pointer: *const T, length: usize) -> Result<(), Error> {
        self.reads(pointer, length)?;
        let place = self.places.get_mut(self.used).ok_or(Error::Internal)?;
        *place = range(pointer, length);
        self.used = self.used.wrapping_add(1);
        Ok(())
    }

    /// Refuses a place of `length` octets that one of those written to is in.
    pub(crate) fn reads<T>(&self, pointer: *const T, length: usize) -> Result<(), Error> {
        if isize::try_from(length).is_err() || pointer.addr().checked_add(length).is_none() {
            return Err(Error::Length);
        }
        let (start, end) = range(pointer, length);
        let meets = |(other, last): &(usize, usize)| start < *last && *other < end;
        if start < end && self.places.iter().any(meets) {
            return Err(Error::Overlap);
        }
        Ok(())
    }

    /// The same for one `T`.
    pub(crate) fn writes_one<T>(&mut self, pointer: *const T) -> Result<(), Error> {
        self.writes(pointer, size_of::<T>())
    }

    pub(crate) fn reads_one<T>(&self, pointer: *const T) -> Result<(), Error> {
        self.reads(pointer, size_of::<T>())
    }
}

fn range<T>(pointer: *const T, length: usize) -> (usize, usize) {
    let start = pointer.addr();
    (start, start.saturating_add(length))
}
