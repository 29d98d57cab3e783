//! Several gateways on one store, with servers that die and wires that break; and
//! what those who were answered know of it.

mod chaos;
mod crowd;
mod gateways;
mod history;
mod load;
mod proxy;
mod servers;

pub use chaos::{Outcome, chaos};
pub use crowd::{Crowds, crowd, crowds};
pub use gateways::{Fleet, Plan, STREAM};
pub use history::{Asked, Operation, Said, Verdict, explained, judge};
pub use load::{CROWD, Record, generation, work};
pub use proxy::{Proxy, Wire};
pub use servers::Servers;
