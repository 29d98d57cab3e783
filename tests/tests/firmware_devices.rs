//! The firmware's devices on buses and pins that a test holds in its hand, and
//! the gateway in front of them.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;

use embedded_hal::digital::{self, InputPin, OutputPin, StatefulOutputPin};
use embedded_hal::i2c::{self, ErrorKind, I2c, NoAcknowledgeSource, Operation};
use proptest::prelude::*;
use smallgate_core::http::{Body, Header, Request};
use smallgate_core::oauth::{
    Answer, AuthorizationServer, Event, GrantId, ResourceRefusal, Step, drive,
};
use smallgate_core::profile::{STANDARD, TEEN_QUOTES};
use smallgate_core::secret::Entropy;
use smallgate_core::store::{Committed, Loaded, MemoryStore, Seen, Store, StoreUnavailable, Write};
use smallgate_core::time::UnixTime;
use smallgate_firmware::devices::{
    Celsius, Device, Devices, Emc1413, Fault, Kind, Lines, NoPins, Pin, Pins, STALE, sample, tend,
};
use smallgate_firmware::http::{Exchange, Gateway, Handler, Surroundings};
use smallgate_firmware::i2c::{BitBanged, STRETCH, Wires};
use smallgate_tests::rig::{HERE, Rig, SECRET, START, keep};
use smallgate_tests::suite::session::basic;

/// The registers of a sensor as its data sheet has them, at address 0x4c, and
/// every transaction that there was.
#[derive(Default)]
struct Wire {
    registers: std::collections::BTreeMap<u8, u8>,
    transactions: Vec<(u8, Vec<u8>)>,
    fails: Option<ErrorKind>,
    /// How many transactions go well before it fails.
    well: usize,
}

impl Wire {
    fn with(registers: &[(u8, u8)]) -> Self {
        Wire {
            registers: registers.iter().copied().collect(),
            ..Wire::default()
        }
    }
}

impl i2c::ErrorType for Wire {
    type Error = ErrorKind;
}

