//! The life of a grant: the design's state table row by row, what a code and
//! a refresh token are bound to, and what they are worth to a thief.

mod bindings;
mod configuration;
mod services;
mod stolen;
mod table;
mod time;
