//! Events, in the words of the other hosts' logs.

use core::ffi::c_void;
use core::fmt::Write as _;
use core::net::IpAddr;

use heapless::String;
use smallgate_core::bearer::BearerError;
use smallgate_core::codec::base64url;
use smallgate_core::oauth::{Account, Configuration, Event, Reason};
use smallgate_firmware::events::Gravity;

use crate::header;
use crate::validate::CText;

/// `smallgate_source` of the header.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct CSource {
    pub(crate) family: u8,
    pub(crate) address: [u8; 16],
}

impl CSource {
    pub(crate) fn of(address: Option<IpAddr>) -> Self {
        let mut room = [0; 16];
        let family = match address {
            None => 0,
            Some(IpAddr::V4(address)) => {
                for (to, from) in room.iter_mut().zip(address.octets()) {
                    *to = from;
                }
                4
            }
            Some(IpAddr::V6(address)) => {
                room = address.octets();
                6
            }
        };
        CSource {
            family,
            address: room,
        }
    }
}

/// `smallgate_event` of the header.
#[repr(C)]
pub(crate) struct CEvent {
    pub(crate) kind: u32,
    pub(crate) gravity: u32,
    pub(crate) name: CText,
    pub(crate) grant_type: CText,
    pub(crate) client: CText,
    pub(crate) subject: CText,
    pub(crate) id: CText,
    pub(crate) cause: CText,
    pub(crate) algorithm: CText,
    pub(crate) key: CText,
    pub(crate) keys: u32,
    pub(crate) source: CSource,
}

impl CEvent {
    const NOTHING: CEvent = CEvent {
        kind: 0,
        gravity: header::GRAVITY_MISTAKEN,
        name: CText::NONE,
        grant_type: CText::NONE,
        client: CText::NONE,
        subject: CText::NONE,
        id: CText::NONE,
        cause: CText::NONE,
        algorithm: CText::NONE,
        key: CText::NONE,
        keys: 0,
        source: CSource {
            family: 0,
            address: [0; 16],
        },
    };
}

/// The callback of [`CEvent`]s.
pub(crate) type Listener = unsafe extern "C" fn(*mut c_void, *const CEvent);

/// What an event says, before its texts are in their place.
struct Said<'e> {
    kind: u32,
    name: &'static str,
    gravity: Gravity,
    grant_type: Option<&'e str>,
    client: Option<&'e str>,
    subject: Option<&'e str>,
    id: Option<&'e [u8]>,
    cause: Cause,
}

/// Room for the words of a cause: the longest are a third of it.
type Words = String<192>;

