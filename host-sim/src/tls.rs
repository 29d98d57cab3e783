//! A TLS handshake that does not last for ever.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tracing::info;

use crate::config::Tls;

/// Greets the client of `tcp`, in no more than `patience`. None if it speaks
/// something else, proves nothing, or is silent.
pub(crate) async fn handshake(
    tls: &Tls,
    tcp: TcpStream,
    source: IpAddr,
    patience: Duration,
) -> Option<TlsStream<TcpStream>> {
    let accepting = TlsAcceptor::from(tls.config.clone()).accept(tcp);
    match tokio::time::timeout(patience, accepting.into_fallible()).await {
        Ok(Ok(stream)) => Some(stream),
        Ok(Err((error, tcp))) => {
            FAILED.tell(source, &error.to_string());
            let _ended = tokio::time::timeout(LEFTOVER_TIME, leave(tcp)).await;
            None
        }
        Err(_) => {
            FAILED.tell(source, "it did not come in time");
            None
        }
    }
}

/// How much is read and thrown away after the alert, so that the client reads
/// that and not a reset, and for how long.
const LEFTOVER: u64 = 64 * 1024;
const LEFTOVER_TIME: Duration = Duration::from_secs(1);

async fn leave(mut tcp: TcpStream) {
    let _ended = tcp.shutdown().await;
    let _ended = tokio::io::copy(&mut tcp.take(LEFTOVER), &mut tokio::io::sink()).await;
}

/// Who looks for doors fails by the thousand: it is told of once in a while.
static FAILED: Failures = Failures(Mutex::new((None, 0)));

const SILENCE: Duration = Duration::from_secs(60);

/// When a failure was told of, and how many there have been since.
struct Failures(Mutex<(Option<Instant>, u64)>);

impl Failures {
    fn tell(&self, source: IpAddr, cause: &str) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (last, untold) = &mut *told;
        if last.is_some_and(|last| last.elapsed() < SILENCE) {
            *untold += 1;
            return;
        }
        *last = Some(Instant::now());
        let untold = std::mem::take(untold);
        info!(event = "handshake_failed", cause, untold, %source);
    }
}
