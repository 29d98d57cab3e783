//! SIGHUP: the configuration is read again, and taken as a whole or not at all.
//! What begins from then on begins with it; what is under way ends with what it
//! began with. The store, the clock, the entropy, the throttle's memory and the
//! connections stay.

use std::net::SocketAddr;

use tracing::{info, warn};

use crate::config::DEFAULT_LISTEN;
use crate::gateway::Gateway;
use crate::generation::{Generation, Origin};
use crate::notify::{self, State};
use crate::serve::{MADE_AND_KEPT, remark};
use crate::signals::HangUps;
use crate::store::fingerprint;

/// What is read again, and what was settled at the start.
pub(crate) struct Reload {
    pub(crate) origin: Origin,
    /// What stands in for an issuer.
    pub(crate) url: String,
    /// What `--listen` says, which goes before the file.
    pub(crate) listen: Option<SocketAddr>,
    /// Grants outlive the process.
    pub(crate) keeps: bool,
    /// Other gateways have them too, and must have the same keys.
    pub(crate) shares: bool,
}

impl Reload {
    /// Reads it at each of `hang_ups`, for the rest of the process's life.
    pub(crate) async fn at_each(self, mut hang_ups: HangUps, gateway: &'static Gateway) {
        loop {
            hang_ups.next().await;
            tokio::task::block_in_place(|| self.once(gateway));
        }
    }

    fn once(&self, gateway: &Gateway) {
        notify::tell(State::Reloading);
        match self.read(&gateway.current()) {
            Ok(next) => {
                // Whoever reads that it was taken finds it so.
                let taken = gateway.take(next);
                gateway.meters.reload(true);
                let configuration = taken.server().configuration();
                info!(
                    event = "reloaded",
                    clients = configuration.clients.len(),
                    users = configuration.users.len(),
                    kid = configuration.signer.key_id(),
                    verifying = configuration.verifiers.len(),
                );
                remark(&taken, false);
                notify::tell(State::Ready);
            }
            Err(cause) => {
                gateway.meters.reload(false);
                // One line, whatever it says.
                let cause = cause.replace('\n', ";");
                warn!(event = "reload_refused", cause);
                notify::tell(State::Refused);
            }
        }
    }

    /// The next configuration, if it can be taken in the place of `current`.
    fn read(&self, current: &Generation) -> Result<Generation, String> {
        let (found, settings) = self.origin.find()?;
        let next = self.origin.generation(found, settings, &self.url)?;
        let mut fixed = self.fixed(current, &next);
        let keys = |of: &Generation| fingerprint(of.server().configuration());
        if self.shares && keys(current)? != keys(&next)? {
            fixed.push("the keys, which all gateways of the store share");
        }
        if !fixed.is_empty() {
            return Err(format!(
                "a restart is needed to change {}",
                fixed.join(", ")
            ));
        }
        match self.keeps && next.has_made_keys() {
            true => Err(MADE_AND_KEPT.to_owned()),
            false => Ok(next),
        }
    }

    /// What is changed and can not be while the process lives.
    fn fixed(&self, current: &Generation, next: &Generation) -> Vec<&'static str> {
        let (was, is) = (&current.settings, &next.settings);
        let (before, after) = (
            current.server().configuration(),
            next.server().configuration(),
        );
        let listen =
            |configured: Option<SocketAddr>| self.listen.or(configured).unwrap_or(DEFAULT_LISTEN);
        [
            ("profile", before.profile.name != after.profile.name),
            // Every grant's handles are made with it.
            ("issuer", before.issuer != after.issuer),
            ("server.listen", listen(was.listen) != listen(is.listen)),
            ("metrics.listen", was.metrics != is.metrics),
            ("server.connections", was.connections != is.connections),
            (
                "server.connections_per_source",
                was.connections_per_source != is.connections_per_source,
            ),
            // Whether there is any; the certificate and the key can be.
            ("server.tls", was.tls.is_some() != is.tls.is_some()),
            ("device", current.ready().devices != next.ready().devices),
        ]
        .into_iter()
        .filter_map(|(name, changed)| changed.then_some(name))
        .collect()
    }
}
