//! The firmware on the emulated board, for `cargo xtask board`: run it for a
//! person, measure it, or tell what it answers.

mod curl;
mod measure;
mod prepare;
mod run;
mod transcript;

use std::path::PathBuf;
use std::process::ExitCode;

/// What the command line asks for.
#[derive(Debug, Default)]
struct Options {
    /// The ELF file.
    firmware: PathBuf,
    /// A configuration to be packed.
    config: Option<String>,
    /// A profile whose demonstration is packed instead.
    demo: Option<String>,
    /// An image that is taken as it is instead.
    image: Option<String>,
    /// The file behind the EEPROM; one that goes with the board otherwise.
    eeprom: Option<String>,
    /// The port of this machine to answer at.
    listen: Option<u16>,
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let task = arguments.next().unwrap_or_default();
    let done = options(arguments).and_then(|options| match task.as_str() {
        "check" => prepare::check(&options),
        "run" => run::run(&options),
        "measure" => measure::measure(&options),
        "transcript" => transcript::transcript(&options),
        "memory" => measure::memory(&options),
        other => Err(format!("{other:?} is no task")),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            run::tell(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn options(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options::default();
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or(format!("{name} has no value"))?;
        match name.as_str() {
            "--firmware" => options.firmware = value.into(),
            "--config" => options.config = Some(value),
            "--demo" => options.demo = Some(value),
            "--image" => options.image = Some(value),
            "--eeprom" => options.eeprom = Some(value),
            "--listen" => {
                let port = value.parse().map_err(|_| format!("{value} is no port"))?;
                options.listen = Some(port);
            }
            _ => return Err(format!("{name} is no option")),
        }
    }
    Ok(options)
}
