//! What is served from one reading of the configuration to the next.

use std::path::{Path, PathBuf};

use self_cell::{MutBorrow, self_cell};
use smallgate_core::oauth::{AuthorizationServer, Throttle, ThrottlePolicy, ThrottleSlot};
use smallgate_core::profile::Profile;
use smallgate_firmware::devices::Device;

use crate::config::{Built, Document, Notes, ServerSettings};
use crate::keys::Made;
use crate::region::Region;
use crate::store::Settings;
use crate::{demo, provision};

/// Failures that are remembered, for pairs of client or user and source.
static PATIENCE: [ThrottleSlot; 1024] = [const { ThrottleSlot::new() }; 1024];

/// Where configurations come from.
pub(crate) struct Origin {
    pub(crate) from: Source,
    /// The profile that the command line names.
    pub(crate) profile: Option<&'static Profile>,
    /// What stands in for keys that are not configured.
    pub(crate) made: Made,
    /// The throttle's, for the process's life: it finds again what it remembers.
    pub(crate) salt: [u8; 16],
}

/// What is read for a configuration.
pub(crate) enum Source {
    File(PathBuf),
    Image(PathBuf),
    /// What is built in.
    Demonstration,
}

/// A server and what belongs to it.
pub(crate) struct Ready<'r> {
    pub(crate) server: AuthorizationServer<'r>,
    pub(crate) throttle: ThrottlePolicy,
    pub(crate) devices: &'r [Device<'r>],
    pub(crate) notes: Notes,
}

self_cell!(
    struct Owned {
        owner: MutBorrow<Region>,
        #[covariant]
        dependent: Ready,
    }
);

/// One reading of the configuration, and the server that it makes. It ends with
/// the last request that began with it.
pub(crate) struct Generation {
    owned: Owned,
    pub(crate) throttle: Throttle<'static>,
    pub(crate) settings: ServerSettings,
}

/// A configuration that was read, before it is known where is listened.
pub(crate) enum Found {
    Document(Box<Document>),
    /// An image says all by itself.
    Whole(Box<Generation>),
}

impl Found {
    /// How a shared store is reached. An image says nothing of one.
    pub(crate) fn store_settings(&self) -> Result<Settings, String> {
        match self {
            Found::Document(document) => document.store_settings(),
            Found::Whole(_) => Ok(Settings::default()),
        }
        .map_err(|error| error.to_string())
    }
}

impl Origin {
    /// Reads what there is.
    pub(crate) fn find(&self) -> Result<(Found, ServerSettings), String> {
        let document = match &self.from {
            Source::Image(path) => {
                let whole = self.of_image(path)?;
                let settings = whole.settings.clone();
                return Ok((Found::Whole(Box::new(whole)), settings));
            }
            Source::File(path) => Document::read(path),
            Source::Demonstration => demo::document(self.profile),
        };
        let document = document.map_err(|error| error.to_string())?;
        let settings = document
            .server_settings()
            .map_err(|error| error.to_string())?;
        Ok((Found::Document(Box::new(document)), settings))
    }

    /// Makes the server; `url` stands in for an issuer.
    pub(crate) fn generation(
        &self,
        found: Found,
        settings: ServerSettings,
        url: &str,
    ) -> Result<Generation, String> {
        let document = match found {
            Found::Whole(generation) => return Ok(*generation),
            Found::Document(document) => document,
        };
        let owned = Owned::try_new(MutBorrow::new(Region::default()), |region| {
            let Built {
                server,
                throttle,
                devices,
                notes,
                packing: _,
            } = document
                .build(region.borrow_mut(), &self.made, self.profile, url)
                .map_err(|error| error.to_string())?;
            Ok::<_, String>(Ready {
                server,
                throttle,
                devices,
                notes,
            })
        })?;
        Ok(self.of(owned, settings))
    }

    fn of_image(&self, path: &Path) -> Result<Generation, String> {
        let mut settings = None;
        let owned = Owned::try_new(MutBorrow::new(Region::default()), |region| {
            let (ready, said) = provision::open(region.borrow_mut(), path)?;
            settings = Some(said);
            Ok::<_, String>(ready)
        })?;
        let settings = settings.ok_or("the image has no settings")?;
        Ok(self.of(owned, settings))
    }

    fn of(&self, owned: Owned, settings: ServerSettings) -> Generation {
        let policy = owned.borrow_dependent().throttle;
        Generation {
            throttle: Throttle::new(&PATIENCE, policy, self.salt),
            owned,
            settings,
        }
    }
}

impl Generation {
    pub(crate) fn ready(&self) -> &Ready<'_> {
        self.owned.borrow_dependent()
    }

    /// Whether keys were made that end with the process.
    pub(crate) fn has_made_keys(&self) -> bool {
        let notes = &self.ready().notes;
        notes.signing_key_made || notes.handle_key_made
    }

    pub(crate) fn server(&self) -> &AuthorizationServer<'_> {
        &self.ready().server
    }
}
