//! Thousands of connections that are kept and say nothing, and some that are
//! busy: what a crowd costs, and whether it costs others anything.

use std::path::Path;

use crate::client::{self, Connection, TokenRequest, place};
use crate::figure::Figure;
use crate::server::{Scenario, Server};
use crate::{Options, grown, slower};

/// Connections with a request on its way beside the crowd.
const BUSY: u32 = 64;

/// What of it is printed.
pub(crate) fn figures(binary: &Path, options: &Options) -> Vec<Figure> {
    // Those of the twin are not kept as long as they are looked at.
    let idle_timeout = if options.twin { 1 } else { 600 };
    let connections = options.idle + 2 * BUSY;
    let lines = format!(
        "connections = {connections}\nconnections_per_source = {connections}\n\
         idle_timeout = {idle_timeout}"
    );
    let scenario = Scenario::served(binary, "crowd", &lines);
    let server = Server::start(binary, &scenario);
    let request = TokenRequest::new(&server, &scenario);
    client::send(&request, BUSY, 20 * BUSY);
    let warm = server.resident_kib();
    let alone = client::found(&request, BUSY, options.length);

    let files = server.files();
    let mut crowd = client::come(&request, options.idle, place(10));
    let there = server.resident_kib();
    // What busy ones take beside a crowd is no growth.
    client::send(&request, BUSY, 20 * BUSY);
    let before = server.resident_kib();
    let beside = client::found(&request, BUSY, options.length);
    let after = server.resident_kib();
    let gone = asked_again(&mut crowd, &request);
    drop(crowd);
    // An allocator settles in what the first ones left, by less each time.
    let [.., fourth, fifth] = [11, 12, 13, 14].map(|from| {
        server.wait_for(files);
        let _crowd = client::come(&request, options.idle, place(from));
        server.resident_kib()
    });

    let named = |what: &str| format!("{} idle connections: {what}", options.idle);
    let each = there.saturating_sub(warm);
    #[expect(clippy::cast_precision_loss, reason = "KiB, below 2^52")]
    let each = each as f64 / f64::from(options.idle);
    vec![
        Figure::count(named("memory before"), warm, "KiB"),
        Figure::count(named("memory with them"), there, "KiB"),
        Figure::new(named("memory for each"), each, "KiB each").at_most(MOST_KIB_EACH),
        grown(
            options,
            named("grown while 64 others are busy"),
            before,
            after,
        ),
        grown(
            options,
            named("grown when as many come a fifth time"),
            fourth,
            fifth,
        ),
        Figure::new(named("64 busy ones alone"), alone.rate, "requests/s"),
        Figure::new(named("64 busy ones beside"), beside.rate, "requests/s"),
        Figure::new(named("median of 64 alone"), alone.median_ms, "ms"),
        Figure::new(named("median of 64 beside"), beside.median_ms, "ms"),
        slower(options, named("median beside, of alone"), &alone, &beside),
        Figure::new(named("99 % of 64 alone"), alone.most_ms, "ms"),
        Figure::new(named("99 % of 64 beside"), beside.most_ms, "ms"),
        Figure::count(named("not answered after that"), gone, "").at_most(0.0),
    ]
}

/// What a connection may cost that has asked once and is kept.
const MOST_KIB_EACH: f64 = 32.0;

/// How many of `crowd` are not answered any more.
fn asked_again(crowd: &mut [Connection], request: &TokenRequest) -> u64 {
    let is_gone = |connection: &mut Connection| {
        let answer = connection.ask(&request.octets);
        !answer.is_ok_and(|answer| answer.status == 200)
    };
    crowd.iter_mut().map(|one| u64::from(is_gone(one))).sum()
}
