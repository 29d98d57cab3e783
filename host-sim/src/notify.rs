//! What systemd is told, if it asks to be (sd_notify(3)): `NOTIFY_SOCKET` says
//! where.

/// What there is to tell.
#[derive(Clone, Copy)]
pub(crate) enum State {
    /// Requests are answered.
    Ready,
    /// The configuration is being read again; [`State::Ready`] or
    /// [`State::Refused`] follows.
    Reloading,
    /// It was not taken, and requests are answered as before.
    Refused,
    /// What is being answered comes to its end.
    Stopping,
}

/// Tells it.
#[cfg(target_os = "linux")]
pub(crate) fn tell(state: State) {
    use sd_notify::{NotifyState, notify};
    let told = match state {
        State::Ready => notify(&[NotifyState::Ready, NotifyState::Status("serving")]),
        State::Reloading => {
            NotifyState::monotonic_usec_now().and_then(|now| notify(&[NotifyState::Reloading, now]))
        }
        State::Refused => notify(&[
            NotifyState::Ready,
            NotifyState::Status("serving; the last reload was refused: see the log"),
        ]),
        State::Stopping => notify(&[NotifyState::Stopping]),
    };
    if let Err(error) = told {
        tracing::warn!(event = "not_notified", %error);
    }
}

/// There is no systemd here.
#[cfg(not(target_os = "linux"))]
pub(crate) fn tell(_state: State) {}
