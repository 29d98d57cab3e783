//! `libsmallgate`: the core behind a C ABI, in memory that the caller lends.
//!
//! `include/smallgate.h` is its documentation: what each function does, who owns
//! what, and what can go wrong. Here is how that is kept.
//!
//! ```text
//! C ─→ guard ─→ slice: pointers to references ─→ keys, validate, issue ─→ core
//!                                             └→ serve, exchange, step ─→ core
//! ```
//!
//! * [`error`]: the numbers that C sees.
//! * `guard`: no panic crosses the boundary.
//! * `slice`: the one place where the caller's memory becomes references, each
//!   looked at first.
//! * [`keys`], `backend`, `external`: keys of the library's own and of others.
//! * [`validate`], [`issue`]: tokens without a server.
//! * [`serve`], [`store`], [`request`], [`exchange`], [`step`], [`answer`], `event`: the
//!   server.
//!
//! `unsafe` is in this crate alone of those above the boards, block by block with
//! its reasons. No function allocates, and without the feature `std` none links
//! anything of it.
#![cfg_attr(not(feature = "std"), no_std)]
#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unreachable,
    clippy::unwrap_used
)]

pub mod answer;
mod backend;
pub mod error;
mod event;
pub mod exchange;
mod external;
mod guard;
pub mod issue;
pub mod keys;
#[cfg(test)]
mod layout;
mod object;
pub mod request;
pub mod serve;
mod slice;
pub mod step;
pub mod store;
pub mod validate;

/// The numbers of `include/smallgate.h`.
mod header {
    include!(concat!(env!("OUT_DIR"), "/header.rs"));
}

/// The `SMALLGATE_ABI_VERSION` of this library.
#[unsafe(no_mangle)]
pub extern "C" fn smallgate_abi_version() -> u32 {
    header::ABI_VERSION
}
