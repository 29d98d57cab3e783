//! Grants in a key-value bucket of NATS JetStream, which several gateways share.
//!
//! A grant is the value of one key, its 96 octets as they are, and what was seen of
//! it is the key's revision. Reads are the leader's. One that is cut off from the
//! others goes on answering them for a while, so nothing is given that rests on a
//! read alone: to confirm a record is to write it again as it is.
//!
//! A cluster of nats-server 2.9 compares revisions before it agrees on an order: of
//! swaps at once several pass. So who writes is agreed on first (`claim`), and each
//! revision is replaced by one record, whoever sends it and however often.
//!
//! Each gateway writes a beat every second. When that fails it answers 503 until a
//! beat is written again, reads included: so what a leader that was cut off says is
//! believed for a few seconds at most, and by nobody but who asks whether a token is
//! still good (`/me/`, introspection, devices).
//!
//! What is not as in the other stores: an owner's oldest grant does not give way, as
//! there is no index of owners; only all grants together are bounded. A record goes
//! by age, when no token of it can be good, and not to make room. And servers that
//! lose their power, all of them at once, may lose what they acknowledged last:
//! nats-server writes it to the disk's cache, and syncs that every two minutes.

mod bucket;
mod claim;
mod cluster;
mod fingerprint;

use std::time::Duration;

use async_nats::connection::State;
use async_nats::header::NATS_EXPECTED_LAST_SUBJECT_SEQUENCE;
use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::publish::PublishAck;
use async_nats::jetstream::response::Response;
use async_nats::jetstream::stream::{RawMessageErrorKind, Stream};
use async_nats::{Client, HeaderMap, HeaderValue, Request, RequestErrorKind};
use smallgate_core::oauth::{Configuration, GrantId, Record};
use smallgate_core::store::{Committed, Loaded, Seen, StoreUnavailable};
use tokio::time::Instant;

use crate::credentials::base64url;
pub(crate) use claim::{Claim, Name};
pub(crate) use cluster::{Cluster, Settings};

/// How long an exchange waits for the store in all.
pub(crate) const PATIENCE: Duration = Duration::from_secs(3);

/// How long one acknowledgement is waited for, before the same is sent again.
const ATTEMPT: Duration = Duration::from_secs(1);

/// How often it is seen whether the servers write; four times as often while they
/// do not.
const BEAT: Duration = Duration::from_secs(1);

/// After so long without a beat another server is turned to: the one that was asked
/// may be cut off from the others.
const TURN: Duration = Duration::from_secs(4);

/// Before the same is sent again to servers that said they can not do it now.
const PAUSE: Duration = Duration::from_millis(50);

/// What gateways must have in common, as a bucket says it: nothing secret.
pub(crate) fn fingerprint(configuration: &Configuration<'_>) -> Result<String, String> {
    fingerprint::Fingerprint::of(configuration).map(|fingerprint| fingerprint.text())
}

/// A bucket that is open.
pub(crate) struct Nats {
    client: Client,
    stream: Stream<()>,
    claims: Stream<()>,
    bucket: String,
}

/// What a publication was answered with.
enum Published {
    /// It is written.
    Done,
    /// The key's revision is another; nothing was written.
    Stale,
    /// There is no room for another key; nothing was written.
    Full,
    /// It never left; nothing was written.
    NotSent,
    /// Nobody knows.
    Unknown,
}

impl Nats {
    /// Reads a grant's record from the leader, again and again until `until`.
    ///
    /// That it is not there is believed only after a beat that was written since:
    /// a leader that was cut off does not know of new grants.
    pub(crate) async fn load(
        &self,
        id: &GrantId,
        until: Instant,
    ) -> Result<Loaded, StoreUnavailable> {
        let loaded = self.read(id, until).await?;
        if loaded.seen != Seen::ABSENT {
            return Ok(loaded);
        }
        self.beat().await?;
        self.read(id, until).await
    }

    async fn read(&self, id: &GrantId, until: Instant) -> Result<Loaded, StoreUnavailable> {
        let subject = self.subject(id);
        while self.is_connected() && Instant::now() < until {
            let reading = self.stream.get_last_raw_message_by_subject(&subject);
            match tokio::time::timeout_at(until.min(attempt()), reading).await {
                Ok(Ok(message)) => {
                    return Ok(Loaded {
                        // A key that an administrator deleted has an empty value.
                        record: <[u8; 96]>::try_from(&message.payload[..])
                            .ok()
                            .map(Record::from_octets),
                        seen: Seen(message.sequence),
                    });
                }
                Ok(Err(error)) if error.kind() == RawMessageErrorKind::NoMessageFound => {
                    return Ok(Loaded {
                        record: None,
                        seen: Seen::ABSENT,
                    });
                }
                Ok(Err(_)) => tokio::time::sleep(PAUSE).await,
                Err(_late) => {}
            }
        }
        Err(StoreUnavailable)
    }

