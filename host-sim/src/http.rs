//! HTTP/1.1: hyper's requests to the core's, the core's answers to hyper's.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body as _, Incoming};
use hyper::header::{
    ALLOW, CONNECTION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, ORIGIN, RETRY_AFTER,
};
use hyper::http::request::Parts;
use hyper::{Request, Response, StatusCode, Version};
use smallgate_core::http::{Body, Header, Request as CoreRequest, route_name};
use smallgate_core::oauth::{Answer, AuthorizationServer};
use smallgate_firmware::http::{Framing, Refused, source};
use tracing::{info, warn};

use crate::connection::Phase;
use crate::gateway::{Gateway, Starved};
use crate::generation::Generation;
use crate::sim::{self, Said};
use crate::{log, refusal};

/// What answers a connection's requests.
#[derive(Clone, Copy)]
pub(crate) struct Service {
    pub(crate) gateway: &'static Gateway,
}

/// A body, as far as it came.
enum Received {
    Whole(Vec<u8>),
    /// It is longer than the limit, or says so.
    TooLong,
    /// It stayed short of its length until its deadline.
    TooLate,
    /// The client ended it before its end, or its framing is broken.
    Broken,
}

type Reply = Response<Full<Bytes>>;

impl Service {
    /// Answers one request of a connection from `peer`.
    pub(crate) async fn answer(
        self,
        request: Request<Incoming>,
        peer: IpAddr,
        phase: &Phase,
    ) -> Reply {
        phase.answering();
        let generation = self.gateway.current();
        let (head, body) = request.into_parts();
        let route = route(&generation, head.uri.path());
        let reply = self.answered(&generation, head, body, peer, phase).await;
        self.gateway.meters.request(route, reply.status());
        reply
    }

    async fn answered(
        self,
        generation: &Arc<Generation>,
        head: Parts,
        body: Incoming,
        peer: IpAddr,
        phase: &Phase,
    ) -> Reply {
        let source = peer;
        if let Err(refused) = framing(&head) {
            let (status, description) = refused.answer();
            info!(event = "refused_framing", %source, description);
            phase.leaving();
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
            return closing(host_error(status, description));
        }
        let limit = generation.server().configuration().limits.body;
        let received = receive(body, limit, generation.settings.body_timeout).await;
        let reply = match received {
            // On its own, so that it goes on to its end if the client hangs up.
            Received::Whole(mut body) if self.gateway.waits() => {
                let generation = Arc::clone(generation);
                let exchange = async move {
                    let body = Body::Whole(&mut body);
                    self.reply(&generation, &head, body, peer).await
                };
                tokio::spawn(exchange).await.unwrap_or_else(|_panicked| {
                    closing(host_error(
                        StatusCode::INTERNAL_SERVER_ERROR,
                        "The request was not answered.",
                    ))
                })
            }
            Received::Whole(mut body) => {
                let body = Body::Whole(&mut body);
                self.reply(generation, &head, body, peer).await
            }
            Received::TooLong => {
                phase.leaving();
                return closing(self.reply(generation, &head, Body::TooLong, peer).await);
            }
            Received::TooLate => {
                info!(event = "body_too_late", %source);
                closing(host_error(
                    StatusCode::REQUEST_TIMEOUT,
                    "The body did not arrive in time.",
                ))
            }
            Received::Broken => {
                info!(event = "body_broken", %source);
                closing(host_error(
                    StatusCode::BAD_REQUEST,
                    "The body is not whole.",
                ))
            }
        };
        phase.answered();
        reply
    }

    /// Answers a request that is all there. Nothing in here waits but for a store
    /// that gateways share.
    async fn reply(
        &self,
        generation: &Generation,
        head: &Parts,
        body: Body<'_>,
        peer: IpAddr,
    ) -> Reply {
        let forwarded = head
            .headers
            .get_all("x-forwarded-for")
            .iter()
            .map(HeaderValue::as_bytes);
        let address = generation.settings.peer(peer).origin(forwarded);
        if head.uri.path().starts_with(sim::PREFIX) {
            return match stranger(&head.headers, peer, address) {
                Some(why) => {
                    warn!(event = "simulation_refused", why, source = %address);
                    host_error(StatusCode::FORBIDDEN, why)
                }
                None => self.turn(head, &body),
            };
        }
        let headers: Vec<Header<'_>> = head
            .headers
            .iter()
            .map(|(name, value)| Header {
                name: name.as_str(),
                value: value.as_bytes(),
            })
            .collect();
        let request = CoreRequest {
            method: head.method.as_str(),
            target: head
                .uri
                .path_and_query()
                .map_or("", |target| target.as_str()),
            headers: &headers,
            body,
            source: source(address),
        };
        // A quarter of it is for a token while it is read.
        let token = generation.server().configuration().limits.token;
        let mut out = vec![0; AuthorizationServer::ROOM.max(token.saturating_mul(4))];
        match self.gateway.exchange(generation, request, &mut out).await {
            Ok(answer) => {
                for event in answer.events() {
                    log::event(event, address);
                    self.gateway.meters.event(event);
                }
                reply(&answer)
            }
            Err(Starved) => {
                let (status, description) = Refused::Unable.answer();
                let status = StatusCode::from_u16(status).unwrap_or_default();
                let mut refused = host_error(status, description);
                let wait = HeaderValue::from_static("5");
                refused.headers_mut().insert(RETRY_AFTER, wait);
                closing(refused)
            }
        }
    }

