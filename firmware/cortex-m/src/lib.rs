//! What boards with a Cortex-M share: ES256 in assembly, and the region of flash that
//! `smallgate provision` has its image put in. Safe to call; the one file with `unsafe` is `machine.rs`.
#![no_std]

#[cfg(feature = "asm")]
mod es256;
mod machine;

#[cfg(feature = "asm")]
pub use es256::{Assembly, Es256SigningKey, Es256VerifyingKey};
pub use machine::provisioning;
