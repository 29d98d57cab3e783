//! A queue in fixed memory that any number of tasks wait at, each in its turn.

use core::cell::{Cell, RefCell};
use core::ops::{Deref, DerefMut};

use embassy_futures::yield_now;
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::semaphore::{FairSemaphore, Semaphore};
use heapless::Deque;

/// Up to `N` items, for up to `N` tasks of one executor that wait.
///
/// `embassy-sync`'s channel has room for one waiting receiver: two of them would
/// wake each other without end.
pub struct Queue<T, const N: usize> {
    items: RefCell<Deque<T, N>>,
    count: FairSemaphore<NoopRawMutex, N>,
    waiting: Cell<usize>,
}

impl<T, const N: usize> Queue<T, N> {
    /// Nothing is in it.
    #[must_use]
    pub const fn new() -> Self {
        Queue {
            items: RefCell::new(Deque::new()),
            count: FairSemaphore::new(0),
            waiting: Cell::new(0),
        }
    }

    /// How many items are in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.try_borrow().map_or(0, |items| items.len())
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a task waits for an item, and there is none.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        self.waiting.get() > 0 && self.is_empty()
    }

    /// Adds `item` as the last one.
    ///
    /// # Errors
    ///
    /// `N` items are in it: here it is again.
    pub fn put(&self, item: T) -> Result<(), T> {
        match self.items.try_borrow_mut() {
            Ok(mut items) => items.push_back(item)?,
            // Nobody holds it across a call or an await.
            Err(_) => return Err(item),
        }
        self.count.release(1);
        Ok(())
    }

    /// Takes the first one, when it is this task's turn and there is one.
    pub async fn take(&self) -> T {
        let _waiting = Waiting::at(&self.waiting);
        loop {
            match self.count.acquire(1).await {
                Ok(permit) => {
                    permit.disarm();
                    let first = self.items.try_borrow_mut();
                    if let Some(first) = first.ok().and_then(|mut items| items.pop_front()) {
                        return first;
                    }
                }
                // More than `N` wait; this one comes again.
                Err(_) => yield_now().await,
            }
        }
    }

    /// The same, until the [`Lease`] is dropped.
    pub async fn lease(&self) -> Lease<'_, T, N> {
        Lease {
            queue: self,
            item: Some(self.take().await),
        }
    }
}

impl<T, const N: usize> Default for Queue<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

/// Counts a task that waits, until it is dropped.
struct Waiting<'w>(&'w Cell<usize>);

impl<'w> Waiting<'w> {
    fn at(count: &'w Cell<usize>) -> Self {
        count.set(count.get().saturating_add(1));
        Waiting(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}

/// An item that goes back to its queue.
pub struct Lease<'q, T, const N: usize> {
    queue: &'q Queue<T, N>,
    /// None while it is dropped.
    item: Option<T>,
}

impl<O: ?Sized, const N: usize> Deref for Lease<'_, &mut O, N>
where
    for<'o> &'o O: Default,
{
    type Target = O;

    fn deref(&self) -> &O {
        self.item.as_deref().unwrap_or_default()
    }
}

impl<O: ?Sized, const N: usize> DerefMut for Lease<'_, &mut O, N>
where
    for<'o> &'o O: Default,
    for<'o> &'o mut O: Default,
{
    fn deref_mut(&mut self) -> &mut O {
        self.item.as_deref_mut().unwrap_or_default()
    }
}

impl<T, const N: usize> Drop for Lease<'_, T, N> {
    fn drop(&mut self) {
        if let Some(item) = self.item.take() {
            let _there_is_room = self.queue.put(item);
        }
    }
}
