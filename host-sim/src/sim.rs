//! `/sim/…`: turns what a board would have around it. It is the simulator's own;
//! a board has no such paths.
//!
//! | path | shows and takes |
//! | --- | --- |
//! | `/sim/clock` | `{"set":"2026-01-01T00:00:00Z"}`, `{"advance":"1h"}`, `{"unset":true}`; the system's clock is lost by `{"unset":true}` and found by `{"unset":false}`, and not moved |
//! | `/sim/devices/NAME` | `{"value":21.5}` a sensor's temperature, `{"value":true}` an input's state; an output's is only shown; `{"value":null}` is no sensor at all |
//! | `/sim/bus` | `{"state":"works"}`, `"broken"`, `"hangs"` |
//! | `/sim/entropy` | `{"state":"works"}`, `"starved"`, `"repeats"` |
//!
//! `GET` shows, `PUT` sets; the clock is moved by `POST` as well.

use hyper::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use smallgate_firmware::devices::{Celsius, Device, Kind};
use tracing::info;

use crate::breadboard::{BusState, Shown};
use crate::clock::StepError;
use crate::gateway::Gateway;
use crate::noise::SourceState;
use crate::times;

/// What the paths begin with.
pub(crate) const PREFIX: &str = "/sim/";

/// An answer.
pub(crate) enum Said {
    /// It was done.
    Done,
    Shows(Value),
    Refused(StatusCode, String),
    /// 405, with what is allowed.
    Method(&'static str),
}

/// What is behind a path.
enum Thing {
    Clock,
    Device(Device<'static>),
    Bus,
    Entropy,
}

/// Answers a request to `path` with this body; none if it is too long.
pub(crate) fn answer(gateway: &Gateway, path: &str, method: &Method, body: Option<&[u8]>) -> Said {
    let device = |name| gateway.device(name).map(Thing::Device);
    let thing = match path.strip_prefix(PREFIX) {
        Some("clock") => Some(Thing::Clock),
        Some("bus") => Some(Thing::Bus),
        Some("entropy") => Some(Thing::Entropy),
        Some(below) => below.strip_prefix("devices/").and_then(device),
        None => None,
    };
    let Some(thing) = thing else {
        return refused(StatusCode::NOT_FOUND, "There is no such thing to turn.");
    };
    let sets = method == Method::PUT || method == Method::POST && matches!(thing, Thing::Clock);
    if method == Method::GET || method == Method::HEAD {
        return Said::Shows(thing.show(gateway));
    }
    if !sets {
        return Said::Method(match thing {
            Thing::Clock => "GET, HEAD, POST, PUT",
            _ => "GET, HEAD, PUT",
        });
    }
    match body {
        Some(body) => thing.set(gateway, body),
        None => refused(StatusCode::PAYLOAD_TOO_LARGE, "The body is too long."),
    }
}

fn refused(status: StatusCode, message: impl Into<String>) -> Said {
    Said::Refused(status, message.into())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StateBody {
    state: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ValueBody {
    value: Value,
}

const WORKS: &str = "works";

impl BusState {
    const ALL: [(Self, &'static str); 3] = [
        (BusState::Works, WORKS),
        (BusState::Broken, "broken"),
        (BusState::Hangs, "hangs"),
    ];
}

impl SourceState {
    const ALL: [(Self, &'static str); 3] = [
        (SourceState::Works, WORKS),
        (SourceState::Starved, "starved"),
        (SourceState::Repeats, "repeats"),
    ];
}

/// What `state` is called among `all`.
fn name_in<T: PartialEq>(all: &[(T, &'static str)], state: &T) -> &'static str {
    let mut all = all.iter();
    all.find(|(known, _)| known == state)
        .map_or(WORKS, |(_, name)| name)
}

impl Thing {
    fn show(&self, gateway: &Gateway) -> Value {
        match self {
            Thing::Clock => json!({ "now": gateway.clock.reading().now.map(times::shown) }),
            Thing::Device(device) => json!({
                "value": match gateway.breadboard.shown(device) {
                    Shown::Temperature(reading) => json!(f64::from(reading.eighths()) / 8.0),
                    Shown::State(on) => json!(on),
                    Shown::Nothing => Value::Null,
                }
            }),
            Thing::Bus => {
                let state = gateway.breadboard.bus_state();
                json!({ "state": name_in(&BusState::ALL, &state) })
            }
            Thing::Entropy => {
                json!({ "state": name_in(&SourceState::ALL, &gateway.noise.state()) })
            }
        }
    }

    fn set(&self, gateway: &Gateway, body: &[u8]) -> Said {
        let done = match self {
            Thing::Clock => return set_clock(gateway, body),
            Thing::Device(device) => set_device(gateway, device, body),
            Thing::Bus => state(body, &BusState::ALL, "the bus works, is broken, or hangs")
                .map(|state| gateway.breadboard.set_bus_state(state)),
            Thing::Entropy => state(
                body,
                &SourceState::ALL,
                "the source of entropy works, is starved, or repeats",
            )
            .map(|state| gateway.noise.set_state(state)),
        };
        match done {
            Ok(()) => {
                info!(event = "simulation", now = %self.show(gateway));
                Said::Done
            }
            Err(message) => refused(StatusCode::BAD_REQUEST, message),
        }
    }
}

/// The state that is asked for, of `all`.
fn state<T: Copy>(body: &[u8], all: &[(T, &str)], possible: &str) -> Result<T, String> {
    let body: StateBody = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let mut all = all.iter();
    let found = all.find(|(_, name)| *name == body.state);
    found.map(|(state, _)| *state).ok_or(possible.to_owned())
}

fn set_clock(gateway: &Gateway, body: &[u8]) -> Said {
    match gateway.clock.step(body) {
        Ok(reading) => {
            let now = reading.now.map_or_else(|| "unset".to_owned(), times::shown);
            info!(event = "clock_moved", now);
            Said::Done
        }
        Err(StepError::RealClock) => refused(
            StatusCode::CONFLICT,
            "The clock is the system's: it can be lost, and not moved. Start with --clock 2026-01-01T00:00:00Z to have one that can be moved.",
        ),
        Err(StepError::Malformed(message)) => refused(StatusCode::BAD_REQUEST, message),
    }
}

fn set_device(gateway: &Gateway, device: &Device<'static>, body: &[u8]) -> Result<(), String> {
    let ValueBody { value } = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let shown = match (&value, device.kind) {
        (_, Kind::Output(_)) => return Err("an output is switched by the firmware".to_owned()),
        (Value::Bool(on), Kind::Input(_)) => Shown::State(*on),
        (Value::Null, Kind::Emc1413 { .. }) => Shown::Nothing,
        (Value::Number(degrees), Kind::Emc1413 { .. }) => Shown::Temperature(
            degrees
                .as_f64()
                .and_then(celsius)
                .ok_or("such a sensor measures from -64 to 191.875 degrees")?,
        ),
        (_, Kind::Input(_)) => return Err("an input is true or false".to_owned()),
        (_, Kind::Emc1413 { .. }) => return Err("a temperature is a number, or null".to_owned()),
    };
    match gateway.breadboard.show(device, shown) {
        true => Ok(()),
        false => Err("there is no such thing on the breadboard".to_owned()),
    }
}

/// To the nearest eighth of a degree.
fn celsius(degrees: f64) -> Option<Celsius> {
    let eighths = (degrees * 8.0).round();
    let mut all = -512_i16..=1535;
    all.find(|known| f64::from(*known) == eighths)
        .map(Celsius::of_eighths)
}
