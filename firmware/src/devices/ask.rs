//! From a request to an answer.

use smallgate_core::codec::json::{Limits, Object, Value as Json, Writer};
use smallgate_core::http::{Body, Header, Request};
use smallgate_core::oauth::{Permit, ResourceRefusal};

use super::{Device, DeviceList, Devices, Fault, Kind, MAX_DEVICES, Pins};

/// What a request wants of the devices. It is understood before it is known who
/// asks, and told to nobody before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask(Wanted);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    /// The devices that the token may read.
    List,
    /// The device at this position.
    Read(u8),
    /// The output at this position is to be on or off.
    Write(u8, bool),
    /// What can not be.
    Nothing(Wrong),
}

/// Why a request is about nothing, for whoever has a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    Device,
    MethodOfOutput,
    MethodOfOthers,
    MediaType,
    Length,
    Body,
    Value,
}

impl Wrong {
    const fn refusal(self) -> ResourceRefusal {
        use ResourceRefusal as R;
        match self {
            Wrong::Device => R::invalid(404, "There is no such device."),
            Wrong::MethodOfOutput => R::method("GET, HEAD, PUT"),
            Wrong::MethodOfOthers => R::method("GET, HEAD"),
            Wrong::MediaType => R::invalid(415, "The body is to be application/json."),
            Wrong::Length => R::invalid(413, "The body is too long."),
            Wrong::Body => R::invalid(400, "The body is no JSON object with a value."),
            Wrong::Value => R::invalid(400, "The value is to be true or false."),
        }
    }
}

const FAILED: ResourceRefusal = ResourceRefusal {
    status: 502,
    error: "device_failed",
    description: "",
    allow: None,
};

/// How large a document may be that is written to a device; its octets are
/// bounded already.
const LIMITS: Limits = Limits {
    octets: crate::image::MAX_BODY,
    depth: 4,
    members: 16,
    trailing_comma: false,
};

impl Ask {
    /// What `request` wants of these devices, and the scopes that it takes;
    /// `None` if it is about something else.
    #[must_use]
    pub fn of<'d>(request: &Request<'_, '_>, devices: DeviceList<'d>) -> Option<(Self, &'d str)> {
        let (path, _query) = request.path_and_query();
        let reads = matches!(request.method, "GET" | "HEAD");
        let name = match path.strip_prefix("/devices")? {
            "" if reads => return Some((Ask(Wanted::List), "")),
            "" => return Some(Self::nothing(Wrong::MethodOfOthers)),
            below => below.strip_prefix('/')?,
        };
        let mut devices = (0..).zip(devices);
        let Some((position, device)) = devices.find(|(_, device)| device.name == name) else {
            return Some(Self::nothing(Wrong::Device));
        };
        let is_output = matches!(device.kind, Kind::Output(_));
        Some(match request.method {
            _ if reads => (Ask(Wanted::Read(position)), device.read),
            "PUT" if is_output => {
                let wanted = match state(request.headers, &request.body) {
                    Ok(on) => Wanted::Write(position, on),
                    Err(wrong) => Wanted::Nothing(wrong),
                };
                (Ask(wanted), device.write)
            }
            _ if is_output => Self::nothing(Wrong::MethodOfOutput),
            _ => Self::nothing(Wrong::MethodOfOthers),
        })
    }

    /// Any token will do to be told so.
    const fn nothing(wrong: Wrong) -> (Self, &'static str) {
        (Ask(Wanted::Nothing(wrong)), "")
    }
}

/// The state that a body asks for. What else is in it is not looked at, so that
/// what was read can be written back.
// Not inlined: the table of members is large.
#[inline(never)]
fn state(headers: &[Header<'_>], body: &Body<'_>) -> Result<bool, Wrong> {
    let mut types = headers
        .iter()
        .filter(|field| field.name.eq_ignore_ascii_case("content-type"));
    let (Some(media_type), None) = (types.next(), types.next()) else {
        return Err(Wrong::MediaType);
    };
    let mut parts = media_type.value.split(|octet| *octet == b';');
    let media_type = parts.next().unwrap_or_default().trim_ascii();
    if !media_type.eq_ignore_ascii_case(b"application/json") {
        return Err(Wrong::MediaType);
    }
    let Body::Whole(body) = body else {
        return Err(Wrong::Length);
    };
    let document = Object::parse(body, &LIMITS).map_err(|_| Wrong::Body)?;
    match document.member("value") {
        Some(Json::Bool(on)) => Ok(on),
        Some(_) => Err(Wrong::Value),
        None => Err(Wrong::Body),
    }
}

impl<'d, P: Pins> Devices<'d, P> {
    /// Answers `ask`, which was made of a request to these devices, at `uptime`
    /// seconds since the start. What was switched is among the answer's events.
    pub fn answer<'x>(&mut self, ask: Ask, mut permit: Permit<'_, 'x>, uptime: u32)
    where
        'd: 'x,
    {
        let position = match ask.0 {
            Wanted::Nothing(wrong) => return permit.refuse(wrong.refusal()),
            Wanted::List => return self.answer_list(permit, uptime),
            Wanted::Read(position) | Wanted::Write(position, _) => position,
        };
        // It is there: the request named it.
        let Some(device) = self.at(position) else {
            return permit.refuse(Wrong::Device.refusal());
        };
        let done = match ask.0 {
            Wanted::Write(_, on) => self.switch(&device, on).map(|()| {
                permit.record(device.name, if on { "on" } else { "off" });
            }),
            _ => Ok(()),
        };
        match done.and_then(|()| self.value(position, &device, uptime)) {
            Ok(value) => permit.json(&mut |json| {
                begin(json, &device);
                value.write(json);
                json.end_object();
            }),
            Err(fault) => permit.refuse(ResourceRefusal {
                description: fault.description(),
                ..FAILED
            }),
        }
    }

    fn answer_list(&mut self, permit: Permit<'_, '_>, uptime: u32) {
        let mut allowed = [false; MAX_DEVICES];
        for (allowed, device) in allowed.iter_mut().zip(self.list()) {
            *allowed = permit.allows(device.read);
        }
        // Whoever may read none is told what it takes to read the first one.
        if let (false, Some(first)) = (allowed.contains(&true), self.list().next()) {
            return permit.insufficient(first.read);
        }
        permit.json(&mut |json| {
            json.begin_object();
            json.begin_array_member("devices");
            for ((position, device), allowed) in (0..).zip(self.list()).zip(allowed) {
                if !allowed {
                    continue;
                }
                begin(json, &device);
                match self.value(position, &device, uptime) {
                    Ok(value) => value.write(json),
                    Err(fault) => failed(json, fault),
                }
                json.end_object();
            }
            json.end_array();
            json.end_object();
        });
    }
}

fn begin(json: &mut Writer<'_>, device: &Device<'_>) {
    json.begin_object();
    json.member_texts(&[("name", Some(device.name)), ("kind", Some(device.kind()))]);
}

fn failed(json: &mut Writer<'_>, fault: Fault) {
    json.member_texts(&[
        ("error", Some(FAILED.error)),
        ("error_description", Some(fault.description())),
    ]);
}