    /// Turns a part of the simulation.
    fn turn(&self, head: &Parts, body: &Body<'_>) -> Reply {
        let body = match body {
            Body::Whole(body) => Some(&**body),
            Body::TooLong => None,
        };
        match sim::answer(self.gateway, head.uri.path(), &head.method, body) {
            Said::Done => {
                let mut done = Reply::default();
                *done.status_mut() = StatusCode::NO_CONTENT;
                done
            }
            Said::Shows(value) => json(StatusCode::OK, value.to_string()),
            Said::Refused(status, message) => host_error(status, &message),
            Said::Method(allow) => {
                let mut refused = host_error(
                    StatusCode::METHOD_NOT_ALLOWED,
                    "The method is not allowed here.",
                );
                let allow = HeaderValue::from_static(allow);
                refused.headers_mut().insert(ALLOW, allow);
                refused
            }
        }
    }
}

/// What is at `path`, by a name of few.
fn route(generation: &Generation, path: &str) -> &'static str {
    let profile = &generation.server().configuration().profile;
    match path {
        "/" => "status",
        "/devices" => "devices",
        _ if path.starts_with("/devices/") => "devices",
        _ if path.starts_with(sim::PREFIX) => "sim",
        _ => route_name(profile, path).unwrap_or("other"),
    }
}

/// Why a request may not turn the simulation: it comes from another computer, or a
/// browser sent it for a web page. Browsers say so in `Origin`, with each POST,
/// and in `Sec-Fetch-Site`; `curl` says neither. Who is behind a proxy, be it on
/// this computer and not believed, is not known to be here.
fn stranger(headers: &HeaderMap, peer: IpAddr, address: IpAddr) -> Option<&'static str> {
    let is_local = |address: IpAddr| address.to_canonical().is_loopback();
    let is_forwarded = |name: &HeaderName| {
        matches!(name.as_str(), "forwarded" | "via" | "x-real-ip")
            || name.as_str().starts_with("x-forwarded-")
    };
    if !is_local(peer) || !is_local(address) || headers.keys().any(is_forwarded) {
        return Some("The simulation is turned from this computer alone.");
    }
    let is_page = headers.contains_key(ORIGIN)
        || headers
            .get_all("sec-fetch-site")
            .iter()
            .any(|site| site != "same-origin" && site != "none");
    is_page.then_some("The simulation is not turned by a web page.")
}

/// Whether the head's fields are clear, as a board sees it; but a chunked body is
/// read here.
fn framing(head: &Parts) -> Result<(), Refused> {
    let fields = head.headers.iter();
    let fields = fields.map(|(name, value)| (name.as_str(), value.as_bytes()));
    match Framing::of(fields, head.version < Version::HTTP_11) {
        Ok(_) | Err(Refused::LengthRequired) => Ok(()),
        Err(refused) => Err(refused),
    }
}

/// Reads a body of at most `limit` octets, in no more than `patience`.
async fn receive(mut body: Incoming, limit: usize, patience: Duration) -> Received {
    if body.is_end_stream() {
        return Received::Whole(Vec::new());
    }
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > limit {
        return Received::TooLong;
    }
    let reading = async {
        let mut whole = Vec::with_capacity(announced);
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else {
                return Received::Broken;
            };
            // Trailers mean nothing here.
            let Ok(data) = frame.into_data() else {
                continue;
            };
            if data.len() > limit - whole.len() {
                return Received::TooLong;
            }
            whole.extend_from_slice(&data);
        }
        Received::Whole(whole)
    };
    tokio::time::timeout(patience, reading)
        .await
        .unwrap_or(Received::TooLate)
}

/// The core's answer, header fields in its order.
fn reply(answer: &Answer<'_>) -> Reply {
    let answer = answer.response();
    let mut reply = Response::new(Full::new(Bytes::copy_from_slice(answer.body())));
    *reply.status_mut() =
        StatusCode::from_u16(answer.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in answer.headers() {
        if let Ok(value) = HeaderValue::from_str(value) {
            reply
                .headers_mut()
                .append(HeaderName::from_static(name), value);
        }
    }
    reply
}

/// An answer of the host's own, where the core was not asked.
fn host_error(status: StatusCode, description: &str) -> Reply {
    json(status, refusal::body(status.as_u16(), description))
}

fn json(status: StatusCode, body: String) -> Reply {
    let mut reply = Response::new(Full::new(Bytes::from(body)));
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert("cache-control", HeaderValue::from_static("no-store"));
    headers.insert("pragma", HeaderValue::from_static("no-cache"));
    reply
}

/// The same answer, and the connection ends with it.
pub(crate) fn closing(mut reply: Reply) -> Reply {
    reply
        .headers_mut()
        .insert(CONNECTION, HeaderValue::from_static("close"));
    reply
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simulation_is_turned_from_this_computer_alone() {
        let is_refused = |peer: &str, address: &str| {
            let address = address.parse().unwrap();
            stranger(&HeaderMap::new(), peer.parse().unwrap(), address).is_some()
        };
        for local in ["127.0.0.1", "127.3.2.1", "::1", "::ffff:127.0.0.1"] {
            assert!(!is_refused(local, local), "{local}");
            assert!(is_refused(local, "192.0.2.1"), "behind a proxy: {local}");
            assert!(is_refused("192.0.2.1", local), "a proxy: {local}");
        }
        for far in [
            "192.0.2.1",
            "10.0.0.1",
            "2001:db8::1",
            "::ffff:192.0.2.1",
            "0.0.0.0",
        ] {
            assert!(is_refused(far, far), "{far}");
        }
    }
}
