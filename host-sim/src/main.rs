//! The Smallgate gateway on a desktop.
fn main() {}
