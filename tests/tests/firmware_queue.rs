//! The queue that a board's workers wait at.

use std::cell::RefCell;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use smallgate_firmware::queue::Queue;

/// How often a task was woken.
#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Wakes {
    fn taken(&self) -> usize {
        self.0.swap(0, Ordering::Relaxed)
    }
}

fn poll<F: Future>(future: Pin<&mut F>, wakes: &Arc<Wakes>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(&Waker::from(Arc::clone(wakes))))
}

#[test]
fn items_come_out_as_they_went_in() {
    let queue = Queue::<u8, 3>::new();
    let wakes = Arc::new(Wakes::default());
    assert!(queue.is_empty());
    for item in 1..=3 {
        assert_eq!(queue.put(item), Ok(()));
    }
    assert_eq!(queue.put(4), Err(4), "there is no room");
    for item in 1..=3 {
        assert_eq!(poll(pin!(queue.take()), &wakes), Poll::Ready(item));
    }
    assert!(queue.is_empty());
    assert_eq!(poll(pin!(queue.take()), &wakes), Poll::Pending);
}

#[test]
fn who_waits_sleeps_until_its_turn() {
    let queue = Queue::<u8, 3>::new();
    let wakes: [Arc<Wakes>; 3] = Default::default();
    let (mut a, mut b, mut c) = (pin!(queue.take()), pin!(queue.take()), pin!(queue.take()));
    assert_eq!(poll(a.as_mut(), &wakes[0]), Poll::Pending);
    assert_eq!(poll(b.as_mut(), &wakes[1]), Poll::Pending);
    assert_eq!(poll(c.as_mut(), &wakes[2]), Poll::Pending);
    let woken = || wakes.each_ref().map(|wakes| wakes.taken());
    assert_eq!(woken(), [0, 0, 0], "nobody wakes another by waiting");
    assert_eq!(queue.put(7), Ok(()));
    assert_eq!(woken(), [1, 0, 0], "the first one is woken alone");
    // Whoever comes too early is not served before its turn.
    assert_eq!(poll(b.as_mut(), &wakes[1]), Poll::Pending);
    assert_eq!(poll(pin!(queue.take()), &wakes[2]), Poll::Pending);
    assert_eq!(poll(a.as_mut(), &wakes[0]), Poll::Ready(7));
    woken();
    assert_eq!(queue.put(8), Ok(()));
    assert_eq!(woken(), [0, 1, 0]);
    assert_eq!(poll(b.as_mut(), &wakes[1]), Poll::Ready(8));
    assert_eq!(queue.put(9), Ok(()));
    assert_eq!(poll(c.as_mut(), &wakes[2]), Poll::Ready(9));
}

#[test]
fn who_stops_waiting_lets_the_next_one_in() {
    let queue = Queue::<u8, 2>::new();
    let wakes: [Arc<Wakes>; 2] = Default::default();
    let mut second = pin!(queue.take());
    {
        let mut first = pin!(queue.take());
        assert_eq!(poll(first.as_mut(), &wakes[0]), Poll::Pending);
        assert_eq!(poll(second.as_mut(), &wakes[1]), Poll::Pending);
        assert_eq!(queue.put(1), Ok(()));
        assert_eq!(wakes[0].taken(), 1);
    }
    assert_eq!(poll(second, &wakes[1]), Poll::Ready(1));
}

#[test]
fn more_than_there_is_room_for_come_again() {
    let queue = Queue::<u8, 1>::new();
    let wakes: [Arc<Wakes>; 2] = Default::default();
    let (mut first, mut second) = (pin!(queue.take()), pin!(queue.take()));
    assert_eq!(poll(first.as_mut(), &wakes[0]), Poll::Pending);
    assert_eq!(poll(second.as_mut(), &wakes[1]), Poll::Pending);
    assert!(wakes[1].taken() > 0, "it asks again by itself");
    assert_eq!(queue.put(1), Ok(()));
    assert_eq!(poll(first, &wakes[0]), Poll::Ready(1));
    assert_eq!(queue.put(2), Ok(()));
    let mut tries = (0..3).map(|_| poll(second.as_mut(), &wakes[1]));
    let second = tries.find(Poll::is_ready);
    assert_eq!(second, Some(Poll::Ready(2)));
}

#[test]
fn what_is_lent_comes_back() {
    let mut octets = *b"room";
    let queue = Queue::<&mut [u8], 1>::new();
    let wakes = Arc::new(Wakes::default());
    assert!(queue.put(&mut octets).is_ok());
    let seen = RefCell::new(Vec::new());
    for _ in 0..2 {
        let Poll::Ready(mut lease) = poll(pin!(queue.lease()), &wakes) else {
            panic!("it is there");
        };
        assert!(queue.is_empty());
        assert!(poll(pin!(queue.lease()), &wakes).is_pending());
        seen.borrow_mut().push(lease.to_vec());
        lease.fill(b'x');
    }
    assert_eq!(*seen.borrow(), [b"room".to_vec(), b"xxxx".to_vec()]);
}