    /// Writes a record, once, if its key's revision is still the one that was seen.
    pub(crate) async fn commit(
        &self,
        id: &GrantId,
        seen: Seen,
        claim: &Claim,
        until: Instant,
    ) -> Committed {
        if Instant::now() >= until {
            return Committed::Unavailable;
        }
        if seen != Seen::ABSENT {
            return self.swap(id, seen, claim, until).await;
        }
        // Nobody else makes this one. Not twice: a cluster that refuses the second
        // one counts it, and loses count when its servers restart.
        let value = claim.record().to_vec();
        match self
            .publish(self.subject(id), Some(seen), value, until)
            .await
        {
            Published::Done => Committed::Done,
            Published::Stale => Committed::Conflict,
            Published::Full => Committed::Full,
            Published::NotSent | Published::Unknown => Committed::Unavailable,
        }
    }

    /// Beats for good, and tells how each beat went.
    pub(crate) async fn keep_beating(&self, tell: &mut impl FnMut(Result<(), StoreUnavailable>)) {
        let mut turned = Instant::now();
        loop {
            let beat = self.beat().await;
            tell(beat);
            let pause = match beat {
                Ok(()) => {
                    turned = Instant::now();
                    BEAT
                }
                Err(StoreUnavailable) => BEAT / 4,
            };
            if turned.elapsed() > TURN {
                turned = Instant::now();
                self.turn_to_another().await;
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// Writes something that is nobody's, to see that most of the servers write.
    async fn beat(&self) -> Result<(), StoreUnavailable> {
        let subject = format!("$KV.{}.beat", self.bucket);
        match self.publish(subject, None, Vec::new(), attempt()).await {
            // Whoever says that it is full has looked.
            Published::Done | Published::Full => Ok(()),
            Published::Stale | Published::NotSent | Published::Unknown => Err(StoreUnavailable),
        }
    }

    /// Leaves the server that it is connected to for one of those that are
    /// configured.
    async fn turn_to_another(&self) {
        // Without a connection it is looking for one already.
        if self.is_connected() {
            let _gone = self.client.force_reconnect().await;
        }
    }

    async fn publish(
        &self,
        subject: String,
        seen: Option<Seen>,
        value: Vec<u8>,
        until: Instant,
    ) -> Published {
        // What is sent without a connection leaves when there is one again, long
        // after its sender was told that it did not.
        if !self.is_connected() {
            return Published::NotSent;
        }
        let mut headers = HeaderMap::new();
        if let Some(Seen(revision)) = seen {
            let expected = HeaderValue::from(revision);
            headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, expected);
        }
        let patience = until
            .min(attempt())
            .saturating_duration_since(Instant::now());
        let request = Request::new()
            .headers(headers)
            .payload(value.into())
            .timeout(Some(patience));
        let answer = match self.client.send_request(subject, request).await {
            Ok(answer) => answer,
            // There is no leader, so nobody has it.
            Err(error) if error.kind() == RequestErrorKind::NoResponders => {
                return Published::NotSent;
            }
            Err(_) => return Published::Unknown,
        };
        match serde_json::from_slice::<Response<PublishAck>>(&answer.payload) {
            Ok(Response::Ok(_)) => Published::Done,
            Ok(Response::Err { error }) => match error.error_code() {
                ErrorCode::STREAM_WRONG_LAST_SEQUENCE => Published::Stale,
                ErrorCode::STREAM_STORE_FAILED if error.to_string().contains("maximum") => {
                    Published::Full
                }
                _ => {
                    tokio::time::sleep(PAUSE).await;
                    Published::Unknown
                }
            },
            Err(_) => Published::Unknown,
        }
    }

    fn is_connected(&self) -> bool {
        self.client.connection_state() == State::Connected
    }

    fn subject(&self, id: &GrantId) -> String {
        format!("$KV.{}.grant.{}", self.bucket, base64url(&id.0))
    }
}

fn attempt() -> Instant {
    Instant::now() + ATTEMPT
}
