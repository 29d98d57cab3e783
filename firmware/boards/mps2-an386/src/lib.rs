//! Smallgate on QEMU's `mps2-an386`, a Cortex-M4F at 25 MHz.
//!
//! The library is what its programs share: ES256 in assembly, and [`Bench`], which measures an
//! operation's instructions and stack.
#![no_std]

mod bench;
pub mod fpgaio;
pub mod i2c;
pub mod lan9118;
pub mod machine;
pub mod store;
pub mod time;
pub mod tokens;
pub mod uart;
pub mod vectors;
pub mod watchdog;

pub use bench::Bench;
#[cfg(all(feature = "p256", not(feature = "asm")))]
pub use smallgate_core::jose::{Es256SigningKey, Es256VerifyingKey};
#[cfg(feature = "asm")]
pub use smallgate_cortex_m::{Assembly as Backend, Es256SigningKey, Es256VerifyingKey};
#[cfg(all(feature = "p256", not(feature = "asm")))]
pub use smallgate_firmware::image::Software as Backend;

#[cfg(not(any(feature = "asm", feature = "p256")))]
compile_error!("ES256 needs a backend: the feature `asm` or `p256`");

/// A panic ends the program, and QEMU says that it failed. What holds its message and its place is
/// left out on purpose: they would weigh more than what is measured, 7 KB in the gateway.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    defmt::error!("event=\"panic\"");
    bench::fail()
}
