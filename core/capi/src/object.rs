//! Objects in the caller's memory: a mark in front tells one that was made from
//! whatever else is there. It finds mistakes, not malice.

use crate::error::Error;
use crate::header;
use crate::slice::placed;

/// What is kept in an object of the header's.
pub(crate) trait Object: Sized {
    /// What the object begins with.
    const MARK: u32;
    /// The header's size of it.
    const ROOM: usize;
}

#[repr(C)]
struct Marked<T> {
    mark: u32,
    object: T,
}

/// Header and library agree on the object's memory, or this does not compile.
pub(crate) const fn fits<T: Object>() {
    assert!(
        size_of::<Marked<T>>() <= T::ROOM,
        "the header's size is too small"
    );
    assert!(
        align_of::<Marked<T>>() <= header::ALIGNMENT,
        "the header's alignment is too small"
    );
    assert!(
        T::ROOM.is_multiple_of(header::ALIGNMENT),
        "no array of them would be aligned"
    );
}

/// Makes an object, whatever was in its memory.
///
/// # Safety
///
/// `pointer` is NULL, or there is memory of `T::ROOM` octets at it that nobody
/// else uses.
pub(crate) unsafe fn make<T: Object, O>(pointer: *mut O, object: T) -> Result<(), Error> {
    let pointer = at::<T, O>(pointer.cast_const())?.cast_mut();
    let marked = Marked {
        mark: T::MARK,
        object,
    };
    // SAFETY: not NULL, aligned, and with room for it, as `fits` has found.
    unsafe { pointer.write(marked) };
    Ok(())
}

/// The object that was made at `pointer`.
///
/// # Safety
///
/// `pointer` is NULL, or there are `T::ROOM` octets at it for `'a` that nobody
/// writes to; if they begin with the mark of `T`, [`make`] made them.
pub(crate) unsafe fn made<'a, T: Object, O>(pointer: *const O) -> Result<&'a T, Error> {
    let pointer = at::<T, O>(pointer)?;
    // SAFETY: not NULL, aligned, and memory by the caller's promise; a number has no bad values.
    let mark = unsafe { pointer.cast::<u32>().read() };
    if mark != T::MARK {
        return Err(Error::State);
    }
    // SAFETY: not NULL, aligned, and by its mark one that was made.
    let marked = unsafe { &*pointer };
    Ok(&marked.object)
}

/// Overwrites an object with zeros, so that it is none, without dropping it.
///
/// # Safety
///
/// `pointer` is NULL, or there is memory of `T::ROOM` octets at it that nobody
/// else uses.
pub(crate) unsafe fn wipe<T: Object, O>(pointer: *mut O) -> Result<(), Error> {
    let pointer = at::<T, O>(pointer.cast_const())?.cast_mut().cast::<u8>();
    // SAFETY: so many octets are there by the caller's promise; octets have no bad values.
    let octets = unsafe { core::slice::from_raw_parts_mut(pointer, T::ROOM) };
    zeroize::Zeroize::zeroize(octets);
    Ok(())
}

fn at<T: Object, O>(pointer: *const O) -> Result<*const Marked<T>, Error> {
    let aligned = pointer.cast::<u64>();
    placed(aligned)?;
    if !pointer.addr().is_multiple_of(header::ALIGNMENT) {
        return Err(Error::Alignment);
    }
    Ok(pointer.cast())
}

/// The place of an object in memory that was found good for it.
pub(crate) fn place<T: Object, O>(pointer: *mut O) -> *mut T {
    let pointer = pointer.cast::<Marked<T>>();
    let offset = core::mem::offset_of!(Marked<T>, object);
    pointer.cast::<u8>().wrapping_add(offset).cast::<T>()
}

/// Marks an object as made, once all of it is.
///
/// # Safety
///
/// There is a whole `T` at its [`place`], in memory that nobody else uses.
pub(crate) unsafe fn mark<T: Object, O>(pointer: *mut O) {
    // SAFETY: the mark is in front of the object, in the same memory.
    unsafe { pointer.cast::<u32>().write(T::MARK) };
}

/// A copy of the object at `pointer`.
///
/// # Safety
///
/// [`made`] found one there, of a type that may be copied octet by octet.
pub(crate) unsafe fn copied<T: Object, O>(pointer: *const O) -> T {
    let object = place::<T, O>(pointer.cast_mut());
    // SAFETY: an object was made there, and the copy is one that may be.
    unsafe { object.read() }
}
