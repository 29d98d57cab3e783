//! What the integration tests share.

pub mod flow;
pub mod handles;
pub mod rig;
