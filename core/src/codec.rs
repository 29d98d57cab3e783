//! Octets to fields and back: in place, bounded, strict.

mod base64;
pub mod base64url;
pub mod basic;
pub mod form;
pub mod json;
pub(crate) mod split;
pub(crate) mod words;
