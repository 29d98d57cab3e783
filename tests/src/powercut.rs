//! The store of grants with the power failing at every operation of its flash:
//! what is left is opened, and looked at through the eyes of those who were
//! answered.

#[cfg(feature = "board")]
mod board;
mod device;
mod flash;
mod kill;
mod life;
mod load;
mod rows;
mod wear;

#[cfg(feature = "board")]
pub use board::kill as kill_board;
pub use device::{Device, Known, SLOTS, Servers};
pub use flash::{Chip, Dead, Model, TEARS, Tear, Unchecked};
pub use kill::{Kills, kill, rates};
pub use life::{Tally, live};
pub use load::{Answer, Client, Load};
pub use wear::{GRANTS, Spent, Wear, spent, wear};
