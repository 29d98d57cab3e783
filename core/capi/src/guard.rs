//! No panic crosses the boundary. None is expected behind it either: the core has
//! none, and here is no indexing and no arithmetic that could.

use core::ffi::c_int;

use crate::error::Error;

/// Runs what a C function does, and turns its end into a number.
#[inline]
pub(crate) fn guarded(run: impl FnOnce() -> Result<c_int, Error>) -> c_int {
    match caught(run) {
        Ok(done) => done,
        Err(error) => error as c_int,
    }
}

/// What a panic left half done is not looked at again: an object that is in use
/// stays so, and is refused from then on.
#[cfg(feature = "std")]
fn caught(run: impl FnOnce() -> Result<c_int, Error>) -> Result<c_int, Error> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).unwrap_or(Err(Error::Internal))
}

#[cfg(not(feature = "std"))]
#[inline]
fn caught(run: impl FnOnce() -> Result<c_int, Error>) -> Result<c_int, Error> {
    run()
}

/// Nothing that panics is linked on bare metal with a backend that does not; for
/// others it ends here, where a debugger or a watchdog finds it.
#[cfg(all(not(feature = "std"), target_os = "none"))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    #[cfg(target_arch = "arm")]
    // SAFETY: the instruction is defined to trap. It touches neither memory nor stack.
    unsafe {
        core::arch::asm!("udf #0", options(noreturn, nomem, nostack))
    }
    #[cfg(not(target_arch = "arm"))]
    loop {
        core::hint::spin_loop();
    }
}
