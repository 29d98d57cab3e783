//! What every Smallgate board shares.
#![no_std]

pub mod image;
