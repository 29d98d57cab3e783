//! Which servers, which bucket, and how to be let in.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use async_nats::{Client, ConnectError, ConnectOptions, ServerAddr};
use zeroize::Zeroizing;

/// The bucket where the command line names none.
const BUCKET: &str = "smallgate";

/// How often a silent connection is tried. Two that are not answered end it.
const PING: Duration = Duration::from_secs(1);

/// The servers and the bucket, as the command line names them.
#[derive(Clone, Debug)]
pub(crate) struct Cluster {
    hosts: String,
    servers: Vec<ServerAddr>,
    pub(super) bucket: String,
    is_tls: bool,
}

/// `[store]` of a configuration.
#[derive(Clone)]
pub(crate) struct Settings {
    /// On how many servers each grant is kept, in a bucket that is made.
    pub(crate) replicas: usize,
    /// How many grants there may be in a bucket that is made.
    pub(crate) grants: usize,
    /// Name and password.
    pub(crate) user: Option<(String, Zeroizing<String>)>,
    /// Who vouches for the servers' certificates, besides whom this computer
    /// trusts.
    pub(crate) ca: Option<PathBuf>,
    /// A certificate of this gateway's own, and its key.
    pub(crate) certificate: Option<(PathBuf, PathBuf)>,
}

impl Settings {
    /// How many grants a bucket holds: 100 MB or so.
    pub(crate) const GRANTS: usize = 500_000;
    /// How many servers have each: one may be lost.
    pub(crate) const REPLICAS: usize = 3;
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            replicas: Self::REPLICAS,
            grants: Self::GRANTS,
            user: None,
            ca: None,
            certificate: None,
        }
    }
}

impl Cluster {
    /// Reads `nats://HOST:PORT,HOST:PORT/BUCKET`, or the same with `tls://`.
    /// `None` is something else.
    pub(crate) fn parse(text: &str) -> Option<Result<Self, String>> {
        let (scheme, rest) = ["nats", "tls"].into_iter().find_map(|scheme| {
            let rest = text.strip_prefix(scheme)?.strip_prefix("://")?;
            Some((scheme, rest))
        })?;
        Some(Self::of(scheme, rest))
    }

    fn of(scheme: &str, rest: &str) -> Result<Self, String> {
        let (hosts, bucket) = rest.split_once('/').unwrap_or((rest, BUCKET));
        if hosts.contains('@') {
            return Err(
                "a password is not for the command line, where others see it: write `user` and `password` into [store] of the configuration".to_owned(),
            );
        }
        let is_name = |octet: u8| octet.is_ascii_alphanumeric() || b"-_".contains(&octet);
        if bucket.is_empty() || !bucket.bytes().all(is_name) {
            return Err(format!(
                "`{bucket}` is no bucket's name: use letters, digits, - and _"
            ));
        }
        let servers = hosts.split(',').map(|host| {
            let address = (!host.is_empty()).then(|| format!("{scheme}://{host}").parse());
            address
                .and_then(Result::ok)
                .ok_or_else(|| format!("`{host}` is no server: use nats://HOST:PORT,HOST:PORT"))
        });
        Ok(Cluster {
            hosts: hosts.to_owned(),
            servers: servers.collect::<Result<_, _>>()?,
            bucket: bucket.to_owned(),
            is_tls: scheme == "tls",
        })
    }

    /// Connects to one of the servers, and to another when that is gone.
    pub(super) async fn connect(&self, settings: &Settings) -> Result<Client, ConnectError> {
        let mut options = ConnectOptions::new()
            .name("smallgate")
            .ping_interval(PING)
            .connection_timeout(Duration::from_secs(1))
            .reconnect_delay_callback(|_| Duration::from_millis(100))
            // Those that are named, and not what they say of each other: there may
            // be proxies, and certificates hold for names.
            .ignore_discovered_servers();
        if let Some((user, password)) = &settings.user {
            options = options.user_and_password(user.clone(), password.to_string());
        }
        if let Some(ca) = &settings.ca {
            options = options.add_root_certificates(ca.clone());
        }
        if let Some((certificate, key)) = &settings.certificate {
            options = options.add_client_certificate(certificate.clone(), key.clone());
        }
        let is_tls = self.is_tls || settings.ca.is_some() || settings.certificate.is_some();
        let connecting = options.require_tls(is_tls).connect(&self.servers[..]);
        connecting.await
    }
}

impl fmt::Display for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hosts, bucket) = (&self.hosts, &self.bucket);
        write!(f, "{hosts}/{bucket}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        match Cluster::parse(text) {
            Some(Err(error)) => error,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn servers_and_bucket_are_read() {
        let read = |text: &str| Cluster::parse(text).map(|cluster| cluster.unwrap().to_string());
        let two = "nats://a.example:4222,[::1]:4223/grants";
        assert_eq!(
            read(two).as_deref(),
            Some("a.example:4222,[::1]:4223/grants")
        );
        assert_eq!(read("tls://b").as_deref(), Some("b/smallgate"));
        assert!(Cluster::parse("file:grants.bin").is_none());
        assert!(Cluster::parse("memory").is_none());
    }

    #[test]
    fn what_is_no_server_is_refused_and_no_secret_is_said() {
        assert!(refused("nats://").contains("is no server"));
        assert!(refused("nats://a,,b").contains("is no server"));
        assert!(refused("nats://a/grants.*").contains("no bucket's name"));
        let error = refused("nats://gateway:hush@a");
        assert!(
            error.contains("[store]") && !error.contains("hush"),
            "{error}"
        );
    }
}
