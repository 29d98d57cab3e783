//! Several gateways on one store in NATS JetStream.

mod chaos;
mod gateway;
mod outage;
mod relied_on;
mod skew;
mod start;
mod tls;
