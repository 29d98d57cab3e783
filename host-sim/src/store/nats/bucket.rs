//! A bucket is found or made, and must be of gateways like this one.

use std::time::Duration;

use async_nats::jetstream::context::{CreateStreamErrorKind, GetStreamErrorKind};
use async_nats::jetstream::stream::{Config, DiscardPolicy, StorageType};
use async_nats::jetstream::{Context, ErrorCode};
use async_nats::{ConnectError, ConnectErrorKind};
use smallgate_core::oauth::Configuration;
use tokio::time::Instant;
use tracing::warn;

use super::fingerprint::Fingerprint;
use super::{Cluster, Nats, PAUSE, Settings};

/// How long claims are kept: far longer than any of them waits for its record.
const CLAIMED: Duration = Duration::from_secs(300);

/// How long servers may take that start together with the gateway.
const START: Duration = Duration::from_secs(15);

impl Nats {
    /// Opens the bucket, or makes it; a beat is written.
    pub(crate) async fn open(
        cluster: &Cluster,
        settings: &Settings,
        configuration: &Configuration<'_>,
    ) -> Result<Self, String> {
        let told = |what: String| format!("the store {cluster}: {what}");
        let until = Instant::now() + START;
        let wanted = wanted(cluster, settings, configuration)?;
        let client = loop {
            match cluster.connect(settings).await {
                Ok(client) => break client,
                Err(error) if Instant::now() >= until || knows_better(&error) => {
                    return Err(told(format!(
                        "no server lets this gateway in: {error}\n  remedy: start nats-server there, or correct --store, and `user`, `password` and `ca` of [store]"
                    )));
                }
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        };
        let context = async_nats::jetstream::new(client.clone());
        let found = insist(&context, &wanted, until).await.map_err(told)?;
        suits(&found, &wanted).map_err(told)?;
        let claims = claims(cluster, found.num_replicas);
        if found.max_age != Duration::ZERO && found.max_age < wanted.max_age {
            let longer = Config {
                max_age: wanted.max_age,
                ..found.clone()
            };
            context
                .update_stream(longer)
                .await
                .map_err(|error| told(format!("its `max_age` is not raised: {error}")))?;
        }
        insist(&context, &claims, until).await.map_err(told)?;
        let open = async |config: &Config| {
            let stream = context.get_stream_no_info(&config.name).await;
            stream.map_err(|error| told(error.to_string()))
        };
        let nats = Nats {
            client,
            stream: open(&wanted).await?,
            claims: open(&claims).await?,
            bucket: cluster.bucket.clone(),
        };
        while nats.beat().await.is_err() {
            if Instant::now() >= until {
                return Err(told(
                    "nothing is written\n  remedy: have most of the servers run".to_owned(),
                ));
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(nats)
    }
}

/// Whether a server answered, and the next one would answer no better.
fn knows_better(error: &ConnectError) -> bool {
    matches!(
        error.kind(),
        ConnectErrorKind::Authentication
            | ConnectErrorKind::AuthorizationViolation
            | ConnectErrorKind::Tls
    )
}

/// Why there is no bucket.
enum Unfound {
    /// Another try may find it.
    Now(String),
    ForGood(String),
}

/// The stream as it is, made if there is none, as soon as the servers can.
async fn insist(context: &Context, wanted: &Config, until: Instant) -> Result<Config, String> {
    loop {
        match find(context, wanted).await {
            Ok(found) => return Ok(found),
            Err(Unfound::ForGood(error)) => return Err(error),
            Err(Unfound::Now(error)) if Instant::now() >= until => {
                return Err(format!(
                    "no bucket: {error}\n  remedy: have most of the servers run, with `jetstream` and in one `cluster`"
                ));
            }
            Err(Unfound::Now(_)) => tokio::time::sleep(PAUSE).await,
        }
    }
}

/// The stream as it is, made if there is none.
async fn find(context: &Context, wanted: &Config) -> Result<Config, Unfound> {
    match context.get_stream(&wanted.name).await {
        Ok(stream) => return Ok(stream.cached_info().config.clone()),
        Err(error) => match error.kind() {
            GetStreamErrorKind::JetStream(error)
                if error.error_code() == ErrorCode::STREAM_NOT_FOUND => {}
            _ => return Err(Unfound::Now(error.to_string())),
        },
    }
    match context.create_stream(wanted.clone()).await {
        Ok(stream) => Ok(stream.cached_info().config.clone()),
        Err(error) => Err(match error.kind() {
            // No cluster, so there will be no more of them.
            CreateStreamErrorKind::JetStream(refused)
                if refused.error_code() == ErrorCode::STREAM_REPLICAS_NOT_SUPPORTED =>
            {
                Unfound::ForGood(format!(
                    "a server by itself keeps no {} copies\n  remedy: name servers of a cluster, or write `replicas = 1` into [store]",
                    wanted.num_replicas
                ))
            }
            _ => Unfound::Now(error.to_string()),
        }),
    }
}

/// What is made where there is no bucket. Where it is full nobody gives way:
/// new grants are refused. Grants go when no token of theirs can be good.
fn wanted(
    cluster: &Cluster,
    settings: &Settings,
    configuration: &Configuration<'_>,
) -> Result<Config, String> {
    let lifetimes = &configuration.profile.lifetimes;
    let refresh = lifetimes.refresh_idle.min(lifetimes.refresh_absolute);
    let access = lifetimes.access_token.0.saturating_add(lifetimes.grace.0);
    let longest = access.max(refresh.0).max(lifetimes.code.0);
    // From the last write, by the servers' clocks.
    let kept = longest.saturating_add(configuration.skew.0);
    // One is the beat.
    let messages = settings.grants.saturating_add(1);
    Ok(Config {
        name: format!("KV_{}", cluster.bucket),
        description: Some(Fingerprint::of(configuration)?.text()),
        subjects: vec![format!("$KV.{}.>", cluster.bucket)],
        max_messages: i64::try_from(messages).unwrap_or(i64::MAX),
        max_messages_per_subject: 1,
        max_age: Duration::from_secs(kept.into()) + Duration::from_secs(60),
        discard: DiscardPolicy::New,
        storage: StorageType::File,
        num_replicas: settings.replicas,
        // What any server could answer, any server could answer too late.
        allow_direct: false,
        ..Config::default()
    })
}

/// The stream of claims. It refuses none.
fn claims(cluster: &Cluster, replicas: usize) -> Config {
    Config {
        name: format!("CLAIMS_{}", cluster.bucket),
        description: Some("who replaces which revision of a grant".to_owned()),
        subjects: vec![format!("smallgate.{}.>", cluster.bucket)],
        max_age: CLAIMED,
        storage: StorageType::File,
        num_replicas: replicas,
        allow_direct: false,
        ..Config::default()
    }
}

/// Whether the bucket is one for gateways like this.
fn suits(found: &Config, wanted: &Config) -> Result<(), String> {
    let elsewhere = "name another bucket, as in nats://HOST:PORT/BUCKET";
    let text = |config: &Config| config.description.clone().unwrap_or_default();
    let (theirs, mine) = (text(found), text(wanted));
    let fingerprint = Fingerprint::parse(&mine);
    let (Some(theirs), Some(mine)) = (Fingerprint::parse(&theirs), fingerprint) else {
        return Err(format!(
            "no gateway made this bucket: its description says nothing of keys\n  remedy: {elsewhere}"
        ));
    };
    let differences = mine.differences(&theirs);
    if !differences.is_empty() {
        return Err(format!(
            "its gateways have another {}\n  remedy: have the same in all their configurations. If it was changed on purpose: with all of them stopped, `nats stream edit {} --description '{}'`",
            differences.join(", "),
            wanted.name,
            mine.text(),
        ));
    }
    let is_as_made = found.max_messages_per_subject == 1
        && !found.allow_direct
        && found.discard == DiscardPolicy::New
        && found.max_messages > 0;
    if !is_as_made {
        return Err(format!(
            "the bucket was changed since it was made: it needs one message per subject, discard new, a limit of messages and no direct reads\n  remedy: change it back with `nats stream edit {}`, or {elsewhere}",
            wanted.name
        ));
    }
    if found.num_replicas < wanted.num_replicas {
        warn!(
            event = "store_replicas",
            bucket = wanted.name,
            replicas = found.num_replicas,
            configured = wanted.num_replicas,
            "the bucket has fewer copies than [store] asks for, and stays so"
        );
    }
    Ok(())
}
