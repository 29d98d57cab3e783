//! The life of a grant: the design's state table row by row, and what a code
//! and a refresh token are bound to.

mod bindings;
mod configuration;
mod services;
mod table;
mod time;
