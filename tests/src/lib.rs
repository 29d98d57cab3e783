//! What the integration tests share.

pub mod flow;
pub mod golden;
pub mod handles;
pub mod host;
pub mod rig;
pub mod simulator;
pub mod suite;
pub mod wire;
