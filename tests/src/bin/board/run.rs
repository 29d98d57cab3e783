//! `run`: a board that answers until Ctrl-C, its log as it comes.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use smallgate_core::profile;
use smallgate_firmware::image::Image;
use smallgate_tests::board::{LISTENING, NOT_STARTED, says};
use smallgate_tests::machine::{Elf, Line, Machine, Plan};

use crate::prepare::{Prepared, eeprom, is_free, prepare, url};
use crate::{Options, curl};

/// How long the firmware may take to listen.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often the log is looked at.
const LOOK: Duration = Duration::from_millis(50);
/// How often another may be quicker at a port.
const TRIES: u32 = 5;

pub(crate) fn run(options: &Options) -> Result<(), String> {
    let stopped = Arc::new(AtomicBool::new(false));
    ctrlc::set_handler({
        let stopped = Arc::clone(&stopped);
        move || stopped.store(true, Ordering::Relaxed)
    })
    .map_err(|error| format!("Ctrl-C can not be handled: {error}"))?;

    let (prepared, mut machine) = start(options)?;
    let mut shown = 0;
    let started = machine.wait_for(PATIENCE, |lines| {
        says(lines, LISTENING) || refused(lines) || stopped.load(Ordering::Relaxed)
    });
    show(&machine, &mut shown)?;
    if stopped.load(Ordering::Relaxed) {
        return Ok(());
    }
    let in_time = started?;
    if refused(&machine.log()?) {
        return Err("the firmware refuses this image, and serves nothing".to_owned());
    }
    if !in_time {
        return Err(format!("the firmware does not listen after {PATIENCE:?}"));
    }
    announce(options, &prepared);

    while !stopped.load(Ordering::Relaxed) {
        show(&machine, &mut shown)?;
        if let Some(status) = machine.ended() {
            // A terminal's Ctrl-C reaches QEMU too, and may do so first.
            std::thread::sleep(LOOK * 4);
            return match stopped.load(Ordering::Relaxed) {
                true => Ok(()),
                false => Err(format!("QEMU has ended, {status}; {}", machine.said())),
            };
        }
        std::thread::sleep(LOOK);
    }
    show(&machine, &mut shown)?;
    tell("stopped");
    Ok(())
}

/// A machine at the port that its image was made for.
fn start(options: &Options) -> Result<(Prepared, Machine), String> {
    let firmware = Arc::new(Elf::read(&options.firmware)?);
    let mut tries = 0;
    loop {
        let prepared = prepare(options)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let started = Machine::start(&Plan {
            firmware: Arc::clone(&firmware),
            image: prepared.image.clone(),
            clock: Some(now.map_or(0, |since| since.as_secs())),
            eeprom: eeprom(options)?,
            port: prepared.port,
            counts: false,
            network: prepared.network,
            // This is the program's first thread.
            dies_with_thread: true,
        });
        tries += 1;
        match started {
            Ok(machine) => {
                for warning in &prepared.warnings {
                    tell(&format!("warning: {warning}"));
                }
                tell(prepared.summary.trim_end());
                return Ok((prepared, machine));
            }
            // Somebody else got it in between.
            Err(_) if tries < TRIES && !is_free(prepared.port) => {}
            Err(error) => return Err(error),
        }
    }
}

fn refused(lines: &[Line]) -> bool {
    NOT_STARTED.iter().any(|what| says(lines, what))
}

fn announce(options: &Options, prepared: &Prepared) {
    let url = url(prepared.port);
    let lines = match (
        &options.config,
        &options.image,
        Image::open(&prepared.image),
    ) {
        (None, None, _) => {
            let demo = options.demo.as_deref().unwrap_or(profile::STANDARD.name);
            curl::of_demonstration(demo, &url)
        }
        (_, _, Ok(image)) => curl::of_image(&image, &url),
        (_, _, Err(_)) => String::new(),
    };
    print(&format!("listening on {url}\n{lines}# Ctrl-C ends it\n"));
}

/// Prints what was logged since the last time.
fn show(machine: &Machine, shown: &mut usize) -> Result<(), String> {
    let lines = machine.log()?;
    for Line {
        timestamp,
        level,
        message,
    } in lines.iter().skip(*shown)
    {
        tell(&format!("{timestamp:>12} {level:<5} {message}"));
    }
    *shown = lines.len();
    Ok(())
}

/// A line for a person. Nobody may be reading: that is no reason to stop.
pub(crate) fn tell(line: &str) {
    let _unread = writeln!(std::io::stderr(), "{line}");
}

/// The same on standard output, of lines that are whole.
fn print(lines: &str) {
    let mut stdout = std::io::stdout().lock();
    let _unread = stdout
        .write_all(lines.as_bytes())
        .and_then(|()| stdout.flush());
}
