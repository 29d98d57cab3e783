//! How connections are served.

use core::net::IpAddr;

use smallgate_core::time::Seconds;

use super::entries::Entry;
use super::fields::Reader;
use crate::http::Subnet;

/// How long a client may take, where the configuration says; elsewhere it is
/// the host's to say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timeouts {
    /// For a head.
    pub head: Option<Seconds>,
    /// For a body.
    pub body: Option<Seconds>,
    /// Between an answer and the next request.
    pub idle: Option<Seconds>,
}

impl Timeouts {
    pub(super) fn all(&self) -> [Option<Seconds>; 3] {
        [self.head, self.body, self.idle]
    }

    pub(super) fn read(from: &mut Reader<'_>) -> Option<Self> {
        let timeouts = Timeouts {
            head: from.optional(Reader::seconds)?,
            body: from.optional(Reader::seconds)?,
            idle: from.optional(Reader::seconds)?,
        };
        (!timeouts.all().contains(&Some(Seconds(0)))).then_some(timeouts)
    }
}

impl<'a> Entry<'a> for Subnet {
    fn read(from: &mut Reader<'a>) -> Option<Self> {
        let address = match from.u8()? {
            4 => IpAddr::from(*from.array::<4>()?),
            6 => IpAddr::from(*from.array::<16>()?),
            _ => return None,
        };
        Subnet::new(address, from.u8()?)
    }
}
