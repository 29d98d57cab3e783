//! Answers to what is no request, as a board gives them.
//!
//! hyper answers such by itself, and says nothing but the status.

use std::time::{SystemTime, UNIX_EPOCH};

use smallgate_core::time::UnixTime;
use smallgate_firmware::http::{Refused, imf_fixdate};

/// The body of a refusal.
pub(crate) fn body(status: u16, description: &str) -> String {
    let error = match status {
        503 => "temporarily_unavailable",
        500.. => "server_error",
        _ => "invalid_request",
    };
    serde_json::json!({ "error": error, "error_description": description }).to_string()
}

/// What a board says in the place of `octets`, if they are an answer of hyper's
/// own: Smallgate's errors have a body.
pub(crate) fn instead_of(octets: &[u8]) -> Option<Vec<u8>> {
    let refused = match octets.first_chunk()? {
        b"HTTP/1.1 400 " => Refused::Malformed,
        b"HTTP/1.1 414 " => Refused::TargetTooLong,
        b"HTTP/1.1 431 " => Refused::HeadTooLong,
        _ => return None,
    };
    let text = std::str::from_utf8(octets).ok()?;
    text.contains("\r\ncontent-length: 0\r\n")
        .then(|| answer(refused))
}

/// The whole answer. It is the connection's last.
pub(crate) fn answer(refused: Refused) -> Vec<u8> {
    let (status, description) = refused.answer();
    let reason = hyper::StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or_default();
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let date = imf_fixdate(UnixTime(now.map_or(0, |now| now.as_secs())));
    let body = body(status, description);
    format!(
        "HTTP/1.1 {status} {reason}\r\ncontent-type: application/json\r\n\
         cache-control: no-store\r\npragma: no-cache\r\nconnection: close\r\n\
         content-length: {}\r\ndate: {}\r\n\r\n{body}",
        body.len(),
        String::from_utf8_lossy(&date),
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_answers_without_a_body_are_replaced() {
        let own = |line: &str, length| {
            let octets = format!("{line}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
            instead_of(octets.as_bytes()).map(|octets| String::from_utf8(octets).unwrap())
        };
        let malformed = own("HTTP/1.1 400 Bad Request", 0).unwrap();
        assert!(malformed.starts_with("HTTP/1.1 400 Bad Request\r\ncontent-type: "));
        assert!(malformed.ends_with(
            r#"{"error":"invalid_request","error_description":"The request is malformed."}"#
        ));
        assert_eq!(own("HTTP/1.1 400 Bad Request", 10), None);
        assert_eq!(own("HTTP/1.1 200 OK", 0), None);
        assert_eq!(instead_of(b"HTTP/1.1 4"), None);
    }
}
