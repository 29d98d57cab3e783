//! Who replaces a revision of a record: whoever claimed it first.
//!
//! A claim is a message on a subject of the grant and the revision, in a stream that
//! takes every one and keeps it for minutes. Nothing is compared there, so nothing
//! can be compared too early: the servers agree on an order, and the first claim is
//! the one that counts. It holds the record that is to be written, so anybody can
//! write it whose own claim came later, if the first one's owner does not.

use std::time::Duration;

use smallgate_core::oauth::{GrantId, RECORD_SIZE, Record};
use smallgate_core::store::{Committed, Seen};
use tokio::time::Instant;

use super::{Nats, Published, attempt};
use crate::credentials::{self, base64url};

/// How long the one who claimed first may take to write, before others do it.
const TURN: Duration = Duration::from_millis(300);

/// How often those look.
const LOOK: Duration = Duration::from_millis(5);

const NAME: usize = 8;

/// What an exchange claims: to have its record written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Claim([u8; NAME + RECORD_SIZE]);

/// Tells exchanges apart that would write the same.
#[derive(Clone, Copy)]
pub(crate) struct Name([u8; NAME]);

impl Name {
    /// Nothing if there are no random numbers.
    pub(crate) fn new() -> Option<Self> {
        credentials::random().ok().map(Name)
    }
}

impl Claim {
    pub(crate) fn new(name: Name, record: &Record) -> Self {
        let mut octets = [0; NAME + RECORD_SIZE];
        let fields = name.0.iter().chain(record.octets());
        for (octet, field) in octets.iter_mut().zip(fields) {
            *octet = *field;
        }
        Claim(octets)
    }

    /// The record's octets.
    pub(super) fn record(&self) -> &[u8] {
        let [_, _, _, _, _, _, _, _, record @ ..] = &self.0;
        record
    }
}

impl Nats {
    /// Replaces the record of the revision `seen`, if this claim to it is the first.
    pub(super) async fn swap(
        &self,
        id: &GrantId,
        seen: Seen,
        claim: &Claim,
        until: Instant,
    ) -> Committed {
        let subject = format!("smallgate.{}.{}.{}", self.bucket, base64url(&id.0), seen.0);
        match self
            .publish(subject.clone(), None, claim.0.to_vec(), until)
            .await
        {
            Published::Done => {}
            Published::NotSent => return Committed::Unavailable,
            Published::Stale | Published::Full | Published::Unknown => return Committed::Unknown,
        }
        // What a leader knows that was cut off is the truth so far: its first claim
        // is the first, and if it has none it is asked again.
        let first = self.claims.get_first_raw_message_by_subject(&subject, 1);
        let Ok(Ok(first)) = tokio::time::timeout_at(until.min(attempt()), first).await else {
            return Committed::Unknown;
        };
        let Ok(first) = <[u8; NAME + RECORD_SIZE]>::try_from(&first.payload[..]).map(Claim) else {
            return Committed::Unknown;
        };
        if first == *claim {
            self.replace(id, seen, claim, until).await
        } else {
            self.make_way(id, seen, &first, until).await;
            Committed::Conflict
        }
    }

    /// Writes the record that the first claim is for.
    async fn replace(&self, id: &GrantId, seen: Seen, claim: &Claim, until: Instant) -> Committed {
        let value = claim.record().to_vec();
        match self
            .publish(self.subject(id), Some(seen), value, until)
            .await
        {
            Published::Done => Committed::Done,
            // By an earlier try, or by somebody who did not wait any longer; or the
            // revision was written twice, and it is the second one to be replaced.
            Published::Stale => match self.read(id, until).await {
                Ok(now)
                    if now
                        .record
                        .is_some_and(|now| now.octets()[..] == *claim.record()) =>
                {
                    Committed::Done
                }
                Ok(_) => Committed::Conflict,
                Err(_) => Committed::Unknown,
            },
            Published::Full | Published::NotSent | Published::Unknown => Committed::Unknown,
        }
    }

    /// Waits until the first claim's record is there, and writes it if it does not
    /// come: its owner may be gone.
    async fn make_way(&self, id: &GrantId, seen: Seen, first: &Claim, until: Instant) {
        let patience = Instant::now() + TURN;
        while Instant::now() < patience.min(until) {
            match self.read(id, until).await {
                Ok(now) if now.seen == seen => tokio::time::sleep(LOOK).await,
                Ok(_) | Err(_) => return,
            }
        }
        let value = first.record().to_vec();
        let _whatever = self
            .publish(self.subject(id), Some(seen), value, until)
            .await;
    }
}
