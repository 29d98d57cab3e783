//! An OAuth 2.0 authorization server and JWT validator without a heap.
#![no_std]

pub mod bearer;
pub mod codec;
pub mod http;
pub mod jose;
pub mod jwt;
pub mod oauth;
pub mod profile;
pub mod scope;
pub mod secret;
pub mod store;
pub mod time;
