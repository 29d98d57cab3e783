//! `run`: a board that answers until Ctrl-C, its log as it comes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use smallgate_core::profile;
use smallgate_tests::board::{LISTENING, NOT_STARTED, provision, says};
use smallgate_tests::machine::{Elf, Line, Machine, Plan};

use crate::Options;

/// Where a demonstration's issuer is; another port if this one is taken.
const PORT: u16 = 8080;
/// How long the firmware may take to listen.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often the log is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// The lines for a shell that the simulator prints too.
const CURL_LINES: [(&profile::Profile, &str); 5] = [
    (
        &profile::STANDARD,
        include_str!("../../../../host-sim/demo/standard.curl"),
    ),
    (
        &profile::DRILLSTER,
        include_str!("../../../../host-sim/demo/drillster.curl"),
    ),
    (
        &profile::TEEN_QUOTES,
        include_str!("../../../../host-sim/demo/teen-quotes.curl"),
    ),
    (
        &profile::DRESSIPI,
        include_str!("../../../../host-sim/demo/dressipi.curl"),
    ),
    (
        &profile::BREAKOUT,
        include_str!("../../../../host-sim/demo/breakout.curl"),
    ),
];

/// Takes the access token out of a response without a JSON reader.
const ACCESS: &str = r#"sed 's/.*"access_token":"\([^"]*\)".*/\1/'"#;

pub(crate) fn run(options: &Options) -> Result<(), String> {
    let demo = options.demo.as_deref().unwrap_or(profile::STANDARD.name);
    let image = match &options.config {
        Some(file) => provision(&[file])?,
        None => provision(&["--demo", demo])?,
    };
    let stopped = Arc::new(AtomicBool::new(false));
    ctrlc::set_handler({
        let stopped = Arc::clone(&stopped);
        move || stopped.store(true, Ordering::Relaxed)
    })
    .map_err(|error| format!("Ctrl-C can not be handled: {error}"))?;

    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let mut plan = Plan {
        firmware: Arc::new(Elf::read(&options.firmware)?),
        image,
        clock: Some(now.map_or(0, |since| since.as_secs())),
        port: PORT,
        counts: false,
    };
    let mut machine = Machine::start(&plan).or_else(|_| {
        plan.port = 0;
        Machine::start(&plan)
    })?;
    let mut shown = 0;
    let started = machine.wait_for(PATIENCE, |lines| {
        says(lines, LISTENING) || says(lines, NOT_STARTED) || stopped.load(Ordering::Relaxed)
    });
    show(&machine, &mut shown)?;
    if stopped.load(Ordering::Relaxed) {
        return Ok(());
    }
    if !started? || !says(&machine.log()?, LISTENING) {
        return Err("the firmware does not listen".to_owned());
    }
    announce(&machine, options, demo);

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
    eprintln!("stopped");
    Ok(())
}

fn announce(machine: &Machine, options: &Options, demo: &str) {
    let url = format!("http://{}", machine.address());
    println!("listening on {url}");
    let lines = CURL_LINES.iter().find(|(profile, _)| profile.name == demo);
    if let (None, Some((profile, lines))) = (&options.config, lines) {
        let lines = lines
            .replace("%TOKEN", &format!("{url}{}", profile.token_path))
            .replace("%ACCESS", ACCESS)
            .replace("%URL", &url);
        print!("{lines}");
        if machine.address().port() != PORT {
            println!("# port {PORT} is taken; the tokens still name it as their issuer's");
        }
    }
    println!("# Ctrl-C ends it");
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
        eprintln!("{timestamp:>12} {level:<5} {message}");
    }
    *shown = lines.len();
    Ok(())
}
