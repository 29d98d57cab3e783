//! `[server]`: address, patience and proxies of the desktop's side.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use ipnet::IpNet;
use smallgate_core::time::Seconds;
use smallgate_firmware::http::{Peer, Subnet};
use smallgate_firmware::image::{Image, Timeouts};
use toml::{Spanned, Value};

use super::fault::{ConfigError, Fault, SourceText};
use super::file::{File, ServerTable};
use super::tls::Tls;
use super::values::{count, seconds};

/// Where to listen if nobody says.
pub(crate) const DEFAULT_LISTEN: SocketAddr =
    SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8080);

/// How the desktop serves.
#[derive(Clone, Debug)]
pub(crate) struct ServerSettings {
    /// Where to listen; `--listen` goes before it.
    pub(crate) listen: Option<SocketAddr>,
    /// Where counters are shown, if anywhere.
    pub(crate) metrics: Option<SocketAddr>,
    /// How long the head of a request may take, from its first octet, or from
    /// the connection's start.
    pub(crate) header_timeout: Duration,
    /// How long a body may take.
    pub(crate) body_timeout: Duration,
    /// How long a connection may be idle between requests.
    pub(crate) idle_timeout: Duration,
    /// How long requests may take that are being answered when the server stops.
    pub(crate) stop_timeout: Duration,
    /// How many connections there may be at once; more wait.
    pub(crate) connections: usize,
    /// How many of them may come from one source; more are closed.
    pub(crate) connections_per_source: usize,
    /// Whose `X-Forwarded-For` is believed.
    pub(crate) trusted_proxies: Vec<Subnet>,
    /// What the gateway proves itself with, if it is to speak TLS.
    pub(crate) tls: Option<Tls>,
}

impl ServerSettings {
    /// Who a connection from `address` is.
    pub(crate) fn peer(&self, address: IpAddr) -> Peer<'_> {
        Peer {
            address,
            trusted_proxies: &self.trusted_proxies,
        }
    }

    /// Whether what is sent to `address` may be read on its way: that is beyond this
    /// computer, and neither TLS nor a proxy that could speak it is configured.
    pub(crate) fn can_be_overheard(&self, address: IpAddr) -> bool {
        let is_here = address.to_canonical().is_loopback();
        !is_here && self.tls.is_none() && self.trusted_proxies.is_empty()
    }

    /// What an image says, and elsewhere what holds where nothing is configured.
    pub(crate) fn of_image(image: &Image<'_>) -> Result<Self, ConfigError> {
        let standard = Self::of_table(&ServerTable::default()).map_err(|fault| {
            SourceText {
                name: "the defaults".to_owned(),
                text: String::new(),
            }
            .error(&fault)
        })?;
        let Timeouts { head, body, idle } = image.timeouts();
        let or = |length: Option<Seconds>, otherwise| {
            length.map_or(otherwise, |length| Duration::from_secs(length.0.into()))
        };
        Ok(ServerSettings {
            header_timeout: or(head, standard.header_timeout),
            body_timeout: or(body, standard.body_timeout),
            idle_timeout: or(idle, standard.idle_timeout),
            trusted_proxies: image.trusted_proxies().collect(),
            ..standard
        })
    }

    /// What `file` says; paths in it start from `folder`.
    pub(super) fn new(file: &File, folder: &Path) -> Result<Self, Fault> {
        let tls = file.server.tls.as_ref();
        Ok(ServerSettings {
            metrics: metrics(file)?,
            tls: tls.map(|table| Tls::read(table, folder)).transpose()?,
            ..Self::of_table(&file.server)?
        })
    }

    fn of_table(table: &ServerTable) -> Result<Self, Fault> {
        let connections = count(table.connections.as_ref(), 1024, 65_536)?;
        Ok(ServerSettings {
            listen: table.listen.as_ref().map(listen).transpose()?,
            metrics: None,
            header_timeout: duration(table.header_timeout.as_ref(), 10)?,
            body_timeout: duration(table.body_timeout.as_ref(), 10)?,
            idle_timeout: duration(table.idle_timeout.as_ref(), 60)?,
            stop_timeout: duration(table.stop_timeout.as_ref(), 5)?,
            connections,
            connections_per_source: count(
                table.connections_per_source.as_ref(),
                connections.div_ceil(4),
                connections,
            )?,
            trusted_proxies: trusted_proxies(table)?,
            tls: None,
        })
    }
}

