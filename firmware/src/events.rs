//! What a board logs: the words of the desktop's log, field by field.
//!
//! With the feature `defmt` there is a function for each kind of line:
//!
//! ```text
//! info event="issued" grant_type="client_credentials" client="c" subject="c" jti="-_v7-_v7-_v7-_v7-_v7-w" source=10.0.2.2
//! warn event="refused" client="c" cause=wrong client secret source=10.0.2.2
//! ```
//!
//! A line's words stay in the ELF file; the flash has their numbers alone, and
//! the names that the answers need anyway. Nothing secret is in a line: no code,
//! no token, no password, no key (R8). What the desktop does not have, such as
//! the health of the entropy, is named as in the documentation.
//!
//! Without the feature there is what the lines are made of: which refusals are
//! grave ([`Gravity`]), and the words for each cause ([`words`]).
#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unreachable,
    clippy::unwrap_used
)]

#[cfg(feature = "defmt")]
mod cause;
#[cfg(feature = "defmt")]
mod lines;
pub mod words;

use smallgate_core::oauth::Refusal;

#[cfg(feature = "defmt")]
pub use lines::{
    clock, connection, consulted, device, entropy, event, image, listening, rtc, sntp, start,
    store, store_failed, store_spoiled,
};

/// How much an operator should mind a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gravity {
    /// The server can not do its work: an error.
    Broken,
    /// A credential was wrong or came again: a warning.
    Suspicious,
    /// The request was wrong: for information.
    Mistaken,
}

impl Gravity {
    /// That of a refusal.
    #[must_use]
    pub const fn of(cause: Refusal) -> Self {
        match cause {
            Refusal::ClockUnset
            | Refusal::ClockWentBack
            | Refusal::StoreFull
            | Refusal::StoreUnavailable
            | Refusal::StoreStale
            | Refusal::RecordDamaged
            | Refusal::Signing
            | Refusal::ResponseTooLong => Gravity::Broken,
            Refusal::UnknownClient
            | Refusal::WrongSecret
            | Refusal::ApiKey
            | Refusal::ForeignOrigin
            | Refusal::FormForged
            | Refusal::UnknownUser
            | Refusal::WrongPassword
            | Refusal::CodeInvalid
            | Refusal::CodeReplayed
            | Refusal::RefreshInvalid
            | Refusal::RefreshReused
            | Refusal::Throttled(_) => Gravity::Suspicious,
            _ => Gravity::Mistaken,
        }
    }
}
