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
mod paged;
mod power;
mod wear;

#[cfg(feature = "board")]
pub use board::kill as kill_board;
pub use device::{Device, Known, SLOTS, Servers};
pub use flash::{Chip, Model, Unchecked};
pub use kill::{Kills, kill, rate, rates};
pub use life::{Tally, live};
pub use load::{Answer, CLIENTS, Client, Load, configuration};
pub use paged::OnBus;
pub use power::{Dead, TEARS, Tear};
pub use wear::{GRANTS, Nor, Pages, Spent, Wear, eeprom_wear, spent, wear};
