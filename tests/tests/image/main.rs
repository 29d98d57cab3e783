//! The provisioning image.

mod command;
mod layout;
mod provision;
mod refusals;
mod serve;
mod support;
mod uf2;
