//! The firmware's clock: whom it trusts, and a real-time clock behind an I2C
//! bus.

mod consult;
mod rtc;
mod trust;
