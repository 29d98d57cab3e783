//! An OAuth 2.0 authorization server and JWT validator without a heap.
#![no_std]

pub mod codec;
pub mod jose;
pub mod jwt;
pub mod scope;
pub mod secret;
pub mod time;
