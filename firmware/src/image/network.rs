//! What a board needs to be found.

use core::net::{Ipv4Addr, SocketAddrV4};

use super::fields::Reader;

/// Network settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network<'a> {
    /// The name to ask DHCP for, and to be called by: 1 to 63 letters, digits
    /// and hyphens (RFC 1123 §2.1).
    pub hostname: Option<&'a str>,
    /// Where its address comes from.
    pub addressing: Addressing,
    /// Where it asks for the time.
    pub sntp: Option<SocketAddrV4>,
}

/// Where an address comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addressing {
    /// RFC 2131.
    Dhcp,
    /// It is configured.
    Static {
        /// The address, one host's.
        address: Ipv4Addr,
        /// The bits of the network's part, 1 to 32.
        prefix: u8,
        /// The way out, in the same network.
        gateway: Option<Ipv4Addr>,
    },
}

impl<'a> Network<'a> {
    /// Whether it can be.
    #[must_use]
    pub fn is_possible(&self) -> bool {
        let server = |server: SocketAddrV4| is_host(*server.ip()) && server.port() != 0;
        self.hostname.is_none_or(is_label)
            && self.addressing.is_possible()
            && self.sntp.is_none_or(server)
    }

    pub(super) fn read(from: &mut Reader<'a>) -> Option<Self> {
        let network = Network {
            hostname: from.optional(Reader::text)?,
            addressing: match from.u8()? {
                0 => Addressing::Dhcp,
                1 => Addressing::Static {
                    address: address(from)?,
                    prefix: from.u8()?,
                    gateway: from.optional(address)?,
                },
                _ => return None,
            },
            sntp: from.optional(|from| Some(SocketAddrV4::new(address(from)?, from.u16()?)))?,
        };
        network.is_possible().then_some(network)
    }
}

impl Addressing {
    fn is_possible(&self) -> bool {
        let Addressing::Static {
            address,
            prefix,
            gateway,
        } = self
        else {
            return true;
        };
        let beyond = u32::MAX.checked_shr((*prefix).into()).unwrap_or(0);
        let near = |gateway: Ipv4Addr| (gateway.to_bits() ^ address.to_bits()) & !beyond == 0;
        (1..=32).contains(prefix)
            && is_host(*address)
            && gateway
                .is_none_or(|gateway| is_host(gateway) && gateway != *address && near(gateway))
    }
}

fn address(from: &mut Reader<'_>) -> Option<Ipv4Addr> {
    from.array().map(|octets: &[u8; 4]| Ipv4Addr::from(*octets))
}

fn is_host(address: Ipv4Addr) -> bool {
    !(address.is_unspecified()
        || address.is_loopback()
        || address.is_multicast()
        || address.is_broadcast())
}

fn is_label(name: &str) -> bool {
    (1..=63).contains(&name.len())
        && name
            .bytes()
            .all(|octet| octet.is_ascii_alphanumeric() || octet == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-')
}
