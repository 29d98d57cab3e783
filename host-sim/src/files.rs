//! Open files: as many as there are connections, which is often more than a
//! process may have at first.

use std::io;

use tracing::warn;

/// What is open beside connections: the store, sockets that are listened on or
/// belong to the runtime, and for a moment files that are read again.
const BESIDE: u64 = 64;

/// Lets the process open as many files as `connections` take, as far as its
/// hard limit goes, and says so if that is not enough.
pub(crate) fn make_room(connections: usize) {
    let wanted = (connections as u64).saturating_add(BESIDE);
    match allow(wanted) {
        Ok(most) if most >= wanted => {}
        Ok(most) => warn!(
            event = "few_open_files",
            limit = most,
            wanted,
            "connections beyond it will wait: raise it (ulimit -n, LimitNOFILE=), or lower [server] connections"
        ),
        Err(error) => warn!(event = "few_open_files", %error, wanted),
    }
}

/// Raises the soft limit to `wanted` if it is lower; the limit that holds then.
#[cfg(unix)]
fn allow(wanted: u64) -> io::Result<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    // None is no limit.
    let held = getrlimit(Resource::Nofile);
    let Some(soft) = held.current.filter(|soft| *soft < wanted) else {
        return Ok(u64::MAX);
    };
    let raised = held.maximum.map_or(wanted, |hard| wanted.min(hard));
    if raised > soft {
        let limit = Rlimit {
            current: Some(raised),
            maximum: held.maximum,
        };
        setrlimit(Resource::Nofile, limit)?;
    }
    Ok(raised.max(soft))
}

#[cfg(not(unix))]
fn allow(_: u64) -> io::Result<u64> {
    Ok(u64::MAX)
}
