//! Signals, caught from the moment that these are called.

/// SIGINT and SIGTERM.
#[cfg(unix)]
pub(crate) fn stop() -> Result<impl Future<Output = ()>, String> {
    use tokio::signal::unix::{SignalKind, signal};
    let unheard = |error| format!("signals can not be handled: {error}");
    let mut interrupt = signal(SignalKind::interrupt()).map_err(unheard)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(unheard)?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Ctrl-C.
#[cfg(not(unix))]
pub(crate) fn stop() -> Result<impl Future<Output = ()>, String> {
    Ok(async {
        let _unheard = tokio::signal::ctrl_c().await;
    })
}

/// SIGHUP, as often as it comes.
#[cfg(unix)]
pub(crate) struct HangUps(tokio::signal::unix::Signal);

#[cfg(unix)]
impl HangUps {
    pub(crate) fn caught() -> Result<Self, String> {
        use tokio::signal::unix::{SignalKind, signal};
        signal(SignalKind::hangup())
            .map(HangUps)
            .map_err(|error| format!("signals can not be handled: {error}"))
    }

    /// The next, or several that came at once.
    pub(crate) async fn next(&mut self) {
        if self.0.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    }
}

/// There is no such signal here.
#[cfg(not(unix))]
pub(crate) struct HangUps;

#[cfg(not(unix))]
impl HangUps {
    pub(crate) fn caught() -> Result<Self, String> {
        Ok(HangUps)
    }

    pub(crate) async fn next(&mut self) {
        std::future::pending::<()>().await;
    }
}
