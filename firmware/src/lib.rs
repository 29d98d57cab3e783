//! What every Smallgate board shares.
#![no_std]

pub mod http;
pub mod image;
