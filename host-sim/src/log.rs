//! The log, on standard error. What happened goes there with its precise
//! cause, which the peer is not told; nothing secret does (R8, R51).

use std::net::IpAddr;

use clap::ValueEnum;
use smallgate_core::oauth::{Event, GrantId, Refusal};
use smallgate_firmware::devices::Fault;
use smallgate_firmware::entropy::EntropyFailed;
use smallgate_firmware::events::Gravity;
use tracing::level_filters::LevelFilter;
use tracing::{error, info, warn};

use crate::credentials::base64url;

/// The form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// How much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Level {
    /// What is broken.
    Error,
    /// And what looks like an attack or a mistake.
    Warn,
    /// And everything that was issued, refused or revoked.
    Info,
}

/// Starts logging.
pub(crate) fn start(format: Format, level: Level) {
    use std::io::IsTerminal;
    let level = match level {
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
    };
    let lines = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .with_target(false);
    // Another subscriber can not be there: this is called once, at the start.
    match format {
        Format::Text => lines.with_ansi(std::io::stderr().is_terminal()).init(),
        Format::Json => lines.json().flatten_event(true).init(),
    }
}

/// Logs what an exchange reports.
pub(crate) fn event(event: &Event<'_>, source: IpAddr) {
    match *event {
        Event::Issued {
            grant_type,
            client,
            subject,
            jwt_id,
        } => info!(
            event = "issued",
            grant_type = grant_type.name(),
            client,
            subject,
            jti = base64url(&jwt_id.0),
            %source,
        ),
        Event::CodeIssued {
            client,
            subject,
            grant,
        } => info!(
            event = "code_issued",
            client,
            subject,
            grant = base64url(&grant.0),
            %source,
        ),
        Event::GaveWay { grant, client } => warn!(
            event = "gave_way",
            grant = base64url(&grant.0),
            client,
            %source,
        ),
        Event::Refused { client, cause } => refused(client, cause, source),
        Event::LockedOut { account, client } => warn!(
            event = "locked_out",
            account = ?account,
            client,
            %source,
        ),
        Event::Revoked {
            grant,
            client,
            reason,
        } => warn!(
            event = "revoked",
            grant = base64url(&grant.0),
            client,
            reason = ?reason,
            %source,
        ),
        Event::FromTheFuture { grant, client } => error!(
            event = "from_the_future",
            grant = base64url(&grant.0),
            client,
            %source,
        ),
        Event::ResourceChanged {
            resource,
            state,
            client,
            subject,
        } => info!(event = "resource_changed", resource, state, client, subject, %source),
        Event::ResourceRefused {
            cause,
            client,
            jwt_id,
        } => info!(
            event = "resource_refused",
            client,
            jti = jwt_id.map(|jwt_id| base64url(&jwt_id.0)),
            cause = %cause,
            %source,
        ),
        // The core may learn to tell more.
        _ => info!(event = "other", %source),
    }
}

/// Logs that another exchange wrote the grant's record first, so that it is
/// read again.
pub(crate) fn commit_refused(grant: &GrantId) {
    info!(event = "commit_refused", grant = base64url(&grant.0));
}

/// Logs that grants are neither kept nor changed from now on.
pub(crate) fn store_failed() {
    error!(event = "store_failed", "grants can not be kept");
}

/// Logs that they are again.
pub(crate) fn store_regained() {
    info!(event = "store", "it works again");
}

/// Logs that so many grants could not be read any more since the start.
pub(crate) fn store_spoiled(grants: u16) {
    error!(event = "store_spoiled", grants, "they are gone");
}

/// Logs how a device is, now that it is not as it was.
pub(crate) fn device(name: &str, health: Result<(), Fault>) {
    match health {
        Ok(()) => info!(event = "device", device = name, "it answers"),
        Err(cause) => warn!(event = "device", device = name, cause = %cause),
    }
}

/// Logs how the source of entropy is, now that it is not as it was.
pub(crate) fn entropy(health: Result<(), EntropyFailed>) {
    match health {
        Ok(()) => info!(event = "entropy_healthy"),
        Err(cause) => error!(event = "entropy_failed", cause = %cause),
    }
}

fn refused(client: Option<&str>, cause: Refusal, source: IpAddr) {
    match Gravity::of(cause) {
        Gravity::Broken => error!(event = "refused", client, cause = %cause, %source),
        Gravity::Suspicious => warn!(event = "refused", client, cause = %cause, %source),
        Gravity::Mistaken => info!(event = "refused", client, cause = %cause, %source),
    }
}
