//! The firmware's HTTP: octet by octet over a scripted connection with a clock
//! of its own, and over TCP beside the simulator.

mod differences;
mod framing;
mod patience;
mod progress;
mod scripted;
mod size;
mod source;
mod tcp;
