//! The Smallgate gateway on a desktop.

mod accept;
mod backend;
mod breadboard;
mod cli;
mod clock;
mod config;
mod connection;
mod credentials;
mod demo;
mod files;
mod gateway;
mod generation;
mod http;
mod keys;
mod log;
mod meters;
mod noise;
mod notify;
mod outage;
mod provision;
mod refusal;
mod region;
mod reload;
mod room;
mod scrape;
mod serve;
mod signals;
mod sim;
mod store;
mod times;
mod tls;
mod tokens;
mod whole;

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
