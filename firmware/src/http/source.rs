//! Where a request comes from, behind proxies too. The desktop asks here as
//! well, so that a client is the same one to both.

use core::net::IpAddr;

use smallgate_core::http::Source;

use super::address;

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer<'p> {
    /// Its address.
    pub address: IpAddr,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: &'p [Subnet],
}

impl Peer<'_> {
    /// The address of a request with these values of `X-Forwarded-For`, in
    /// their order: the rightmost address in them that is no trusted proxy's.
    /// What stands left of it was written by somebody whom nobody vouches for.
    ///
    /// An entry that is no address ends the walk: then it is the proxy that
    /// wrote it.
    pub fn origin<'h>(&self, forwarded: impl DoubleEndedIterator<Item = &'h [u8]>) -> IpAddr {
        let mut nearest = self.address.to_canonical();
        for value in forwarded.rev() {
            for entry in value.rsplit(|octet| *octet == b',') {
                if !self.trusts(nearest) {
                    return nearest;
                }
                match address::forwarded(entry) {
                    Some(address) => nearest = address.to_canonical(),
                    None => return nearest,
                }
            }
        }
        nearest
    }

    /// Whether it is a trusted proxy itself.
    #[must_use]
    pub fn is_trusted(&self) -> bool {
        self.trusts(self.address.to_canonical())
    }

    fn trusts(&self, address: IpAddr) -> bool {
        let mut trusted = self.trusted_proxies.iter();
        trusted.any(|subnet| subnet.contains(address))
    }
}

/// `address` as the core's throttle wants it.
#[must_use]
pub const fn source(address: IpAddr) -> Source {
    match address {
        IpAddr::V4(address) => Source::v4(address.octets()),
        IpAddr::V6(address) => Source::v6(address.octets()),
    }
}

/// The addresses that begin with the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subnet {
    address: IpAddr,
    prefix: u8,
}

impl Subnet {
    /// Those whose first `prefix` bits are `address`'s; `None` if it has not so
    /// many.
    #[must_use]
    pub const fn new(address: IpAddr, prefix: u8) -> Option<Self> {
        let bits = match address {
            IpAddr::V4(_) => 32,
            IpAddr::V6(_) => 128,
        };
        if prefix > bits {
            return None;
        }
        Some(Subnet { address, prefix })
    }

    /// One of the addresses.
    #[must_use]
    pub const fn address(&self) -> IpAddr {
        self.address
    }

    /// How many bits are the same.
    #[must_use]
    pub const fn prefix(&self) -> u8 {
        self.prefix
    }

    /// Whether `address` is one of them. An IPv4 address is none of an IPv6
    /// subnet's.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(ours), IpAddr::V4(other)) => {
                let free = u32::MAX.checked_shr(self.prefix.into()).unwrap_or(0);
                (ours.to_bits() ^ other.to_bits()) & !free == 0
            }
            (IpAddr::V6(ours), IpAddr::V6(other)) => {
                let free = u128::MAX.checked_shr(self.prefix.into()).unwrap_or(0);
                (ours.to_bits() ^ other.to_bits()) & !free == 0
            }
            _ => false,
        }
    }
}
