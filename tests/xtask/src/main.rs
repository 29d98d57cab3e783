//! The project's tasks: `cargo xtask test`, `lint`, `doctor`, `fuzz`, `board measure`.

mod doctor;
mod fuzz;
mod lint;
mod process;
mod test;
mod tools;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's tasks")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run the tests, all parts or one
    Test(test::Options),
    /// Formatting, clippy and documentation, with every warning an error
    Lint,
    /// What must be installed, and what is
    Doctor,
    /// Fuzz one target, or each in turn
    Fuzz(fuzz::Options),
}

fn main() -> ExitCode {
    let done = match Cli::parse().task {
        Task::Test(options) => test::run(&options),
        Task::Lint => lint::run(),
        Task::Doctor => doctor::run(),
        Task::Fuzz(options) => fuzz::run(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
