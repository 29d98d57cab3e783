//! The configuration file: TOML, read strictly, with every fault named by its
//! line and what to do about it.
//!
//! `file` says what may stand there, `values` reads single values, `clients`
//! and `build` make the core's configuration of it.

mod board;
mod build;
mod clients;
mod devices;
mod fault;
mod file;
mod network;
mod server;
mod store;
#[cfg(test)]
mod tests;
mod tls;
mod values;

use std::path::{Path, PathBuf};

use smallgate_core::jose::Jwk;
use smallgate_core::oauth::{AuthorizationServer, ThrottlePolicy};
use smallgate_core::profile::{self, Profile};
use smallgate_firmware::devices::Device;
use smallgate_firmware::http::Subnet;
use smallgate_firmware::image::{HandleSecrets, Network, Timeouts};

pub(crate) use self::devices::LAST_PIN;
pub(crate) use self::fault::ConfigError;
use self::fault::{Fault, SourceText};
use self::file::File;
pub(crate) use self::server::{DEFAULT_LISTEN, ServerSettings};
pub(crate) use self::tls::Tls;
use crate::keys::Made;
use crate::region::Region;
use crate::store::Settings;

/// A file with every key there is, explained.
pub(crate) const EXAMPLE: &str = include_str!("../example.toml");

/// A configuration that was read and is not checked yet.
pub(crate) struct Document {
    source: SourceText,
    file: File,
    /// Where paths in it start from.
    folder: PathBuf,
}

/// What a configuration makes.
pub(crate) struct Built<'r> {
    pub(crate) server: AuthorizationServer<'r>,
    /// How patient it is.
    pub(crate) throttle: ThrottlePolicy,
    /// What is behind the tokens.
    pub(crate) devices: &'r [Device<'r>],
    /// What an operator should know.
    pub(crate) notes: Notes,
    /// What `server` does not tell, for an image.
    pub(crate) packing: Packing<'r>,
}

/// Keys as they are written down, and what is for boards alone.
pub(crate) struct Packing<'r> {
    pub(crate) signing_key: Jwk,
    pub(crate) retired_keys: Vec<Jwk>,
    pub(crate) handle_keys: HandleSecrets,
    pub(crate) timeouts: Timeouts,
    pub(crate) trusted_proxies: Vec<Subnet>,
    pub(crate) network: Option<Network<'r>>,
}

/// What was not configured, or is not fit for more than a demonstration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Notes {
    /// `demo = true`: guessable secrets pass.
    pub(crate) demo: bool,
    /// No signing key is configured: one was made, and dies with the process.
    pub(crate) signing_key_made: bool,
    /// The same for the key behind codes and refresh tokens.
    pub(crate) handle_key_made: bool,
    /// No issuer is configured: it is the address listened on.
    pub(crate) issuer_assumed: bool,
    /// Files with private keys that others than their owner may read or write.
    pub(crate) exposed_keys: Vec<PathBuf>,
}

impl Document {
    /// Reads the file at `path`.
    pub(crate) fn read(path: &Path) -> Result<Self, ConfigError> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError::unreadable(&name, &error))?;
        let folder = path.parent().map(Path::to_owned).unwrap_or_default();
        Self::parse(name, text, folder)
    }

    /// Reads `text`, which is called `name` in messages; paths in it start from
    /// `folder`.
    pub(crate) fn parse(name: String, text: String, folder: PathBuf) -> Result<Self, ConfigError> {
        let source = SourceText { name, text };
        match toml::from_str::<File>(&source.text) {
            Ok(file) => Ok(Document {
                source,
                file,
                folder,
            }),
            Err(error) => Err(source.error(&Fault::of_toml(&error))),
        }
    }

    /// What the desktop's side of it needs to know.
    pub(crate) fn server_settings(&self) -> Result<ServerSettings, ConfigError> {
        ServerSettings::new(&self.file, &self.folder).map_err(|fault| self.source.error(&fault))
    }

    /// How grants are kept where several gateways do.
    pub(crate) fn store_settings(&self) -> Result<Settings, ConfigError> {
        store::settings(&self.file.store, &self.folder).map_err(|fault| self.source.error(&fault))
    }

    /// Refuses what a board would ignore.
    pub(crate) fn suits_a_board(&self) -> Result<(), ConfigError> {
        board::check(&self.file).map_err(|fault| self.source.error(&fault))
    }

    /// Makes the authorization server, in `region`. `asked` is the profile named
    /// on the command line, `url` stands in for an issuer and `made` for keys.
    pub(crate) fn build<'r>(
        &self,
        region: &'r Region,
        made: &Made,
        asked: Option<&Profile>,
        url: &str,
    ) -> Result<Built<'r>, ConfigError> {
        self.profile(asked)
            .and_then(|profile| build::build(region, made, &self.file, profile, &self.folder, url))
            .map_err(|fault| self.source.error(&fault))
    }

    fn profile(&self, asked: Option<&Profile>) -> Result<Profile, Fault> {
        let Some(named) = &self.file.profile else {
            return Ok(*asked.unwrap_or(&profile::STANDARD));
        };
        let found = profile::named(named.get_ref()).ok_or_else(|| {
            let known: Vec<_> = profile::ALL.iter().map(|known| known.name).collect();
            Fault::new(named, format!("there is no profile `{}`", named.get_ref()))
                .remedy(format!("use one of {}", known.join(", ")))
        })?;
        match asked {
            Some(asked) if asked.name != found.name => Err(Fault::new(
                named,
                format!(
                    "the file is for profile `{}`, and --profile asks for `{}`",
                    found.name, asked.name
                ),
            )
            .remedy("leave --profile out, or change the file")),
            _ => Ok(*found),
        }
    }
}
