//! `[server]`: address, patience and proxies of the desktop's side.

use std::net::SocketAddr;
use std::time::Duration;

use ipnet::IpNet;
use smallgate_core::time::Seconds;
use toml::{Spanned, Value};

use super::fault::{ConfigError, Fault, SourceText};
use super::file::ServerTable;
use super::values::{count, seconds_or};

/// How the desktop serves.
#[derive(Clone, Debug)]
pub(crate) struct ServerSettings {
    /// Where to listen; `--listen` goes before it.
    pub(crate) listen: Option<SocketAddr>,
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
    pub(crate) trusted_proxies: Vec<IpNet>,
}

impl ServerSettings {
    /// What holds where nothing is configured.
    pub(crate) fn standard() -> Result<Self, ConfigError> {
        Self::new(&ServerTable::default()).map_err(|fault| {
            SourceText {
                name: "the defaults".to_owned(),
                text: String::new(),
            }
            .error(&fault)
        })
    }

    pub(super) fn new(table: &ServerTable) -> Result<Self, Fault> {
        let connections = count(table.connections.as_ref(), 1024, 65_536)?;
        Ok(ServerSettings {
            listen: table.listen.as_ref().map(listen).transpose()?,
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
            trusted_proxies: table
                .trusted_proxies
                .iter()
                .map(network)
                .collect::<Result<_, _>>()?,
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

fn network(value: &Spanned<String>) -> Result<IpNet, Fault> {
    let text = value.get_ref();
    text.parse::<IpNet>()
        .or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from))
        .map_err(|_| {
            Fault::new(value, format!("`{text}` is no network"))
                .remedy("write it as \"127.0.0.1/32\" or \"2001:db8::/32\"")
        })
}

fn duration(value: Option<&Spanned<Value>>, otherwise: u32) -> Result<Duration, Fault> {
    let length = seconds_or(value, Seconds(otherwise))?;
    match (length, value) {
        (Seconds(0), Some(value)) => {
            Err(Fault::new(value, "no time at all").remedy("use at least 1 second"))
        }
        _ => Ok(Duration::from_secs(length.0.into())),
    }
}