impl I2c for Wire {
    fn transaction(
        &mut self,
        address: u8,
        operations: &mut [Operation<'_>],
    ) -> Result<(), ErrorKind> {
        if let Some(error) = self.fails
            && self.transactions.len() >= self.well
        {
            return Err(error);
        }
        let mut written = Vec::new();
        for operation in operations {
            match operation {
                Operation::Write(octets) => written.extend_from_slice(octets),
                Operation::Read(octets) => {
                    let [place] = octets else {
                        panic!("registers are read one at a time");
                    };
                    *place = self.registers.get(&written[0]).copied().unwrap_or(0);
                }
            }
        }
        if let [register, value] = written[..] {
            self.registers.insert(register, value);
        }
        self.transactions.push((address, written));
        Ok(())
    }
}

fn read(registers: &[(u8, u8)]) -> Result<i16, Fault> {
    let reading = Emc1413::new(Wire::with(registers), 0x4C).read();
    reading.map(Celsius::eighths)
}

const EXTENDED: (u8, u8) = (0x03, 0x04);

#[test]
fn emc1413_counts_eighths_from_either_beginning() {
    assert_eq!(read(&[(0x00, 21), (0x29, 0x80)]), Ok(21 * 8 + 4));
    assert_eq!(read(&[(0x00, 0)]), Ok(0));
    assert_eq!(read(&[(0x00, 127), (0x29, 0xE0)]), Ok(127 * 8 + 7));
    assert_eq!(read(&[EXTENDED, (0x00, 0)]), Ok(-64 * 8));
    assert_eq!(read(&[EXTENDED, (0x00, 63), (0x29, 0xE0)]), Ok(-1));
    assert_eq!(
        read(&[EXTENDED, (0x00, 255), (0x29, 0xE0)]),
        Ok(191 * 8 + 7)
    );
    // What is not measured by its internal diode does not count.
    assert_eq!(read(&[(0x00, 1), (0x01, 99), (0x10, 0x20)]), Ok(8));
}

#[test]
fn emc1413_is_told_once_to_measure_below_zero() {
    let mut wire = Wire::with(&[(0x03, 0x80)]);
    assert!(Emc1413::new(&mut wire, 0x4C).read().is_ok());
    assert_eq!(wire.registers[&0x03], 0x84, "the other settings stay");
    let before = wire.transactions.len();
    assert!(Emc1413::new(&mut wire, 0x4C).read().is_ok());
    let again = &wire.transactions[before..];
    let registers: Vec<_> = again
        .iter()
        .map(|(_, written)| written.as_slice())
        .collect();
    // Whole degrees first: they hold back the eighths.
    assert_eq!(registers, [&[0x03][..], &[0x00], &[0x29]]);
    assert!(
        wire.transactions
            .iter()
            .all(|(address, _)| *address == 0x4C)
    );
}

#[test]
fn emc1413_failures_are_told_apart() {
    assert_eq!(read(&[(0x29, 0x01)]), Err(Fault::Nonsense));
    assert_eq!(
        read(&[(0x00, 0xFF), (0x29, 0xFF), (0x03, 0xFF)]),
        Err(Fault::Nonsense)
    );
    let no_answer = |source| ErrorKind::NoAcknowledge(source);
    for (error, fault) in [
        (no_answer(NoAcknowledgeSource::Address), Fault::Absent),
        (no_answer(NoAcknowledgeSource::Data), Fault::Absent),
        (ErrorKind::Bus, Fault::Bus),
        (ErrorKind::ArbitrationLoss, Fault::Bus),
        (ErrorKind::Other, Fault::Bus),
    ] {
        for well in 0..4 {
            let wire = Wire {
                fails: Some(error),
                well,
                ..Wire::default()
            };
            assert_eq!(Emc1413::new(wire, 0x4C).read(), Err(fault), "{well}");
        }
    }
}

proptest! {
    #[test]
    fn temperatures_are_json_numbers(eighths in any::<i16>()) {
        let mut out = [0; Celsius::LENGTH];
        let text = Celsius::of_eighths(eighths).text(&mut out);
        let text = std::str::from_utf8(text).unwrap();
        let number: f64 = serde_json::from_str(text).unwrap();
        prop_assert!(number == f64::from(eighths) / 8.0, "{text}");
        prop_assert_eq!(text, (f64::from(eighths) / 8.0).to_string());
    }
}

/// A pin in memory.
#[derive(Clone, Copy, Debug, Default)]
struct Line {
    is_high: bool,
}

/// A pin that can not be driven nor read.
#[derive(Clone, Copy, Debug)]
struct Broken;

impl digital::Error for Broken {
    fn kind(&self) -> digital::ErrorKind {
        digital::ErrorKind::Other
    }
}

macro_rules! pins {
    ($pin:ty, $error:ty, $read:expr, $write:expr) => {
        impl digital::ErrorType for $pin {
            type Error = $error;
        }

        impl InputPin for $pin {
            fn is_high(&mut self) -> Result<bool, $error> {
                $read(self)
            }

            fn is_low(&mut self) -> Result<bool, $error> {
                $read(self).map(|is_high: bool| !is_high)
            }
        }

        impl OutputPin for $pin {
            fn set_low(&mut self) -> Result<(), $error> {
                $write(self, false)
            }

            fn set_high(&mut self) -> Result<(), $error> {
                $write(self, true)
            }
        }

        impl StatefulOutputPin for $pin {
            fn is_set_high(&mut self) -> Result<bool, $error> {
                $read(self)
            }

            fn is_set_low(&mut self) -> Result<bool, $error> {
                $read(self).map(|is_high: bool| !is_high)
            }
        }
    };
}

pins!(
    Line,
    Infallible,
    |line: &mut Line| Ok(line.is_high),
    |line: &mut Line, high| {
        line.is_high = high;
        Ok(())
    }
);
pins!(
    Broken,
    Broken,
    |_: &mut Broken| Err(Broken),
    |_: &mut Broken, _| Err(Broken)
);

#[test]
fn pins_that_are_not_there_or_fail_are_faults() {
    let mut lines = Lines {
        outputs: [Line::default(); 2],
        inputs: [Line { is_high: true }],
    };
    assert_eq!(lines.set(1, true), Ok(()));
    assert_eq!(
        (lines.is_set_high(0), lines.is_set_high(1)),
        (Ok(false), Ok(true))
    );
    assert_eq!(lines.is_high(0), Ok(true));
    assert_eq!(lines.set(2, true), Err(Fault::NoPin));
    assert_eq!(lines.is_set_high(255), Err(Fault::NoPin));
    assert_eq!(lines.is_high(1), Err(Fault::NoPin));
    let mut broken = Lines {
        outputs: [Broken],
        inputs: [Broken],
    };
    assert_eq!(broken.set(0, false), Err(Fault::Bus));
    assert_eq!(
        (broken.is_set_high(0), broken.is_high(0)),
        (Err(Fault::Bus), Err(Fault::Bus))
    );
    assert_eq!(NoPins.set(0, true), Err(Fault::NoPin));
}

const fn pin(number: u8, active_low: bool) -> Pin {
    Pin { number, active_low }
}

const fn device(name: &'static str, kind: Kind) -> Device<'static> {
    Device {
        name,
        kind,
        read: "read",
        write: "write",
    }
}

const ALL: [Device<'static>; 5] = [
    device("cellar", Kind::Emc1413 { address: 0x4C }),
    device("relay", Kind::Output(pin(0, false))),
    device("lamp", Kind::Output(pin(1, true))),
    device("door", Kind::Input(pin(0, true))),
    device("missing", Kind::Input(pin(9, false))),
];

#[test]
fn devices_that_can_not_be_are_told() {
    assert!(ALL.iter().all(Device::is_possible));
    let long = "x".repeat(33);
    for name in ["", "A", "a b", "ä", "a/b", "a.b", "a%", long.as_str()] {
        assert!(!Device { name, ..ALL[1] }.is_possible(), "{name}");
    }
    for address in [0x00, 0x07, 0x78, 0xFF] {
        assert!(
            !device("a", Kind::Emc1413 { address }).is_possible(),
            "{address}"
        );
    }
}

type Board = Lines<Line, Line, 2, 1>;

fn board() -> Devices<'static, Board> {
    let pins = Lines {
        outputs: [Line::default(); 2],
        inputs: [Line { is_high: true }],
    };
    Devices::new(ALL.as_slice().into(), pins)
}

#[test]
fn outputs_are_off_from_the_start() {
    let mut devices = board();
    // The lamp, at 1, is on while its pin is low.
    assert_eq!(devices.pins().is_set_high(0), Ok(false));
    assert_eq!(devices.pins().is_set_high(1), Ok(true));
}

/// What a gateway lives on here.
struct Bench {
    uptime: Cell<u32>,
    events: RefCell<Vec<String>>,
}

impl Surroundings for Bench {
    fn uptime(&self) -> u32 {
        self.uptime.get()
    }

