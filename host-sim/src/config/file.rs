//! What may stand in a configuration file. A key that is not here is an error.
//!
//! No `Debug` on purpose: secrets may stand in the file.

use serde::Deserialize;
use toml::{Spanned, Value};

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct File {
    pub(super) profile: Option<Spanned<String>>,
    pub(super) issuer: Option<Spanned<String>>,
    pub(super) audience: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) demo: bool,
    pub(super) scopes: Option<Spanned<Vec<String>>>,
    pub(super) rotation: Option<Spanned<String>>,
    pub(super) api_key: Option<Spanned<String>>,
    pub(super) grants_not_before: Option<Spanned<Value>>,
    pub(super) skew: Option<Spanned<Value>>,
    #[serde(default)]
    pub(super) server: ServerTable,
    pub(super) metrics: Option<Spanned<MetricsTable>>,
    #[serde(default)]
    pub(super) store: StoreTable,
    #[serde(default)]
    pub(super) limits: LimitsTable,
    #[serde(default)]
    pub(super) lifetimes: LifetimesTable,
    #[serde(default)]
    pub(super) throttle: ThrottleTable,
    #[serde(default)]
    pub(super) keys: KeysTable,
    pub(super) network: Option<Spanned<NetworkTable>>,
    #[serde(default)]
    pub(super) client: Vec<Spanned<ClientTable>>,
    #[serde(default)]
    pub(super) user: Vec<Spanned<UserTable>>,
    #[serde(default)]
    pub(super) device: Vec<Spanned<DeviceTable>>,
}

/// `[server]`: connections; `board` says what of it a board has.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct ServerTable {
    pub(super) listen: Option<Spanned<String>>,
    pub(super) header_timeout: Option<Spanned<Value>>,
    pub(super) body_timeout: Option<Spanned<Value>>,
    pub(super) idle_timeout: Option<Spanned<Value>>,
    pub(super) stop_timeout: Option<Spanned<Value>>,
    pub(super) connections: Option<Spanned<i64>>,
    pub(super) connections_per_source: Option<Spanned<i64>>,
    #[serde(default)]
    pub(super) trusted_proxies: Vec<Spanned<String>>,
    pub(super) tls: Option<Spanned<TlsTable>>,
}

/// `[server.tls]`: files in PEM.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct TlsTable {
    pub(super) certificate: Spanned<String>,
    pub(super) key: Spanned<String>,
}

/// `[metrics]`: who may count.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct MetricsTable {
    pub(super) listen: Spanned<String>,
}

/// `[store]`: how to keep grants where several gateways do.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct StoreTable {
    pub(super) replicas: Option<Spanned<i64>>,
    pub(super) grants: Option<Spanned<i64>>,
    pub(super) user: Option<Spanned<String>>,
    pub(super) password: Option<Spanned<String>>,
    pub(super) ca: Option<Spanned<String>>,
    pub(super) certificate: Option<Spanned<String>>,
    pub(super) key: Option<Spanned<String>>,
}

/// `[limits]`: bounds on what a request may hold.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct LimitsTable {
    pub(super) body: Option<Spanned<i64>>,
    pub(super) parameters: Option<Spanned<i64>>,
    pub(super) basic: Option<Spanned<i64>>,
    pub(super) token: Option<Spanned<i64>>,
}

/// `[lifetimes]`: instead of the profile's.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct LifetimesTable {
    pub(super) access_token: Option<Spanned<Value>>,
    pub(super) code: Option<Spanned<Value>>,
    pub(super) refresh_idle: Option<Spanned<Value>>,
    pub(super) refresh_absolute: Option<Spanned<Value>>,
    pub(super) grace: Option<Spanned<Value>>,
}

/// `[throttle]`: how many failures, within which time.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct ThrottleTable {
    pub(super) failures: Option<Spanned<i64>>,
    pub(super) window: Option<Spanned<Value>>,
}

/// `[keys]`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct KeysTable {
    pub(super) signing: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) verifying: Vec<Spanned<String>>,
    pub(super) handle: Option<Spanned<String>>,
    pub(super) handle_previous: Option<Spanned<String>>,
    pub(super) slot: Option<Spanned<String>>,
}

/// `[network]`: how a board is found; the desktop has its own.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct NetworkTable {
    pub(super) hostname: Option<String>,
    pub(super) address: Option<Spanned<String>>,
    pub(super) gateway: Option<Spanned<String>>,
    pub(super) sntp: Option<Spanned<String>>,
}

/// `[[client]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct ClientTable {
    pub(super) id: Spanned<String>,
    pub(super) secret: Option<Spanned<String>>,
    pub(super) grants: Spanned<Vec<Spanned<String>>>,
    pub(super) scopes: Option<Vec<Spanned<String>>>,
    pub(super) default_scopes: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) redirect_uris: Option<Spanned<Vec<String>>>,
    pub(super) grants_not_before: Option<Spanned<Value>>,
}

/// `[[user]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct UserTable {
    pub(super) username: Spanned<String>,
    pub(super) sub: Spanned<String>,
    pub(super) password: Spanned<String>,
    pub(super) grants_not_before: Option<Spanned<Value>>,
}

/// `[[device]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct DeviceTable {
    pub(super) name: Spanned<String>,
    pub(super) kind: Spanned<String>,
    pub(super) address: Option<Spanned<i64>>,
    pub(super) pin: Option<Spanned<i64>>,
    pub(super) active_low: Option<Spanned<bool>>,
    pub(super) read: Option<Spanned<String>>,
    pub(super) write: Option<Spanned<String>>,
}
