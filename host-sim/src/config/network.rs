//! `[network]`: how a board is found.

use std::net::{Ipv4Addr, SocketAddrV4};

use ipnet::Ipv4Net;
use smallgate_firmware::image::{Addressing, Network};
use smallgate_firmware::sntp::PORT;
use toml::Spanned;

use super::fault::Fault;
use super::file::NetworkTable;
use crate::region::Region;

/// Reads the table.
pub(super) fn network<'r>(
    region: &'r Region,
    table: &Spanned<NetworkTable>,
) -> Result<Network<'r>, Fault> {
    let NetworkTable {
        hostname,
        address,
        gateway,
        sntp,
    } = table.get_ref();
    let addressing = match (address, gateway) {
        (None, None) => Addressing::Dhcp,
        (None, Some(gateway)) => {
            return Err(Fault::new(gateway, "a gateway without an address")
                .remedy("add `address`, or leave both out for DHCP"));
        }
        (Some(address), gateway) => {
            let network: Ipv4Net = address.get_ref().parse().map_err(|_| {
                Fault::new(
                    address,
                    format!("`{}` is no IPv4 address with a prefix", address.get_ref()),
                )
                .remedy("write it as \"192.0.2.10/24\"")
            })?;
            Addressing::Static {
                address: network.addr(),
                prefix: network.prefix_len(),
                gateway: gateway.as_ref().map(ipv4).transpose()?,
            }
        }
    };
    let network = Network {
        hostname: hostname.as_deref().map(|name| region.text(name)),
        addressing,
        sntp: sntp.as_ref().map(server).transpose()?,
    };
    if network.is_possible() {
        return Ok(network);
    }
    Err(Fault::new(table, "the network is none that can be").remedy(
        "one host's address, a gateway in the same network, an SNTP server that is one host, and a hostname of 1 to 63 letters, digits and hyphens",
    ))
}

fn ipv4(value: &Spanned<String>) -> Result<Ipv4Addr, Fault> {
    value.get_ref().parse().map_err(|_| {
        Fault::new(value, format!("`{}` is no IPv4 address", value.get_ref()))
            .remedy("write it as \"192.0.2.1\"")
    })
}

/// An address, with a port where it is not SNTP's.
fn server(value: &Spanned<String>) -> Result<SocketAddrV4, Fault> {
    let text = value.get_ref();
    let alone = || text.parse().map(|address| SocketAddrV4::new(address, PORT));
    text.parse().or_else(|_| alone()).map_err(|_| {
        Fault::new(value, format!("`{text}` is no IPv4 address"))
            .remedy("write it as \"192.0.2.1\", or \"192.0.2.1:123\": boards look up no names")
    })
}