enum Cause {
    None,
    Fixed(&'static str),
    Refusal(smallgate_core::oauth::Refusal),
    Bearer(BearerError),
}

/// Tells `listener` of an event.
#[inline(never)]
pub(crate) fn tell(
    listener: Listener,
    context: *mut c_void,
    event: &Event<'_>,
    source: Option<IpAddr>,
) {
    let Some(said) = said(event) else {
        return;
    };
    let mut id = [0; base64url::encoded_len(16)];
    let id = said
        .id
        .and_then(|octets| base64url::encode(octets, &mut id).ok());
    let mut words = Words::new();
    let written = match said.cause {
        Cause::None => Ok(()),
        Cause::Fixed(text) => words.write_str(text),
        Cause::Refusal(cause) => write!(words, "{cause}"),
        Cause::Bearer(cause) => write!(words, "{cause}"),
    };
    // What does not fit is cut off.
    let _cut = written;
    let text = |text: Option<&str>| text.map_or(CText::NONE, CText::of);
    let event = CEvent {
        kind: said.kind,
        gravity: match said.gravity {
            Gravity::Mistaken => header::GRAVITY_MISTAKEN,
            Gravity::Suspicious => header::GRAVITY_SUSPICIOUS,
            Gravity::Broken => header::GRAVITY_BROKEN,
        },
        name: CText::of(said.name),
        grant_type: text(said.grant_type),
        client: text(said.client),
        subject: text(said.subject),
        id: text(id),
        cause: text((!words.is_empty()).then_some(words.as_str())),
        source: CSource::of(source),
        ..CEvent::NOTHING
    };
    // SAFETY: the callback is the caller's, called as the header says: with an event to read until
    // it returns.
    unsafe { listener(context, &raw const event) };
}

/// Tells `listener` which key signs, and how many verify.
#[inline(never)]
pub(crate) fn tell_key(
    listener: Listener,
    context: *mut c_void,
    configuration: &Configuration<'_>,
) {
    let signer = configuration.signer;
    let event = CEvent {
        kind: header::EVENT_SIGNING_KEY,
        name: CText::of("signing_key"),
        algorithm: CText::of(signer.algorithm().name()),
        key: signer.key_id().map_or(CText::NONE, CText::of),
        keys: u32::try_from(configuration.verifiers.len()).unwrap_or(u32::MAX),
        ..CEvent::NOTHING
    };
    // SAFETY: as in `tell`.
    unsafe { listener(context, &raw const event) };
}

fn said<'e>(event: &'e Event<'_>) -> Option<Said<'e>> {
    let plain = |kind, name, gravity| Said {
        kind,
        name,
        gravity,
        grant_type: None,
        client: None,
        subject: None,
        id: None,
        cause: Cause::None,
    };
    Some(match event {
        Event::Issued {
            grant_type,
            client,
            subject,
            jwt_id,
        } => Said {
            grant_type: Some(grant_type.name()),
            client: Some(client),
            subject: Some(subject),
            id: Some(&jwt_id.0),
            ..plain(header::EVENT_ISSUED, "issued", Gravity::Mistaken)
        },
        Event::CodeIssued {
            client,
            subject,
            grant,
        } => Said {
            client: Some(client),
            subject: Some(subject),
            id: Some(&grant.0),
            ..plain(header::EVENT_CODE_ISSUED, "code_issued", Gravity::Mistaken)
        },
        Event::GaveWay { grant, client } => Said {
            client: *client,
            id: Some(&grant.0),
            ..plain(header::EVENT_GAVE_WAY, "gave_way", Gravity::Suspicious)
        },
        Event::Refused { client, cause } => Said {
            client: *client,
            cause: Cause::Refusal(*cause),
            ..plain(header::EVENT_REFUSED, "refused", Gravity::of(*cause))
        },
        Event::LockedOut { account, client } => Said {
            client: *client,
            cause: Cause::Fixed(match account {
                Account::Client => "Client",
                Account::User => "User",
                Account::Source => "Source",
            }),
            ..plain(header::EVENT_LOCKED_OUT, "locked_out", Gravity::Suspicious)
        },
        Event::Revoked {
            grant,
            client,
            reason,
        } => Said {
            client: Some(client),
            id: Some(&grant.0),
            cause: Cause::Fixed(match reason {
                Reason::CodeReplayed => "CodeReplayed",
                Reason::RefreshReused => "RefreshReused",
                Reason::Requested => "Requested",
                Reason::Exhausted => "Exhausted",
                Reason::GaveWay => "GaveWay",
            }),
            ..plain(header::EVENT_REVOKED, "revoked", Gravity::Suspicious)
        },
        Event::FromTheFuture { grant, client } => Said {
            client: Some(client),
            id: Some(&grant.0),
            ..plain(
                header::EVENT_FROM_THE_FUTURE,
                "from_the_future",
                Gravity::Broken,
            )
        },
        Event::ResourceRefused {
            cause,
            client,
            jwt_id,
        } => Said {
            client: *client,
            id: jwt_id.as_ref().map(|jwt_id| jwt_id.0.as_slice()),
            cause: Cause::Bearer(*cause),
            ..plain(
                header::EVENT_RESOURCE_REFUSED,
                "resource_refused",
                Gravity::Mistaken,
            )
        },
        // Resources are changed by the caller, who knows. The core may learn to tell more.
        _ => return None,
    })
}
