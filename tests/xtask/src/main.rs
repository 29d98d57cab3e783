//! The project's tasks: `cargo xtask test`, `lint`, `doctor`, `requirements`, `fuzz`, `powercut`,
//! `board build`, `board measure`, `board run`, `board transcript`, `capi install`, `capi measure`.

mod board;
mod board_test;
mod capi;
mod doctor;
mod flash;
mod fuzz;
mod gateway;
mod image;
mod lint;
mod measure;
mod powercut;
mod process;
mod qemu;
mod readme;
mod requirements;
mod test;
mod toolchain;
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
    Lint(lint::Options),
    /// What must be installed, and what is
    Doctor,
    /// Which tests hold each requirement, and the README's table; fails where there is none
    Requirements(requirements::Options),
    /// Fuzz one target, or each in turn
    Fuzz(fuzz::Options),
    /// Cut the store's power at every operation of its flash, and count what that broke
    Powercut(powercut::Options),
    /// Run the firmware on the emulated board, or measure it
    #[command(subcommand)]
    Board(board::Task),
    /// Install the C library, or measure it on the emulated board
    #[command(subcommand)]
    Capi(capi::Task),
}

fn main() -> ExitCode {
    let done = match Cli::parse().task {
        Task::Test(options) => test::run(&options),
        Task::Lint(options) => lint::run(&options),
        Task::Doctor => doctor::run(),
        Task::Requirements(options) => requirements::run(&options),
        Task::Fuzz(options) => fuzz::run(&options),
        Task::Powercut(options) => powercut::run(&options),
        Task::Board(task) => board::task(&task),
        Task::Capi(task) => capi::task(&task),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
