//! `GET /`: what this is, for whoever finds it on the network. Nothing secret is
//! on the page, nor what only those with a token are told.

use smallgate_core::http::Request;
use smallgate_core::oauth::{Answer, AuthorizationServer, ResourceRefusal, Shown};

/// Whether `request` is about the page.
#[must_use]
pub fn is_asked(request: &Request<'_, '_>) -> bool {
    request.path_and_query().0 == "/"
}

/// What works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Health {
    /// The time is known.
    pub clock: bool,
    /// There is entropy.
    pub entropy: bool,
    /// Grants are kept.
    pub store: bool,
}

/// Answers it, on a server that was started `uptime` seconds ago and has so many
/// `devices`.
// Not inlined: it would be in the frame of every request.
#[inline(never)]
pub fn answer<'x>(
    request: &Request<'_, '_>,
    server: &AuthorizationServer<'_>,
    health: Health,
    uptime: u32,
    devices: usize,
    out: &'x mut [u8],
) -> Answer<'x> {
    if !matches!(request.method, "GET" | "HEAD") {
        return Answer::refusal(out, ResourceRefusal::method("GET, HEAD"));
    }
    let configuration = server.configuration();
    let clock = match health.clock {
        true => "set",
        false => "not set: nothing is issued",
    };
    let entropy = match health.entropy {
        true => "healthy",
        false => "failing: nothing is issued",
    };
    let store = match health.store {
        true => "works",
        false => "failing: grants are neither given nor used",
    };
    Answer::page(
        out,
        "Smallgate",
        "A gateway to devices, for whoever has an OAuth 2.0 access token.",
        &[
            ("Version", Shown::Text(env!("CARGO_PKG_VERSION"))),
            ("Profile", Shown::Text(configuration.profile.name)),
            ("Issuer", Shown::Text(configuration.issuer)),
            ("Clock", Shown::Text(clock)),
            ("Entropy", Shown::Text(entropy)),
            ("Store", Shown::Text(store)),
            ("Running for", Shown::Number(uptime, " seconds")),
            (
                "Devices",
                Shown::Number(u32::try_from(devices).unwrap_or(u32::MAX), ""),
            ),
        ],
    )
}
