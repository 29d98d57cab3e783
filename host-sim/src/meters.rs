//! What is counted, for Prometheus. Labels have few values, all of the server's
//! own: none comes from a request.

use std::borrow::Cow;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hyper::StatusCode;
use prometheus_client::encoding::prometheus_text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use smallgate_core::oauth::Event;
use smallgate_core::profile::GrantType;
use smallgate_core::store::Committed;

type Label = (&'static str, Cow<'static, str>);
type Counters<const N: usize> = Family<[Label; N], Counter>;

/// All counters.
pub(crate) struct Meters {
    registry: Registry,
    requests: Counters<2>,
    tokens: Counters<1>,
    codes: Counter,
    refusals: Counters<1>,
    resource_refusals: Counters<1>,
    revocations: Counters<1>,
    lockouts: Counters<1>,
    commits: Counters<1>,
    commit_duration: Histogram,
    reloads: Counters<1>,
    connections: Gauge,
    info: Family<[Label; 2], Gauge>,
    clock: Gauge,
    entropy: Gauge,
    store: Gauge,
}

/// What is looked at when somebody asks.
pub(crate) struct Gauges {
    pub(crate) profile: &'static str,
    /// The time is known.
    pub(crate) clock: bool,
    /// There is entropy.
    pub(crate) entropy: bool,
    /// Grants could be kept when last one was.
    pub(crate) store: bool,
}

/// Seconds that a commit may take: from memory to a slow disk.
const COMMITS: [f64; 11] = [
    0.000_01, 0.000_1, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5,
];

impl Meters {
    /// Nothing has happened.
    pub(crate) fn new() -> Self {
        let mut registry = Registry::default();
        let own = registry.sub_registry_with_prefix("smallgate");
        let meters = Meters {
            requests: counted(own, "http_requests", "Requests answered"),
            tokens: counted(own, "tokens_issued", "Access tokens issued"),
            codes: Counter::default(),
            refusals: counted(own, "refusals", "Requests of clients and people refused"),
            resource_refusals: counted(
                own,
                "resource_refusals",
                "Requests with an access token, or without, refused",
            ),
            revocations: counted(
                own,
                "grants_revoked",
                "Grants revoked; code_replayed and refresh_reused are replays",
            ),
            lockouts: counted(
                own,
                "lockouts",
                "Times that failures made an account wait for a source",
            ),
            commits: counted(own, "commits", "Writes to the store of grants"),
            commit_duration: Histogram::new(COMMITS),
            reloads: counted(
                own,
                "reloads",
                "Times that the configuration was read again",
            ),
            connections: shown(own, "connections", "Connections that are open"),
            info: Family::default(),
            clock: shown(own, "clock_set", "Whether the time is known"),
            entropy: shown(own, "entropy_healthy", "Whether there is entropy"),
            store: shown(
                own,
                "store_up",
                "Whether the store worked when it was last used",
            ),
            registry: Registry::default(),
        };
        own.register(
            "codes_issued",
            "Authorization codes issued",
            meters.codes.clone(),
        );
        own.register_with_unit(
            "commit_duration",
            "How long writes to the store took",
            Unit::Seconds,
            meters.commit_duration.clone(),
        );
        own.register("build_info", "What runs; always 1", meters.info.clone());
        let started = shown(
            &mut registry,
            "process_start_time_seconds",
            "When the process began, in Unix seconds",
        );
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        started.set(now.map_or(0, |now| i64::try_from(now.as_secs()).unwrap_or(0)));
        Meters { registry, ..meters }.with_zeros()
    }

    /// With the series that there will be: one that begins with 1 has no rise.
    fn with_zeros(self) -> Self {
        let begin = |counters: &Counters<1>, label, values: &[&'static str]| {
            for value in values {
                drop(counters.get_or_create(&[(label, (*value).into())]));
            }
        };
        begin(
            &self.tokens,
            "grant_type",
            &GrantType::ALL.map(GrantType::name),
        );
        let reasons = [
            "code_replayed",
            "refresh_reused",
            "requested",
            "exhausted",
            "gave_way",
        ];
        begin(&self.revocations, "reason", &reasons);
        begin(&self.lockouts, "account", &["client", "user", "source"]);
        let outcomes = ["done", "conflict", "full", "unavailable", "unknown"];
        begin(&self.commits, "outcome", &outcomes);
        begin(&self.reloads, "outcome", &["taken", "refused"]);
        self
    }

    /// A request was answered.
    pub(crate) fn request(&self, route: &'static str, status: StatusCode) {
        let status = Cow::Owned(status.as_str().to_owned());
        let labels = [("route", Cow::Borrowed(route)), ("status", status)];
        self.requests.get_or_create(&labels).inc();
    }

