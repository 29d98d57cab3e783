//! `smallgate store show`: what is in a store, and nothing secret.

use std::path::PathBuf;

use clap::Args;
use smallgate_core::oauth::{Grant, State};
use smallgate_firmware::store::{FlashStore, Usage};

use super::file::FileFlash;
use super::{IN_FILE, open};

/// Looks into a store that nobody has open.
#[derive(Args)]
pub(crate) struct Show {
    /// The file
    #[arg(value_name = "PATH")]
    path: PathBuf,
}

impl Show {
    pub(crate) fn run(&self) -> Result<(), String> {
        let mut store = Box::new(FlashStore::<FileFlash, IN_FILE>::new(FileFlash::NONE));
        open(&mut store, &self.path, None)?;
        println!(
            "grant                     client            user              created     keep until  state"
        );
        store
            .each(|grant| println!("{}", line(grant)))
            .map_err(|error| error.to_string())?;
        let Usage {
            used,
            slots,
            begun,
            sectors,
            left: _,
        } = store.usage();
        println!("{used} of {slots} slots in use, {} free", slots - used);
        println!(
            "{sectors} sectors, {begun} begun since the chip was new: each erased {} times at most",
            store.usage().erasures()
        );
        Ok(())
    }
}

fn line(grant: &Grant) -> String {
    let hex =
        |octets: &[u8]| -> String { octets.iter().map(|octet| format!("{octet:02x}")).collect() };
    let state = match grant.state {
        State::Pending => "pending".to_owned(),
        State::Active { generation } => format!("active, generation {generation}"),
        State::Revoked(reason) => format!("revoked: {reason:?}"),
    };
    format!(
        "{:<26}{:<18}{:<18}{:<12}{:<12}{state}",
        hex(&grant.id.0),
        hex(&grant.client.0),
        grant
            .user
            .map_or_else(|| "-".to_owned(), |user| hex(&user.0)),
        grant.created.0,
        grant.keep_until.0,
    )
}
