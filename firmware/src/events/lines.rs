//! The lines of the log.

use core::net::Ipv4Addr;

use defmt::{Format, Formatter, error, info, warn};
use smallgate_core::codec::base64url;
use smallgate_core::http::Source;
use smallgate_core::oauth::{Configuration, Event};
use smallgate_core::time::UnixTime;

use super::Gravity;
use super::cause::Words;
use crate::clock::{Correction, TimeRefused, TimeSource};
use crate::devices::Fault;
use crate::entropy::EntropyFailed;
use crate::http::{Ended, Refused};
use crate::image::ImageError;
use crate::rtc::RtcError;
use crate::sntp::SntpError;
use crate::store::{OpenError, Usage};
use crate::vitals::Consulted;

/// Logs what is served, as the desktop does at its start: `devices` of them, and
/// whether it is a demonstration.
#[inline(never)]
pub fn start(served: &Configuration<'_>, devices: usize, demonstration: bool) {
    info!(
        "event=\"start\" profile={=str:?} issuer={=str:?} audience={=str:?} clients={=usize} users={=usize} devices={=usize}",
        served.profile.name,
        served.issuer,
        served.audience,
        served.clients.len(),
        served.users.len(),
        devices
    );
    info!(
        "event=\"signing_key\" alg={=str:?} kid={=str:?} verifying={=usize}",
        served.signer.algorithm().name(),
        served.signer.key_id().unwrap_or_default(),
        served.verifiers.len()
    );
    if demonstration {
        warn!("demo = true: secrets may be guessable. Not for anything but a demonstration");
    }
}

/// Logs that requests are answered, at this address.
pub fn listening(address: Ipv4Addr, port: u16) {
    let [a, b, c, d] = address.octets();
    info!(
        "event=\"listening\" address={=u8}.{=u8}.{=u8}.{=u8} port={=u16}",
        a, b, c, d, port
    );
}

/// Logs that grants are kept, and how full and how worn what keeps them is.
pub fn store(usage: Usage) {
    info!(
        "event=\"store\" used={=usize} slots={=usize} erasures={=u32}",
        usage.used,
        usage.slots,
        usage.erasures()
    );
}

/// Logs that no grants are kept: once, until they are again.
pub fn store_failed(cause: OpenError) {
    error!("event=\"store_failed\" cause={}", cause);
}

/// Logs that so many grants could not be read any more since the store was opened.
pub fn store_spoiled(grants: u16) {
    error!("event=\"store_spoiled\" grants={=u16}", grants);
}

/// Logs what an exchange reports: what
/// [`Surroundings::event`](crate::http::Surroundings::event) is told.
pub fn event(event: &Event<'_>, source: Source) {
    let line = Line { event, source };
    let gravity = match *event {
        Event::FromTheFuture { .. } => Gravity::Broken,
        Event::GaveWay { .. } | Event::LockedOut { .. } | Event::Revoked { .. } => {
            Gravity::Suspicious
        }
        Event::Refused { cause, .. } => Gravity::of(cause),
        _ => Gravity::Mistaken,
    };
    match gravity {
        Gravity::Broken => error!("{}", line),
        Gravity::Suspicious => warn!("{}", line),
        Gravity::Mistaken => info!("{}", line),
    }
}

/// What an exchange reports. It is written in one place whatever its level is,
/// which takes less flash than a macro of each level at each event.
struct Line<'e> {
    event: &'e Event<'e>,
    source: Source,
}

impl Format for Line<'_> {
    #[inline(never)]
    fn format(&self, f: Formatter<'_>) {
        match *self.event {
            Event::Issued {
                grant_type,
                client,
                subject,
                jwt_id,
            } => defmt::write!(
                f,
                "event=\"issued\" grant_type={=str:?} client={=str:?} subject={=str:?} jti={}",
                grant_type.name(),
                client,
                subject,
                Id(&jwt_id.0)
            ),
            Event::CodeIssued {
                client,
                subject,
                grant,
            } => defmt::write!(
                f,
                "event=\"code_issued\" client={=str:?} subject={=str:?} grant={}",
                client,
                subject,
                Id(&grant.0)
            ),
            Event::GaveWay { grant, client } => defmt::write!(
                f,
                "event=\"gave_way\" grant={}{}",
                Id(&grant.0),
                Client(client)
            ),
            Event::Refused { client, cause } => defmt::write!(
                f,
                "event=\"refused\"{} cause={}",
                Client(client),
                Words(cause)
            ),
            Event::LockedOut { account, client } => defmt::write!(
                f,
                "event=\"locked_out\" account={}{}",
                account,
                Client(client)
            ),
            Event::Revoked {
                grant,
                client,
                reason,
            } => defmt::write!(
                f,
                "event=\"revoked\" grant={}{} reason={}",
                Id(&grant.0),
                Client(Some(client)),
                reason
            ),
            Event::FromTheFuture { grant, client } => defmt::write!(
                f,
                "event=\"from_the_future\" grant={}{}",
                Id(&grant.0),
                Client(Some(client))
            ),
            Event::ResourceChanged {
                resource,
                state,
                client,
                subject,
            } => {
                defmt::write!(
                    f,
                    "event=\"resource_changed\" resource={=str:?} state={=str:?}{}",
                    resource,
                    state,
                    Client(client)
                );
                if let Some(subject) = subject {
                    defmt::write!(f, " subject={=str:?}", subject);
                }
            }
            Event::ResourceRefused {
                cause,
                client,
                jwt_id,
            } => {
                defmt::write!(f, "event=\"resource_refused\"{}", Client(client));
                if let Some(jwt_id) = jwt_id {
                    defmt::write!(f, " jti={}", Id(&jwt_id.0));
                }
                defmt::write!(f, " cause={}", Words(cause));
            }
            // The core may learn to tell more.
            _ => defmt::write!(f, "event=\"other\""),
        }
        defmt::write!(f, " source={}", self.source);
    }
}

