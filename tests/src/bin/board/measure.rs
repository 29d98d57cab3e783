//! `measure`: figures of the whole firmware, a line each: the value, its unit,
//! its name.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use smallgate_tests::board::{LISTENING, image, says};
use smallgate_tests::host::START;
use smallgate_tests::load;
use smallgate_tests::machine::{Eeprom, Elf, Machine, Plan};
use smallgate_tests::suite::session::{basic, password_form, post};
use smallgate_tests::suite::setups::{BREAKOUT, DEVICES, USER, breakout, dressipi, standard};
use smallgate_tests::wire::{Request, Wire};

use crate::Options;

/// How long the firmware may take to listen; counting makes it slow.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long an idle board is watched.
const IDLE: Duration = Duration::from_secs(10);
/// How many requests a rate is taken from.
const REQUESTS: usize = 500;
/// How many of the largest parts are told.
const PARTS: usize = 10;

pub(crate) fn measure(options: &Options) -> Result<(), String> {
    let firmware = Arc::new(Elf::read(&options.firmware)?);
    let plan = Plan {
        firmware: Arc::clone(&firmware),
        image: image(&standard().tables(DEVICES).whole()),
        clock: Some(START),
        eeprom: Eeprom::Begun,
        port: 0,
        counts: false,
        network: None,
        dies_with_thread: false,
    };
    counted_start(&plan)?;
    let start = Instant::now();
    let machine = listening(&plan)?;
    // A firmware that goes wrong is measured too: that it ran out of memory may
    // be why.
    let answers = std::panic::catch_unwind(|| {
        load::closing(machine.address(), 1);
        tell(milliseconds(start.elapsed()), "ms", "reset to first answer");
        load::everything(machine.address());
        tell_rates(&machine);
    });
    tell_memory(&machine, &firmware)?;
    match answers {
        Ok(()) => tell_idle_load(&machine)?,
        Err(_) => eprintln!("board: {} stopped answering", firmware.path().display()),
    }
    tell_stacks(&plan)?;
    for (name, size) in parts(&firmware) {
        tell(size, "octets", &format!("part {name}"));
    }
    Ok(())
}

/// What a firmware takes that is not asked anything.
pub(crate) fn memory(options: &Options) -> Result<(), String> {
    let firmware = Arc::new(Elf::read(&options.firmware)?);
    let machine = listening(&Plan {
        firmware: Arc::clone(&firmware),
        image: Vec::new(),
        clock: None,
        eeprom: Eeprom::Begun,
        port: 0,
        counts: false,
        network: None,
        dies_with_thread: false,
    })?;
    tell_memory(&machine, &firmware)
}

fn tell_memory(machine: &Machine, firmware: &Elf) -> Result<(), String> {
    let (variables, stack) = (firmware.variables(), machine.stack()?.deepest());
    tell(variables, "octets", "ram: static");
    tell(stack, "octets", "ram: deepest stack");
    tell(
        variables + stack,
        "octets",
        "ram: static plus deepest stack",
    );
    Ok(())
}

/// How deep each kind of request goes, on a stack that is painted before it, and the deepest of all.
fn tell_stacks(plan: &Plan) -> Result<(), String> {
    let mut deepest = 0;
    for (setup, asks) in [
        (standard().tables(DEVICES), load::each as Asks),
        (breakout(), password),
        (dressipi(), json),
    ] {
        let machine = listening(&Plan {
            image: image(&setup.whole()),
            ..plan.clone()
        })?;
        let mut failed = None;
        let mut after = |name: &str| {
            let told = machine.stack().map(|stack| {
                deepest = deepest.max(stack.deepest());
                tell(stack.deepest(), "octets", &format!("stack of {name}"));
            });
            failed = told
                .and_then(|()| machine.repaint_stack())
                .err()
                .or(failed.take());
        };
        // What the start left is no request's.
        machine.repaint_stack()?;
        asks(machine.address(), &mut after);
        failed.map_or(Ok(()), Err)?;
    }
    tell(deepest, "octets", "stack of the deepest request");
    Ok(())
}

/// Asks an address, and says after each request what it was.
type Asks = fn(SocketAddr, &mut dyn FnMut(&str));