fn listen(value: &Spanned<String>) -> Result<SocketAddr, Fault> {
    value.get_ref().parse().map_err(|_| {
        Fault::new(
            value,
            format!("`{}` is no address with a port", value.get_ref()),
        )
        .remedy("write it as \"127.0.0.1:8080\" or \"[::1]:8080\"; port 0 picks one")
    })
}

/// Where counters are shown; that is no address of the gateway's own.
fn metrics(file: &File) -> Result<Option<SocketAddr>, Fault> {
    let Some(table) = &file.metrics else {
        return Ok(None);
    };
    let value = &table.get_ref().listen;
    let address = listen(value)?;
    let gateway = file.server.listen.as_ref().map(listen).transpose()?;
    match gateway.unwrap_or(DEFAULT_LISTEN) == address && address.port() != 0 {
        true => Err(Fault::new(value, "the gateway itself listens there")
            .remedy("use another port, such as \"127.0.0.1:9464\"")),
        false => Ok(Some(address)),
    }
}

/// The proxies to believe.
pub(super) fn trusted_proxies(table: &ServerTable) -> Result<Vec<Subnet>, Fault> {
    table.trusted_proxies.iter().map(subnet).collect()
}

/// How long clients may take, where the file says.
pub(super) fn timeouts(table: &ServerTable) -> Result<Timeouts, Fault> {
    let length = |value: &Option<Spanned<Value>>| value.as_ref().map(positive).transpose();
    Ok(Timeouts {
        head: length(&table.header_timeout)?,
        body: length(&table.body_timeout)?,
        idle: length(&table.idle_timeout)?,
    })
}

fn subnet(value: &Spanned<String>) -> Result<Subnet, Fault> {
    let text = value.get_ref();
    text.parse::<IpNet>()
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
        .ok()
        .and_then(|net| Subnet::new(net.addr(), net.prefix_len()))
        .ok_or_else(|| {
            Fault::new(value, format!("`{text}` is no network"))
                .remedy("write it as \"127.0.0.1/32\" or \"2001:db8::/32\"")
        })
}

fn duration(value: Option<&Spanned<Value>>, otherwise: u64) -> Result<Duration, Fault> {
    let length = value.map(positive).transpose()?;
    let length = length.map_or(otherwise, |length| length.0.into());
    Ok(Duration::from_secs(length))
}

fn positive(value: &Spanned<Value>) -> Result<Seconds, Fault> {
    match seconds(value)? {
        Seconds(0) => Err(Fault::new(value, "no time at all").remedy("use at least 1 second")),
        length => Ok(length),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_reached_from_elsewhere_without_tls_can_be_overheard() {
        let settings = |proxies: &[&str]| {
            let trusted_proxies = proxies
                .iter()
                .map(|net| Spanned::new(0..0, (*net).to_owned()));
            let table = ServerTable {
                trusted_proxies: trusted_proxies.collect(),
                ..ServerTable::default()
            };
            ServerSettings::of_table(&table).unwrap()
        };
        let heard = |address: &str, proxies: &[&str]| {
            settings(proxies).can_be_overheard(address.parse().unwrap())
        };
        for here in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            assert!(!heard(here, &[]), "{here}");
        }
        for elsewhere in ["0.0.0.0", "::", "192.0.2.1", "2001:db8::1"] {
            assert!(heard(elsewhere, &[]), "{elsewhere}");
            assert!(!heard(elsewhere, &["192.0.2.0/24"]), "{elsewhere}");
        }
    }
}