/// Logs how a connection ended, if it was not as it should be.
pub fn connection(ended: Ended, source: Source) {
    match ended {
        Ended::ByClient | Ended::AfterAnswer | Ended::Idle => {}
        Ended::Refused(Refused::Unable) => error!("event=\"unable\" source={}", source),
        Ended::TooLong | Ended::Refused(_) | Ended::Unread | Ended::Broken => info!(
            "event=\"connection_ended\" cause={} source={}",
            ended, source
        ),
    }
}

/// Logs why the board does not start with its provisioning image. Positions in
/// it are counted from 0, and not as the desktop prints them.
pub fn image(cause: ImageError) {
    error!("event=\"image_refused\" cause={}", cause);
}

/// Logs that the source of entropy failed, or is healthy now: when that changes.
pub fn entropy(health: Result<(), EntropyFailed>) {
    match health {
        Ok(()) => info!("event=\"entropy_healthy\""),
        Err(cause) => error!("event=\"entropy_failed\" cause={}", cause),
    }
}

/// Logs what
/// [`TrustedClock::synchronise`](crate::clock::TrustedClock::synchronise)
/// answered, unless nothing came of it.
pub fn clock(source: TimeSource, time: UnixTime, taken: Result<Correction, TimeRefused>) {
    match taken {
        Ok(Correction::First) => {
            info!("event=\"clock_set\" time={=u64} from={}", time.0, source);
        }
        Ok(Correction::Agrees | Correction::Outranked) => {}
        Ok(Correction::Forward(by)) => info!(
            "event=\"clock_forward\" seconds={=u32} from={}",
            by.0, source
        ),
        Ok(Correction::Back(by)) => {
            warn!("event=\"clock_back\" seconds={=u32} from={}", by.0, source);
        }
        Err(cause) => warn!(
            "event=\"time_refused\" cause={} time={=u64} from={}",
            cause, time.0, source
        ),
    }
}

/// Logs that the real-time clock does not tell the time.
pub fn rtc(cause: RtcError) {
    warn!("event=\"rtc_failed\" cause={}", cause);
}

/// Logs what came of
/// [`Vitals::consult`](crate::vitals::Vitals::consult).
pub fn consulted(outcome: Consulted) {
    if let Some((time, taken)) = outcome.told {
        clock(TimeSource::RealTimeClock, time, taken);
    }
    if let Some(cause) = outcome.failed {
        rtc(cause);
    }
    if let Some(time) = outcome.set {
        info!("event=\"rtc_set\" time={=u64}", time.0);
    }
}

/// Logs that a server does not tell the time.
pub fn sntp(cause: SntpError) {
    warn!("event=\"sntp_failed\" cause={}", cause);
}

/// A client's id as a field, if there is one.
struct Client<'e>(Option<&'e str>);

impl Format for Client<'_> {
    #[inline(never)]
    fn format(&self, f: Formatter<'_>) {
        if let Some(client) = self.0 {
            defmt::write!(f, " client={=str:?}", client);
        }
    }
}

/// A `jti` or the id of a grant, in base64url.
struct Id<'e>(&'e [u8]);

/// Of the longest: a `jti` has 16 octets.
const ID: usize = base64url::encoded_len(16);

impl Format for Id<'_> {
    #[inline(never)]
    fn format(&self, f: Formatter<'_>) {
        let mut room = [0; ID];
        let text = base64url::encode(self.0, &mut room).unwrap_or_default();
        defmt::write!(f, "{=str:?}", text);
    }
}

/// Logs how a device is, now that it is not as it was.
pub fn device(name: &str, health: Result<(), Fault>) {
    match health {
        Ok(()) => info!("event=\"device\" device={=str:?} it answers", name),
        Err(cause) => warn!("event=\"device\" device={=str:?} cause={}", name, cause),
    }
}
