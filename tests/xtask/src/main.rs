//! The project's tasks: `cargo xtask test`, `lint`, `doctor`, `requirements`, `fuzz`, `mutants`, `coverage`, `powercut`, `fleet`, `bench`, `panics`, `supply`,
//! `board build`, `board measure`, `board run`, `board transcript`, `capi install`, `capi measure`.

mod bench;
mod board;
mod board_test;
mod capi;
mod coverage;
mod doctor;
mod figures;
mod flash;
mod fleet;
mod fuzz;
mod gateway;
mod image;
mod lint;
mod measure;
mod mutants;
mod panics;
mod powercut;
mod process;
mod qemu;
mod readme;
mod requirements;
mod supply;
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
    /// Change one thing in the core at a time; fails where no test sees it and no reason is given
    Mutants(mutants::Options),
    /// Count the core's lines and branches that tests reach; fails where more are not than before
    Coverage(coverage::Options),
    /// Cut the store's power at every operation of its flash, and count what that broke
    Powercut(powercut::Options),
    /// Run gateways on one store, let its servers die, and count what that broke
    Fleet(fleet::Options),
    /// Verify, issue and parse beside other libraries, within limits
    Bench(bench::Options),
    /// What can still panic in images for the board, and who calls it
    Panics(panics::Options),
    /// Licences and origins of what others wrote, and what is shipped in two versions
    Supply(supply::Options),
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
        Task::Mutants(options) => mutants::run(&options),
        Task::Coverage(options) => coverage::run(&options),
        Task::Powercut(options) => powercut::run(&options),
        Task::Fleet(options) => fleet::run(&options),
        Task::Bench(options) => bench::run(&options),
        Task::Panics(options) => panics::run(&options),
        Task::Supply(options) => supply::run(&options),
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