    fn now(&self) -> Option<UnixTime> {
        Some(START)
    }

    fn serving_since(&self) -> UnixTime {
        UnixTime(0)
    }

    /// Devices need none.
    fn entropy(&self) -> Option<[u8; Entropy::SIZE]> {
        None
    }

    fn is_entropy_healthy(&self) -> bool {
        false
    }

    fn event(&self, event: &Event<'_>, _source: smallgate_core::http::Source) {
        self.events.borrow_mut().push(format!("{event:?}"));
    }
}

/// A rig's tokens, and devices that they open.
struct Bed {
    rig: Rig,
    bench: Bench,
    devices: RefCell<Devices<'static, Board>>,
    token: String,
}

impl Bed {
    /// For good: a gateway and what it borrows live as long as each other.
    fn new() -> &'static Self {
        Self::with(None)
    }

    fn with(token: Option<&str>) -> &'static Self {
        let mut rig = Rig::new(STANDARD);
        let form = "grant_type=client_credentials&scope=read+write";
        let reply = rig.token(Some(&basic(("demo", SECRET))), form);
        let issued = reply.member("access_token");
        keep(Bed {
            token: token.map_or(issued, str::to_owned),
            rig,
            bench: Bench {
                uptime: Cell::new(100),
                events: RefCell::new(Vec::new()),
            },
            devices: RefCell::new(board()),
        })
    }

    fn ask(&'static self, method: &str, target: &str, body: Option<&str>) -> (u16, String) {
        let store = keep(RefCell::new(MemoryStore::<4>::new()));
        let gateway = Gateway::new(
            &self.rig.server,
            &self.rig.throttle,
            store,
            &self.bench,
            &self.devices,
            100,
            UnixTime(0),
        );
        let bearer = format!("Bearer {}", self.token);
        let headers = [
            Header {
                name: "authorization",
                value: bearer.as_bytes(),
            },
            Header {
                name: "content-type",
                value: b"application/json",
            },
        ];
        let mut octets = body.unwrap_or_default().as_bytes().to_vec();
        let request = Request {
            method,
            target,
            headers: &headers,
            body: match body {
                Some(_) => Body::Whole(&mut octets),
                None => Body::TooLong,
            },
            source: HERE,
        };
        let mut out = vec![0; AuthorizationServer::ROOM];
        let mut exchange = gateway.begin(request, &mut out);
        while !exchange.advance() {}
        let answer = exchange.answer().expect("it is able to answer");
        let body = answer.response().body().to_vec();
        (answer.response().status(), String::from_utf8(body).unwrap())
    }

    fn get(&'static self, name: &str) -> (u16, String) {
        self.ask("GET", &format!("/devices/{name}"), Some(""))
    }

    fn put(&'static self, name: &str, on: bool) -> (u16, String) {
        let body = format!(r#"{{"value":{on}}}"#);
        self.ask("PUT", &format!("/devices/{name}"), Some(&body))
    }
}

