//! The core by itself: exchanges step by step, grants, handles, stores.

mod clients;
mod codes;
mod configuration;
mod handles;
mod lifecycle;
mod memory_store;
mod password;
mod properties;
mod record;
mod resource;
mod scope;
mod steps;
mod support;
mod throttle;
