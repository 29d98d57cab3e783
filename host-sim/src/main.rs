//! The Smallgate gateway on a desktop.

mod breadboard;
mod cli;
mod clock;
mod config;
mod connection;
mod credentials;
mod demo;
mod gateway;
mod http;
mod keys;
mod log;
mod noise;
mod outage;
mod provision;
mod refusal;
mod room;
mod serve;
mod sim;
mod store;
mod times;
mod tokens;

use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}