fn failed(description: &str) -> (u16, String) {
    let body = format!(r#"{{"error":"device_failed","error_description":"{description}"}}"#);
    (502, body)
}

#[test]
fn a_reading_has_an_age_and_ends() {
    let bed = Bed::new();
    assert_eq!(
        bed.get("cellar"),
        failed(Fault::Silent.description()),
        "none was taken"
    );
    let mut wire = Wire::with(&[EXTENDED, (0x00, 85), (0x29, 0x80)]);
    let reading = sample(&ALL[0], &mut wire).expect("a sensor");
    let note = |reading| {
        bed.devices
            .borrow_mut()
            .note(0, reading, bed.bench.uptime.get())
    };
    assert_eq!(note(reading), Some(Ok(())));
    for age in 0..=STALE {
        bed.bench.uptime.set(100 + age);
        let shown = format!(
            r#"{{"name":"cellar","kind":"temperature","value":21.5,"unit":"Cel","age":{age}}}"#
        );
        assert_eq!(bed.get("cellar"), (200, shown));
    }
    bed.bench.uptime.set(100 + STALE + 1);
    assert_eq!(bed.get("cellar"), failed(Fault::Silent.description()));
    assert_eq!(note(reading), None, "nothing changed");
    assert_eq!(bed.get("cellar").0, 200);
    assert_eq!(note(Err(Fault::Bus)), Some(Err(Fault::Bus)));
    assert_eq!(bed.get("cellar"), failed(Fault::Bus.description()));
    assert_eq!(note(Err(Fault::Absent)), Some(Err(Fault::Absent)));
    assert_eq!(note(Err(Fault::Absent)), None);
}

#[test]
fn sensors_are_tended_and_nothing_else() {
    fn changed(name: &str, health: Result<(), Fault>) {
        assert_eq!((name, health), ("cellar", Ok(())));
    }
    let devices = RefCell::new(board());
    let mut wire = Wire::with(&[EXTENDED]);
    let mut tended = (0..).take_while(|at| tend(&devices, *at, &mut wire, 7, changed));
    assert_eq!(tended.by_ref().count(), ALL.len());
    assert_eq!(wire.transactions.len(), 3);
    assert!(
        ALL[1..]
            .iter()
            .all(|device| sample(device, &mut wire).is_none())
    );
}

#[test]
fn pins_are_on_as_their_configuration_says() {
    let bed = Bed::new();
    let value = |name: &str, on: bool| {
        let kind = if name == "door" { "input" } else { "output" };
        (
            200,
            format!(r#"{{"name":"{name}","kind":"{kind}","value":{on}}}"#),
        )
    };
    assert_eq!(bed.get("relay"), value("relay", false));
    assert_eq!(bed.get("lamp"), value("lamp", false), "high is off");
    assert_eq!(bed.put("lamp", true), value("lamp", true));
    let lines = bed.devices.borrow_mut().pins().outputs;
    assert!(!lines[1].is_high, "low is on");
    assert_eq!(bed.get("door"), value("door", false), "high is off");
    assert_eq!(bed.put("relay", true), value("relay", true));
    assert_eq!(bed.put("lamp", false), value("lamp", false));
    let levels = bed
        .devices
        .borrow_mut()
        .pins()
        .outputs
        .map(|line| line.is_high);
    assert_eq!(levels, [true, true]);
    bed.devices.borrow_mut().pins().inputs[0].is_high = false;
    assert_eq!(bed.get("door"), value("door", true));
    assert_eq!(bed.get("missing"), failed(Fault::NoPin.description()));
    assert_eq!(bed.put("door", true).0, 405);
    assert_eq!(bed.ask("PUT", "/devices/relay", None).0, 413);
}

#[test]
fn a_list_with_what_fails_is_a_list() {
    let bed = Bed::new();
    let (status, text) = bed.ask("GET", "/devices", Some(""));
    let list: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(status, 200);
    let devices = list["devices"].as_array().unwrap();
    assert_eq!(devices.len(), 5);
    for (device, fails) in devices.iter().zip([true, false, false, false, true]) {
        assert_eq!(device.get("error").is_some(), fails, "{device}");
        assert_eq!(device.get("value").is_some(), !fails, "{device}");
    }
}

/// The longest names and rules, and failures: it fits in the room of an answer.
#[test]
fn the_longest_list_fits() {
    let names: Vec<_> = (0..8).map(|at| format!("{at}{}", "x".repeat(31))).collect();
    let all: Vec<_> = names
        .iter()
        .map(|name| Device {
            name,
            kind: Kind::Emc1413 { address: 0x4C },
            ..ALL[0]
        })
        .collect();
    let bed = Bed::new();
    let devices = RefCell::new(Devices::new(all.as_slice().into(), NoPins));
    let store = RefCell::new(MemoryStore::<4>::new());
    let (server, throttle) = (&bed.rig.server, &bed.rig.throttle);
    let gateway = Gateway::new(
        server,
        throttle,
        &store,
        &bed.bench,
        &devices,
        1,
        UnixTime(0),
    );
    let bearer = format!("Bearer {}", bed.token);
    let headers = [Header {
        name: "authorization",
        value: bearer.as_bytes(),
    }];
    let mut out = vec![0; AuthorizationServer::ROOM];
    let request = Request {
        method: "GET",
        target: "/devices",
        headers: &headers,
        body: Body::Whole(&mut []),
        source: HERE,
    };
    let mut exchange = gateway.begin(request, &mut out);
    while !exchange.advance() {}
    let answer = exchange.answer().unwrap();
    assert_eq!(answer.response().status(), 200);
    let list: serde_json::Value = serde_json::from_slice(answer.response().body()).unwrap();
    assert_eq!(list["devices"].as_array().unwrap().len(), 8);
}

#[test]
fn refusals_are_events_and_the_page_needs_nothing() {
    let bed = Bed::with(Some("x"));
    assert_eq!(bed.get("relay").0, 401);
    let events = bed.bench.events.borrow().join("\n");
    assert!(events.contains("ResourceRefused"), "{events}");
    let (status, page) = bed.ask("GET", "/", Some(""));
    assert_eq!(status, 200);
    assert!(
        page.contains("<dd>100 seconds</dd>") && page.contains("<dd>5</dd>"),
        "{page}"
    );
}

/// R51: whether the event of a refusal has the client and the `jti`.
fn names_whose_token(answer: &Answer<'_>) -> bool {
    let names = |event: &Event<'_>| {
        matches!(
            event,
            Event::ResourceRefused {
                client: Some("demo"),
                jwt_id: Some(_),
                ..
            }
        )
    };
    answer.events().filter(|event| names(event)).count() == 1
}

/// A store that can not be read.
struct Unavailable;

impl Store for Unavailable {
    fn load(&mut self, _: &GrantId) -> Result<Loaded, StoreUnavailable> {
        Err(StoreUnavailable)
    }

    fn commit(&mut self, _: UnixTime, _: &GrantId, _: Seen, _: Write<'_>) -> Committed {
        Committed::Unavailable
    }
}

#[test]
fn a_resource_is_authorized_and_answers_once() {
    let mut rig = Rig::new(TEEN_QUOTES);
    let form = format!("grant_type=client_credentials&client_id=demo&client_secret={SECRET}");
    let token = rig.token(None, &form).member("access_token");
    let bearer = format!("Bearer {token}");
    let headers = [Header {
        name: "Authorization",
        value: bearer.as_bytes(),
    }];
    let request = Request {
        method: "GET",
        target: "/lamp?a=b",
        headers: &headers,
        body: Body::TooLong,
        source: HERE,
    };
    let mut out = vec![0; AuthorizationServer::ROOM];
    let (server, throttle) = (&rig.server, &rig.throttle);
    let step = server.authorize(&request, "read", rig.clock, throttle, &mut out);
    assert!(matches!(step, Step::Load(_)), "its grant is asked");
    let mut answer = drive(step, &mut rig.store);
    {
        let permit = answer.permit().expect("a good token");
        assert_eq!(permit.claims().client_id, Some("demo"));
        assert!(permit.allows("read") && permit.allows("") && !permit.allows("read write"));
    }
    // Dropped unused: nobody said anything, and nobody may say it later.
    assert!(answer.permit().is_none());
    assert_eq!(answer.response().status(), 500);
    drop(answer);

    let step = server.authorize(&request, "write", rig.clock, throttle, &mut out);
    let mut refused = drive(step, &mut rig.store);
    assert!(refused.permit().is_none());
    assert_eq!(refused.response().status(), 403);
    let challenge = refused.response().headers();
    let mut challenge = challenge.filter(|(name, _)| *name == "www-authenticate");
    assert!(
        challenge
            .next()
            .is_some_and(|(_, value)| value.ends_with("scope=\"write\""))
    );
    drop(challenge);
    assert!(names_whose_token(&refused));
    drop(refused);

    let step = server.authorize(&request, "read", rig.clock, throttle, &mut out);
    let mut unavailable = drive(step, &mut Unavailable);
    assert!(unavailable.permit().is_none());
    assert_eq!(unavailable.response().status(), 503);
    assert!(names_whose_token(&unavailable));
    drop(unavailable);

    let step = server.authorize(&request, "", rig.clock, throttle, &mut out);
    let mut insufficient = drive(step, &mut rig.store);
    insufficient
        .permit()
        .expect("any token will do")
        .insufficient("write");
    assert_eq!(insufficient.response().status(), 403);
    assert!(names_whose_token(&insufficient));
    drop(insufficient);

    let step = server.authorize(&request, "", rig.clock, throttle, &mut out);
    let mut answer = drive(step, &mut rig.store);
    let permit = answer.permit().expect("any token will do");
    permit.refuse(ResourceRefusal::method("PUT"));
    assert_eq!(answer.response().status(), 405);
    let mut headers = answer.response().headers();
    assert!(headers.any(|field| field == ("allow", "PUT")));
}

/// The two wires of a bus with one device, bit by bit.
#[derive(Default)]
struct Cable {
    /// What the controller holds low.
    holds_clock: bool,
    holds_data: bool,
    /// For how many waits a device holds the clock low from now on.
    stretch: u32,
    /// For how many clocks a device holds the data low from now on.
    stuck: u32,
    /// There is a device that acknowledges this address, and is read as `says`.
    address: Option<u8>,
    says: u8,
    device_holds_data: bool,
    /// What was on the data line at each clock since the last start.
    bits: Vec<bool>,
    starts: u32,
    stops: u32,
    waits: u32,
}

impl Cable {
    fn is_high(&self) -> bool {
        !self.holds_data && !self.device_holds_data && self.stuck == 0
    }

    fn octet(&self, number: usize) -> Option<u8> {
        let bits = self.bits.get(number * 9..number * 9 + 8)?;
        Some(
            bits.iter()
                .fold(0, |octet, bit| octet << 1 | u8::from(*bit)),
        )
    }

    /// What the device does at the next clock: it acknowledges, or says its bits.
    fn device(&self) -> bool {
        let (octet, bit) = (self.bits.len() / 9, self.bits.len() % 9);
        let Some(first) = self.octet(0) else {
            return false;
        };
        if Some(first >> 1) != self.address {
            return false;
        }
        let reads = first & 1 != 0;
        match (octet, bit) {
            (0, 8) => true,
            (_, 8) => !reads,
            (1.., bit) if reads => self.says >> (7 - bit) & 1 == 0,
            _ => false,
        }
    }
}

impl Wires for &mut Cable {
    fn clock(&mut self, high: bool) {
        if self.holds_clock == high {
            self.holds_clock = !high;
            match high {
                true => {
                    let bit = self.is_high();
                    self.bits.push(bit);
                    self.stuck = self.stuck.saturating_sub(1);
                }
                false => self.device_holds_data = self.device(),
            }
        }
    }

    fn data(&mut self, high: bool) {
        if self.holds_data == high {
            self.holds_data = !high;
            if !self.holds_clock && self.stuck == 0 {
                self.bits.clear();
                match high {
                    true => self.stops += 1,
                    false => self.starts += 1,
                }
            }
        }
    }

    fn is_clock_high(&mut self) -> bool {
        !self.holds_clock && self.stretch == 0
    }

    fn is_data_high(&mut self) -> bool {
        self.is_high()
    }

    fn wait(&mut self) {
        self.stretch = self.stretch.saturating_sub(1);
        self.waits += 1;
    }
}

const ABSENT: ErrorKind = ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address);

