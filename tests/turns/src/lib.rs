//! Measuring many cases in turns: what the benchmark and its peers' processes share.
//!
//! Peers have processes of their own, because `jsonwebtoken`'s backend is one for a whole process, and
//! because what they need is not to be built with the tests. They have their turns when they are told,
//! so that in one run only one process works at a time, and what disturbs the machine disturbs all.

pub mod allocations;
pub mod child;
pub mod peers;
pub mod samples;
pub mod table;
pub mod turns;
