//! Counting what is allocated while one thing runs.

#![expect(
    unsafe_code,
    reason = "an allocator is an unsafe trait; this one passes every call on unchanged"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// Outside of [`count`] an allocation pays for one load, so that a peer is not
/// slowed down by being watched.
static WATCHING: AtomicBool = AtomicBool::new(false);
static SEEN: AtomicU64 = AtomicU64::new(0);

/// The system's allocator, for a program to make its own: `#[global_allocator]`.
#[derive(Debug)]
pub struct Counting;

impl Counting {
    fn see(&self) {
        if WATCHING.load(Relaxed) {
            SEEN.fetch_add(1, Relaxed);
        }
    }
}

// SAFETY: each method is the system allocator's with the same arguments.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.see();
        // SAFETY: the caller keeps `System`'s contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        self.see();
        // SAFETY: the caller keeps `System`'s contract.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        self.see();
        // SAFETY: the caller keeps `System`'s contract.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps `System`'s contract.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// How often `work` asks for memory; growing counts as asking.
pub fn count(work: impl FnOnce()) -> u64 {
    SEEN.store(0, Relaxed);
    WATCHING.store(true, Relaxed);
    work();
    WATCHING.store(false, Relaxed);
    SEEN.load(Relaxed)
}

/// Makes sure that [`Counting`] is the program's allocator.
///
/// # Panics
///
/// Nothing would be counted whatever happened.
pub fn check() {
    let counted = count(|| drop(std::hint::black_box(Box::new(1_u64))));
    assert!(counted == 1, "one box counts as {counted} allocations");
}
