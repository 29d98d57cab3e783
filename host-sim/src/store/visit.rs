//! One exchange at the store.

use smallgate_core::oauth::{Commit, GrantId, Record};
use smallgate_core::store::{Committed, Loaded, Store as _, StoreUnavailable, Write};
use tokio::time::Instant;

use super::nats::{Claim, Name, Nats, PATIENCE};
use super::{MEMORY, Store, in_file, lock};

/// Until when an exchange waits for the store, and what it read last.
pub(crate) struct Visit<'s> {
    store: &'s Store,
    read: Option<Record>,
    name: Option<Name>,
    until: Option<Instant>,
}

impl<'s> Visit<'s> {
    pub(super) const fn new(store: &'s Store) -> Self {
        Visit {
            store,
            read: None,
            name: None,
            until: None,
        }
    }

    /// Reads a record. What it says is durable.
    pub(crate) async fn load(&mut self, id: &GrantId) -> Result<Loaded, StoreUnavailable> {
        let loaded = match self.store {
            Store::Memory => lock(&MEMORY).load(id),
            Store::File(durability) => {
                let loaded = in_file(|store| store.load(id));
                durability.reached().map_err(|_| StoreUnavailable)?;
                loaded
            }
            Store::Nats(nats) => nats.load(id, self.deadline()).await,
        }?;
        self.read = loaded.record;
        Ok(loaded)
    }

    /// Writes or confirms a record. It is durable when this returns.
    pub(crate) async fn commit(&mut self, commit: &Commit<'_>) -> Committed {
        let (now, id, seen, write) = (commit.now(), commit.id(), commit.seen(), commit.write());
        match self.store {
            Store::Memory => lock(&MEMORY).commit(now, id, seen, write),
            Store::File(durability) => {
                let committed = in_file(|store| store.commit(now, id, seen, write));
                match durability.reached() {
                    Ok(()) => committed,
                    Err(_) => Committed::Unavailable,
                }
            }
            Store::Nats(nats) => self.swap(nats, commit).await,
        }
    }

    /// To confirm is to write what was read, octet for octet: with the nonce of
    /// whoever wrote it, who may not know yet that it is there and looks for it.
    async fn swap(&mut self, nats: &Nats, commit: &Commit<'_>) -> Committed {
        let record = match commit.write() {
            Write::Record(record) => Some(*record),
            Write::Confirm => self.read,
        };
        let until = self.deadline();
        self.name = self.name.or_else(Name::new);
        match (record, self.name) {
            (Some(record), Some(name)) => {
                let claim = Claim::new(name, &record);
                nats.commit(commit.id(), commit.seen(), &claim, until).await
            }
            // Nothing was read, so there is nothing to confirm.
            (None, _) => Committed::Conflict,
            (_, None) => Committed::Unavailable,
        }
    }

    /// Counted from when the store is asked first: a password that was hashed
    /// before took its own time.
    fn deadline(&mut self) -> Instant {
        *self.until.get_or_insert_with(|| Instant::now() + PATIENCE)
    }
}
