//! Gateways with one configuration, each with a wire of its own to each server.

use std::net::SocketAddr;

use super::proxy::{Proxy, Wire};
use super::servers::Servers;
use crate::powercut::configuration;
use crate::simulator::{Process, Temporary, turn_clock};

/// The stream of the grants.
pub const STREAM: &str = "KV_smallgate";

/// What gateways are started with.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'p> {
    /// How many gateways.
    pub gateways: usize,
    /// How many servers, 1 or 3.
    pub servers: usize,
    /// Lines above the configuration's tables.
    pub head: &'p str,
    /// More tables.
    pub tables: &'p str,
    /// What each gateway's clock shows; none is the system's.
    pub clocks: &'p [&'p str],
}

impl Default for Plan<'_> {
    fn default() -> Self {
        Plan {
            gateways: 2,
            servers: 3,
            head: "",
            tables: "",
            clocks: &[],
        }
    }
}

/// Servers, and gateways on them.
pub struct Fleet {
    /// The gateways.
    pub gateways: Vec<Process>,
    /// Of each gateway, to each server.
    wires: Vec<Vec<Proxy>>,
    /// The servers.
    pub servers: Servers,
    /// The configuration of all gateways.
    pub configuration: Temporary,
}

impl Fleet {
    /// Starts it all.
    ///
    /// # Panics
    ///
    /// Something does not start in time.
    #[must_use]
    pub fn start(plan: &Plan<'_>) -> Self {
        let servers = Servers::start(plan.servers);
        let tables = format!("[store]\nreplicas = {}\n{}", plan.servers, plan.tables);
        let configuration = Temporary::new(&configuration(plan.head, &tables));
        let wires: Vec<Vec<Proxy>> = (0..plan.gateways)
            .map(|_| servers.addresses().into_iter().map(Proxy::to).collect())
            .collect();
        let gateways = wires.iter().enumerate().map(|(at, wires)| {
            let clock = plan.clocks.get(at).copied().unwrap_or("real");
            let store = store(wires);
            Process::serve(&[
                "--config",
                configuration.path(),
                "--store",
                &store,
                "--clock",
                clock,
            ])
        });
        Fleet {
            gateways: gateways.collect(),
            wires,
            servers,
            configuration,
        }
    }

    /// Where the gateways listen.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        let address = |gateway: &Process| gateway.address;
        self.gateways.iter().map(address).collect()
    }

    /// What `--store` is for another gateway, without a wire that can be cut.
    #[must_use]
    pub fn store(&self) -> String {
        named(&self.servers.addresses())
    }

    /// Has the wires between a gateway and the servers be so.
    pub fn wire(&self, gateway: usize, wire: Wire) {
        for proxy in &self.wires[gateway] {
            proxy.be(wire);
        }
    }

    /// Moves a gateway's clock that does not go by itself.
    ///
    /// # Panics
    ///
    /// It is the system's.
    pub fn advance(&self, gateway: usize, seconds: u64) {
        let body = format!(r#"{{"advance":"{seconds}s"}}"#);
        turn_clock(self.gateways[gateway].address, &body);
    }

    /// Which server leads the grants' stream.
    ///
    /// # Panics
    ///
    /// None does, in a minute.
    #[must_use]
    pub fn leader(&self) -> usize {
        self.servers.wait_for_leader(STREAM)
    }

    /// How often an event is in the gateways' logs.
    #[must_use]
    pub fn logged(&self, event: &str) -> u64 {
        let mark = format!("\"event\":\"{event}\"");
        let logs = self.gateways.iter().map(Process::log);
        logs.map(|log| log.matches(&mark).count() as u64).sum()
    }
}

fn store(wires: &[Proxy]) -> String {
    let addresses: Vec<_> = wires.iter().map(|wire| wire.address).collect();
    named(&addresses)
}

fn named(addresses: &[SocketAddr]) -> String {
    let hosts: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    format!("nats://{}", hosts.join(","))
}
