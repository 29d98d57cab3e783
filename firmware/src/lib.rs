//! What every Smallgate board shares.
#![no_std]
