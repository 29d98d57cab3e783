//! The provisioning image.

mod layout;
mod provision;
mod refusals;
mod serve;
mod support;
mod uf2;