fn asked(cable: &mut Cable) -> Result<u8, ErrorKind> {
    let mut octet = [0];
    BitBanged::new(cable).write_read(0x4C, &[0x29], &mut octet)?;
    Ok(octet[0])
}

#[test]
fn a_bus_is_driven_bit_by_bit() {
    for says in [0x00, 0xA5, 0xFF] {
        let mut cable = Cable {
            address: Some(0x4C),
            says,
            ..Cable::default()
        };
        assert_eq!(asked(&mut cable), Ok(says));
        // A start, a repeated one, a stop.
        assert_eq!((cable.starts, cable.stops), (2, 1));
        assert!(!cable.holds_clock && !cable.holds_data);
    }
    let mut nobody = Cable::default();
    assert_eq!(asked(&mut nobody), Err(ABSENT));
    assert_eq!((nobody.starts, nobody.stops), (1, 1), "it is let go of");
}

#[test]
fn a_bus_that_is_held_down_is_bounded() {
    /// Of a transaction of four octets, and what a device may stretch it by.
    const MOST: u32 = 4 * 9 * 4 + 60 + STRETCH;
    let well = || Cable {
        address: Some(0x4C),
        says: 0x5A,
        ..Cable::default()
    };
    // A device that was cut off while it said zeros lets go within nine clocks.
    for stuck in 1..=9 {
        let mut cable = Cable { stuck, ..well() };
        assert_eq!(asked(&mut cable), Ok(0x5A), "{stuck}");
    }
    let mut cable = Cable {
        stuck: u32::MAX,
        ..well()
    };
    assert_eq!(asked(&mut cable), Err(ErrorKind::Bus));
    assert!(cable.waits < MOST && cable.starts == 0, "{}", cable.waits);
    // One that needs time gets it, but not for ever.
    let mut cable = Cable {
        stretch: STRETCH - 1,
        ..well()
    };
    assert_eq!(asked(&mut cable), Ok(0x5A));
    assert!(cable.waits < MOST, "{}", cable.waits);
    for stretch in [STRETCH * 2, u32::MAX] {
        let mut cable = Cable { stretch, ..well() };
        assert_eq!(asked(&mut cable), Err(ErrorKind::Bus));
        assert!(cable.waits < MOST, "{}", cable.waits);
    }
}
