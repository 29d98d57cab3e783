//! What a board can not do as the file says. It is told where the image is
//! made: a board would ignore it, and nobody would know.

use smallgate_firmware::image::{MAX_BODY, MAX_PROXIES, MAX_TOKEN};
use toml::Spanned;

use super::fault::Fault;
use super::file::{File, ServerTable, StoreTable};

/// Finds a setting of `file` that a board has no use for.
pub(super) fn check(file: &File) -> Result<(), Fault> {
    let ServerTable {
        listen,
        // An image holds these.
        header_timeout: _,
        body_timeout: _,
        idle_timeout: _,
        stop_timeout,
        connections,
        connections_per_source,
        trusted_proxies,
        tls,
    } = &file.server;
    let out = "take the line out of the file for the board";
    absent(
        listen,
        "a board listens on port 80 of the address that [network] gives it",
        out,
    )?;
    absent(
        &file.metrics,
        "a board counts nothing",
        "take the table out of the file for the board",
    )?;
    absent(tls, "a board has no TLS", out)?;
    absent(
        stop_timeout,
        "a board is switched off and does not stop",
        out,
    )?;
    let workers = "a board takes as many connections as its firmware has workers and sockets";
    absent(connections, workers, out)?;
    absent(connections_per_source, workers, out)?;
    if let Some(beyond) = trusted_proxies.get(MAX_PROXIES) {
        let message = format!("a board believes {MAX_PROXIES} proxies at most");
        return Err(Fault::new(beyond, message).remedy("name a network that holds several"));
    }
    no_store(&file.store)?;
    at_most(&file.limits.body, MAX_BODY, "a body")?;
    at_most(&file.limits.token, MAX_TOKEN, "a token")
}

fn no_store(table: &StoreTable) -> Result<(), Fault> {
    let StoreTable {
        replicas,
        grants,
        user,
        password,
        ca,
        certificate,
        key,
    } = table;
    let numbers = [replicas, grants].map(|number| number.as_ref().map(Spanned::span));
    let texts = [user, password, ca, certificate, key].map(|text| text.as_ref().map(Spanned::span));
    match numbers.into_iter().chain(texts).flatten().next() {
        None => Ok(()),
        Some(place) => Err(
            Fault::at(Some(place), "a board keeps its grants on a chip of its own")
                .remedy("take the lines of [store] out of the file for the board"),
        ),
    }
}

fn absent<T>(value: &Option<Spanned<T>>, message: &str, remedy: &str) -> Result<(), Fault> {
    match value {
        None => Ok(()),
        Some(value) => Err(Fault::new(value, message).remedy(remedy)),
    }
}

fn at_most(value: &Option<Spanned<i64>>, most: usize, what: &str) -> Result<(), Fault> {
    match value {
        Some(value) if usize::try_from(*value.get_ref()).is_ok_and(|length| length > most) => {
            let message = format!("a board has room for {what} of {most} octets");
            Err(Fault::new(value, message).remedy(format!("use a number from 1 to {most}")))
        }
        _ => Ok(()),
    }
}