    /// What an exchange reports.
    pub(crate) fn event(&self, event: &Event<'_>) {
        let add = |counters: &Counters<1>, name, value| {
            counters.get_or_create(&[(name, value)]).inc();
        };
        match *event {
            Event::Issued { grant_type, .. } => {
                add(&self.tokens, "grant_type", grant_type.name().into());
            }
            Event::CodeIssued { .. } => {
                self.codes.inc();
            }
            Event::Refused { cause, .. } => add(&self.refusals, "cause", name(&cause)),
            Event::ResourceRefused { cause, .. } => {
                add(&self.resource_refusals, "cause", name(&cause));
            }
            Event::Revoked { reason, .. } => add(&self.revocations, "reason", name(&reason)),
            Event::GaveWay { .. } => add(&self.revocations, "reason", "gave_way".into()),
            Event::LockedOut { account, .. } => add(&self.lockouts, "account", name(&account)),
            _ => {}
        }
    }

    /// The store was written to.
    pub(crate) fn commit(&self, outcome: &Committed, took: Duration) {
        let outcome = match outcome {
            Committed::GaveWay(_) => "done".into(),
            other => name(other),
        };
        self.commits.get_or_create(&[("outcome", outcome)]).inc();
        self.commit_duration.observe(took.as_secs_f64());
    }

    /// The configuration was read again.
    pub(crate) fn reload(&self, taken: bool) {
        let outcome = if taken { "taken" } else { "refused" };
        self.reloads
            .get_or_create(&[("outcome", outcome.into())])
            .inc();
    }

    /// A connection is open until this is dropped.
    pub(crate) fn connection(&self) -> Open {
        self.connections.inc();
        Open(self.connections.clone())
    }

    /// All of it, in the text format of Prometheus.
    pub(crate) fn text(&self, gauges: &Gauges) -> String {
        let labels = [
            ("version", env!("CARGO_PKG_VERSION").into()),
            ("profile", gauges.profile.into()),
        ];
        self.info.get_or_create(&labels).set(1);
        self.clock.set(gauges.clock.into());
        self.entropy.set(gauges.entropy.into());
        self.store.set(gauges.store.into());
        let mut text = String::new();
        // Writing to memory does not fail.
        let _written = prometheus_text::encode(&mut text, &self.registry);
        text
    }
}

/// An open connection.
pub(crate) struct Open(Gauge);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

fn counted<const N: usize>(
    registry: &mut Registry,
    name: &'static str,
    help: &'static str,
) -> Counters<N> {
    let counters = Counters::default();
    registry.register(name, help, counters.clone());
    counters
}

fn shown(registry: &mut Registry, name: &'static str, help: &'static str) -> Gauge {
    let gauge = Gauge::default();
    registry.register(name, help, gauge.clone());
    gauge
}

/// A variant's name as labels are written, without what it carries: `WrongSecret`
/// is `wrong_secret`, `Throttled(…)` is `throttled`.
fn name(variant: &impl fmt::Debug) -> Cow<'static, str> {
    let whole = format!("{variant:?}");
    let mut name = String::new();
    for letter in whole.chars().take_while(char::is_ascii_alphanumeric) {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name.into()
}

#[cfg(test)]
mod tests {
    use smallgate_core::oauth::{Account, GrantId, Reason, Refusal};
    use smallgate_core::time::Seconds;

    use super::*;

    #[test]
    fn causes_are_named_without_what_they_carry() {
        assert_eq!(name(&Refusal::WrongSecret), "wrong_secret");
        assert_eq!(name(&Refusal::Throttled(Seconds(17))), "throttled");
        assert_eq!(name(&Committed::Done), "done");
    }

    /// Those that are there from the start are those that are counted.
    #[test]
    fn series_that_begin_with_0_are_not_there_twice() {
        let meters = Meters::new();
        let gauges = Gauges {
            profile: "standard",
            clock: true,
            entropy: true,
            store: true,
        };
        let series = || meters.text(&gauges).lines().count();
        let before = series();
        for outcome in [
            Committed::Done,
            Committed::GaveWay(GrantId([0; 12])),
            Committed::Conflict,
            Committed::Full,
            Committed::Unavailable,
            Committed::Unknown,
        ] {
            meters.commit(&outcome, Duration::ZERO);
        }
        for reason in [
            Reason::CodeReplayed,
            Reason::RefreshReused,
            Reason::Requested,
            Reason::Exhausted,
            Reason::GaveWay,
        ] {
            let (grant, client) = (GrantId([0; 12]), "");
            meters.event(&Event::Revoked {
                grant,
                client,
                reason,
            });
        }
        for account in [Account::Client, Account::User, Account::Source] {
            let client = None;
            meters.event(&Event::LockedOut { account, client });
        }
        for taken in [true, false] {
            meters.reload(taken);
        }
        assert_eq!(series(), before);
    }
}
