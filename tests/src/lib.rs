//! What the integration tests share.

#[cfg(feature = "board")]
pub mod board;
pub mod build;
#[cfg(feature = "capi")]
pub mod c_gateway;
pub mod command;
pub mod fleet;
pub mod flow;
pub mod golden;
pub mod handles;
pub mod host;
pub mod load;
#[cfg(feature = "board")]
pub mod machine;
pub mod packed;
pub mod powercut;
pub mod rig;
pub mod simulator;
pub mod suite;
#[cfg(feature = "board")]
pub mod transcript;
pub mod wire;
