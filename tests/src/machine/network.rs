//! A network for a board that does not ask for an address.

use std::net::Ipv4Addr;

/// A network of QEMU's for a board whose address is its own choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserNetwork {
    address: Ipv4Addr,
    prefix: u8,
    host: Ipv4Addr,
    resolver: Ipv4Addr,
}

impl UserNetwork {
    /// That of a board at `address`; this machine is its `gateway` there, or
    /// another neighbour without one. None if it holds fewer than three hosts,
    /// which is what QEMU needs.
    pub fn around(address: Ipv4Addr, prefix: u8, gateway: Option<Ipv4Addr>) -> Option<Self> {
        /// QEMU takes no larger one.
        const LARGEST: u8 = 4;
        /// This one holds six hosts.
        const SMALLEST: u8 = 29;
        if !(LARGEST..=SMALLEST).contains(&prefix) {
            return None;
        }
        let mask = u32::MAX << (32 - u32::from(prefix));
        let network = address.to_bits() & mask;
        let mut others = (1..=4)
            .map(|host| Ipv4Addr::from_bits(network | host))
            .filter(|other| *other != address && Some(*other) != gateway);
        let resolver = others.next()?;
        Some(UserNetwork {
            address,
            prefix,
            host: gateway.or_else(|| others.next())?,
            resolver,
        })
    }

    /// As `-nic user` takes it.
    pub(super) fn option(self) -> String {
        let UserNetwork {
            address,
            prefix,
            host,
            resolver,
        } = self;
        let network = address.to_bits() & (u32::MAX << (32 - u32::from(prefix)));
        let network = Ipv4Addr::from_bits(network);
        // Ports are forwarded to the first address that DHCP would give.
        format!(",net={network}/{prefix},host={host},dns={resolver},dhcpstart={address}")
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::UserNetwork;

    #[test]
    fn a_board_has_neighbours_in_its_own_network() {
        let at = |address: [u8; 4], prefix, gateway: Option<[u8; 4]>| {
            UserNetwork::around(address.into(), prefix, gateway.map(Ipv4Addr::from))
                .map(UserNetwork::option)
        };
        assert_eq!(
            at([192, 168, 7, 20], 24, Some([192, 168, 7, 1])).as_deref(),
            Some(",net=192.168.7.0/24,host=192.168.7.1,dns=192.168.7.2,dhcpstart=192.168.7.20")
        );
        assert_eq!(
            at([10, 1, 2, 1], 29, None).as_deref(),
            Some(",net=10.1.2.0/29,host=10.1.2.3,dns=10.1.2.2,dhcpstart=10.1.2.1")
        );
        for prefix in [1, 30, 32] {
            assert_eq!(at([10, 1, 2, 1], prefix, None), None);
        }
    }
}