fn password(address: SocketAddr, after: &mut dyn FnMut(&str)) {
    let request = post("/oauth/token", Some(&basic(BREAKOUT)), &password_form(USER));
    let answer = Wire::open(address).ask(&request);
    assert_eq!(answer.status, 200, "{}", answer.pretty());
    after("token request, password");
}

fn json(address: SocketAddr, after: &mut dyn FnMut(&str)) {
    let members: String = (0..23)
        .map(|n| format!(r#","\u0061{n}":"\u00e9""#))
        .collect();
    for body in [
        format!(r#"{{"a":{}"#, "[".repeat(900)),
        format!(r#"{{"a":{}1{}}}"#, "[".repeat(4), "]".repeat(4)),
        format!(r#"{{"a":""{members}}}"#),
    ] {
        let request = Request::new("POST", "/oauth/token").body("application/json", &body);
        let answer = Wire::open(address).ask(&request);
        assert!((400..402).contains(&answer.status), "{}", answer.pretty());
    }
    after("hostile JSON");
}

fn tell(value: u64, unit: &str, name: &str) {
    println!("{value} {unit} {name}");
}

/// A machine that listens.
fn listening(plan: &Plan) -> Result<Machine, String> {
    let mut machine = Machine::start(plan)?;
    match machine.wait_for(PATIENCE, |lines| says(lines, LISTENING))? {
        true => Ok(machine),
        false => Err(format!("it does not listen: {:?}", machine.log()?)),
    }
}

/// From the reset to its being ready for requests, on the board's own clock,
/// counted in instructions.
fn counted_start(plan: &Plan) -> Result<(), String> {
    let machine = listening(&Plan {
        counts: true,
        network: None,
        dies_with_thread: false,
        ..plan.clone()
    })?;
    let lines = machine.log()?;
    let line = lines.iter().find(|line| line.message.contains(LISTENING));
    let seconds: Option<f64> = line.and_then(|line| line.timestamp.parse().ok());
    if let Some(seconds) = seconds {
        let counted = Duration::from_secs_f64(seconds).as_micros();
        let counted = u64::try_from(counted).unwrap_or(u64::MAX);
        tell(counted, "µs", "reset to listening, counted");
    }
    Ok(())
}

fn tell_rates(machine: &Machine) {
    let rate = |took: Duration| {
        u64::try_from(REQUESTS * 1000).unwrap_or(u64::MAX) / milliseconds(took).max(1)
    };
    for (connections, name) in [
        (1, "token requests, 1 connection kept"),
        (4, "token requests, 4 connections kept"),
    ] {
        let took = load::keeping(machine.address(), connections, REQUESTS);
        tell(rate(took), "1/s", name);
    }
    let took = load::closing(machine.address(), REQUESTS);
    tell(rate(took), "1/s", "token requests, each its connection");
}

fn tell_idle_load(machine: &Machine) -> Result<(), String> {
    // What the load left open has its time to close.
    std::thread::sleep(Duration::from_secs(1));
    let before = machine.processor_time()?;
    std::thread::sleep(IDLE);
    let idle = machine.processor_time()?.saturating_sub(before);
    let per_thousand = idle.as_millis() * 1000 / IDLE.as_millis();
    let per_thousand = u64::try_from(per_thousand).unwrap_or(u64::MAX);
    tell(per_thousand, "‰", "idle load of QEMU on a core");
    Ok(())
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// The flash by crate, the largest first; what has no crate's name goes by its
/// own.
fn parts(firmware: &Elf) -> Vec<(String, u64)> {
    let mut sizes: BTreeMap<String, u64> = BTreeMap::new();
    for piece in firmware.pieces() {
        *sizes.entry(crate_of(&piece.name)).or_default() += piece.size;
    }
    let mut sizes: Vec<(String, u64)> = sizes.into_iter().collect();
    sizes.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
    sizes.truncate(PARTS);
    sizes
}

/// The `smallgate_core` of `<smallgate_core::jwt::Claims as Trait>::f`.
fn crate_of(name: &str) -> String {
    let start = name.trim_start_matches(['<', '&', '*']);
    let start = start
        .trim_start_matches("mut ")
        .trim_start_matches("dyn ")
        .trim_start_matches("const ");
    match start.split_once("::") {
        Some((first, _)) => first.to_owned(),
        None if start.to_ascii_lowercase().contains("p256") => "p256 (assembly)".to_owned(),
        None => "others".to_owned(),
    }
}
