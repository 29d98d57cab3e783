//! How many connections there may be, in all and of one source.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Semaphore, SemaphorePermit};

/// Who a connection is counted for. Whoever has one address of an IPv6 subnet
/// has all of its 64 bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Source {
    V4([u8; 4]),
    V6([u16; 4]),
}

impl Source {
    fn of(peer: IpAddr) -> Self {
        match peer.to_canonical() {
            IpAddr::V4(address) => Source::V4(address.octets()),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Source::V6([a, b, c, d])
            }
        }
    }
}

/// Room for connections.
pub(crate) struct Room {
    places: Semaphore,
    of_one: usize,
    open: Mutex<HashMap<Source, usize>>,
}

/// A connection's place, until it ends.
pub(crate) struct Place<'r> {
    room: &'r Room,
    /// None if it is not counted for anybody.
    source: Option<Source>,
    _permit: SemaphorePermit<'r>,
}

impl Room {
    /// Room for `most` connections, `of_one` of them from the same source.
    pub(crate) fn new(most: usize, of_one: usize) -> Self {
        Room {
            places: Semaphore::new(most),
            of_one,
            open: Mutex::new(HashMap::new()),
        }
    }

    /// Waits until there is a place. Who takes places is one task alone, so it
    /// is still there afterwards.
    pub(crate) async fn free(&self) {
        let _free = self.places.acquire().await;
    }

    /// A place for a connection from `peer`; none if it has its share. One that
    /// is `trusted`, since it speaks for many, has no share.
    pub(crate) fn take(&self, peer: IpAddr, trusted: bool) -> Option<Place<'_>> {
        let permit = self.places.try_acquire().ok()?;
        let source = (!trusted).then(|| Source::of(peer));
        if let Some(source) = source {
            let mut open = self.open();
            let count = open.entry(source).or_default();
            // Nobody stays in the table without a connection: `of_one` is not 0.
            if *count >= self.of_one {
                return None;
            }
            *count += 1;
        }
        Some(Place {
            room: self,
            source,
            _permit: permit,
        })
    }

    /// Whether all places are taken.
    pub(crate) fn is_full(&self) -> bool {
        self.places.available_permits() == 0
    }

    fn open(&self) -> MutexGuard<'_, HashMap<Source, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let Some(source) = self.source else {
            return;
        };
        let mut open = self.room.open();
        if let Some(count) = open.get_mut(&source) {
            *count -= 1;
            if *count == 0 {
                open.remove(&source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_source_has_its_share_and_leaves_room_for_others() {
        let room = Room::new(4, 2);
        let take = |text: &str| room.take(address(text), false);
        let first = take("192.0.2.1");
        let second = take("::ffff:192.0.2.1");
        assert!(first.is_some() && second.is_some());
        assert!(take("192.0.2.1").is_none());
        let subnet = take("2001:db8::1");
        assert!(subnet.is_some() && !room.is_full());
        let other = take("2001:db8::ffff:1");
        assert!(other.is_some() && room.is_full());
        drop(second);
        assert!(take("2001:db8::2").is_none(), "one subnet is one source");
        assert!(!room.is_full());
        drop((subnet, other));
        drop(first);
        assert!(take("192.0.2.1").is_some());
        assert!(take("2001:db8::2").is_some());
    }

    #[test]
    fn nothing_is_kept_of_connections_that_ended() {
        let room = Room::new(4, 1);
        for last in 0..100 {
            let peer = IpAddr::from([192, 0, 2, last]);
            let place = room.take(peer, false);
            assert!(place.is_some() && room.take(peer, false).is_none());
        }
        assert!(room.open().is_empty());
        assert_eq!(room.places.available_permits(), 4);
    }

    #[test]
    fn a_trusted_proxy_may_have_all_places() {
        let room = Room::new(3, 1);
        let proxy = address("127.0.0.1");
        let places: Vec<_> = (0..4).map_while(|_| room.take(proxy, true)).collect();
        assert_eq!(places.len(), 3);
        assert!(room.is_full());
    }
}
