//! What a daemon on a gateway does beside answering: TLS, a configuration that
//! is read again, counters, and what it tells its service manager.
#![cfg(unix)]

mod certificates;
mod gateway;
mod metrics;
mod notify;
mod reload;
mod systemd;
mod tls;
