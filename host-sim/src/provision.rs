//! `smallgate provision`: a configuration, packed for boards; and the same
//! image, opened for the desktop.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use smallgate_core::jose::Verifier;
use smallgate_core::oauth::{AuthorizationServer, User};
use smallgate_core::profile::Profile;
use smallgate_core::scope::ScopeNames;
use smallgate_core::time::UnixTime;
use smallgate_firmware::devices::MAX_DEVICES;
use smallgate_firmware::image::{
    Contents, Image, Key, Lists, MAX_CLIENTS, MAX_SCOPES, MAX_SIZE, MAX_URIS, MAX_USERS, Writer,
};
use smallgate_uf2::{BLOCK, Family, PAYLOAD, SECTOR};
use zeroize::Zeroizing;

use crate::backend::ServerKey;
use crate::cli::profile_named;
use crate::config::{Built, Document, Notes, ServerSettings};
use crate::generation::Ready;
use crate::keys::Made;
use crate::region::Region;
use crate::{clock, demo, keys, times, whole};

/// The issuer of a demonstration's image: where the curl lines go.
const DEMO_ISSUER: &str = "http://127.0.0.1:8080";

/// Iterations of password hashing on a Cortex-M4 at 100 MHz.
const ITERATIONS_A_SECOND: u32 = 10_000;

/// Below the help.
const EXAMPLES: &str = "\
Examples:
  smallgate config example --board > gateway.toml
  smallgate provision gateway.toml -o image.bin && smallgate serve --image image.bin
  smallgate provision gateway.toml --uf2 0x10100000 -o gateway-config.uf2
  smallgate provision --demo breakout -o image.bin";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Provision {
    /// The configuration, with issuer, signing key and handle key
    #[arg(
        value_name = "FILE.toml",
        required_unless_present = "demo",
        conflicts_with = "demo"
    )]
    config: Option<PathBuf>,
    /// Where the image goes; it holds keys, so only you may read it
    #[arg(short, long, value_name = "FILE.bin")]
    output: PathBuf,
    /// Pack the demonstration of a profile, with keys made for it
    #[arg(long, value_name = "PROFILE", value_parser = profile_named)]
    demo: Option<&'static Profile>,
    /// The demonstration's issuer: where its clients find it
    #[arg(long, value_name = "URL", conflicts_with = "config", default_value = DEMO_ISSUER)]
    issuer: String,
    /// Write a UF2 file, to be dropped on a board's drive, that puts the image
    /// at this address of its flash: 0x10100000 for the W5500-EVB-Pico2
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    uf2: Option<u32>,
    /// Replace the file if there is one
    #[arg(long)]
    force: bool,
    /// When the image is made, as 2026-01-01T00:00:00Z: a board believes no
    /// clock that is 10 years after it. Without it, now
    #[arg(long, value_name = "TIME", value_parser = times::instant)]
    made_at: Option<UnixTime>,
}

impl Provision {
    pub(crate) fn run(self) -> Result<(), String> {
        let (region, made) = (Region::default(), Made::default());
        let built = match (&self.config, self.demo) {
            (Some(path), _) => configured(&region, path)?,
            (None, profile) => demo::document(profile)
                .and_then(|document| document.build(&region, &made, profile, &self.issuer))
                .map_err(|error| error.to_string())?,
        };
        let made_at = match self.made_at {
            Some(time) => time,
            None => clock::system_time().ok_or(
                "this computer's clock is not set\n  remedy: set it, or say --made-at 2026-01-01T00:00:00Z",
            )?,
        };
        let mut room = Zeroizing::new(vec![0; MAX_SIZE]);
        let image = pack(&built, made_at, &mut room)?;
        match self.uf2 {
            None => store(&self.output, image, self.force)?,
            Some(address) => {
                let blocks = smallgate_uf2::blocks(Family::Absolute, address, image);
                // As many as there are, so that no secret stays behind in memory that was too small.
                let mut file = Zeroizing::new(Vec::with_capacity(
                    image.len().div_ceil(PAYLOAD).saturating_mul(BLOCK),
                ));
                blocks.for_each(|block| file.extend_from_slice(&block));
                store(&self.output, &file, self.force)?;
            }
        }
        let configuration = built.server.configuration();
        println!(
            "{}: {} octets. Profile {}, issuer {}, {} clients, {} users, {} devices, {}",
            self.output.display(),
            image.len(),
            configuration.profile.name,
            configuration.issuer,
            configuration.clients.len(),
            configuration.users.len(),
            built.devices.len(),
            configuration.signer.algorithm(),
        );
        if built.notes.demo {
            println!("note: demo = true: guessable secrets pass");
        }
        if built.notes.signing_key_made {
            println!("note: the signing key and the handle key were made for this image");
        }
        for user in configuration.users {
            if let Some(note) = slow_log_in(user) {
                println!("note: {note}");
            }
        }
        for path in &built.notes.exposed_keys {
            println!(
                "note: the key file {} is open to others: chmod 600 it",
                path.display()
            );
        }
        Ok(())
    }
}

/// What to know of a user whose log-in a board is slow at.
pub(crate) fn slow_log_in(user: &User<'_>) -> Option<String> {
    let iterations = user.password.iterations;
    let seconds = iterations / ITERATIONS_A_SECOND;
    (seconds > 1).then(|| {
        format!(
            "a log-in of {} takes a board about {seconds} seconds: {iterations} iterations, of which a Cortex-M4 at 100 MHz does {ITERATIONS_A_SECOND} a second; `smallgate user new --iterations {ITERATIONS_A_SECOND}` makes one that takes less",
            user.username
        )
    })
}

/// Where in a flash an image goes.
fn address(text: &str) -> Result<u32, String> {
    let address = text
        .strip_prefix("0x")
        .and_then(|digits| u32::from_str_radix(digits, 16).ok())
        .ok_or("an address is written as 0x10100000")?;
    match address.is_multiple_of(SECTOR) {
        true => Ok(address),
        false => Err(format!(
            "a flash is erased {SECTOR} octets at a time, so the address is a multiple of {SECTOR:#x}"
        )),
    }
}

/// A configuration that leaves nothing to be made at a start: a board could not
/// keep it, and the desktop with the same image would make another.
fn configured<'r>(region: &'r Region, path: &Path) -> Result<Built<'r>, String> {
    let built = Document::read(path)
        .and_then(|document| {
            document.suits_a_board()?;
            document.build(region, &Made::default(), None, DEMO_ISSUER)
        })
        .map_err(|error| error.to_string())?;
    let missing: Vec<String> = missing(&built.notes)
        .map(|(what, remedy)| format!("{}: {what}\n  remedy: {remedy}", path.display()))
        .collect();
    match missing.is_empty() {
        true => Ok(built),
        false => Err(missing.join("\n")),
    }
}

/// What a board needs and the desktop makes at its start, and what to do.
pub(crate) fn missing(notes: &Notes) -> impl Iterator<Item = (&'static str, &'static str)> {
    [
        (
            notes.issuer_assumed,
            "no issuer is configured",
            "write issuer = \"https://…\" at the top of the file",
        ),
        (
            notes.signing_key_made,
            "no signing key is configured",
            "write signing = '''…''' in [keys], with the JWK that `smallgate key new es256` (or hs256) prints between the quotes",
        ),
        (
            notes.handle_key_made,
            "no handle key is configured",
            "put the line that `smallgate key new handle` prints into [keys]",
        ),
    ]
    .into_iter()
    .filter_map(|(applies, what, remedy)| applies.then_some((what, remedy)))
}

fn pack<'r>(built: &Built<'_>, made_at: UnixTime, room: &'r mut [u8]) -> Result<&'r [u8], String> {
    let configuration = built.server.configuration();
    let packing = &built.packing;
    let key = |jwk| Key::of(jwk).ok_or("an RSA key is not for an image");
    let retired_keys = packing
        .retired_keys
        .iter()
        .map(|jwk| key(jwk).map(Key::to_verify))
        .collect::<Result<Vec<_>, _>>()?;
    let contents = Contents {
        demonstration: built.notes.demo,
        made_at,
        profile: &configuration.profile,
        limits: configuration.limits,
        issuer: configuration.issuer,
        audience: configuration.audience,
        grants_not_before: configuration.grants_not_before,
        skew: configuration.skew,
        throttle: built.throttle,
        handle_keys: &packing.handle_keys,
        api_key: configuration.api_key,
        timeouts: packing.timeouts,
        trusted_proxies: &packing.trusted_proxies,
        network: packing.network,
        signing_key: key(&packing.signing_key)?,
        retired_keys: &retired_keys,
        scopes: configuration.scopes.all(),
        clients: configuration.clients,
        users: configuration.users,
        devices: built.devices,
    };
    Writer::new(room).write(&contents).map_err(|error| {
        format!(
            "the configuration does not go into an image: {error}\n  remedy: an image holds {MAX_CLIENTS} clients with 8 redirect URIs each, {MAX_USERS} users, {MAX_SCOPES} scopes, {MAX_DEVICES} devices and 3 retired keys in {MAX_SIZE} octets"
        )
    })
}

/// Writes a file that only its owner may read, whole or not at all.
fn store(path: &Path, image: &[u8], force: bool) -> Result<(), String> {
    let fails = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists if !force => format!(
            "{} is there already\n  remedy: choose another name, or replace it with --force",
            path.display()
        ),
        _ => format!("{} can not be written: {error}", path.display()),
    };
    whole::write(path, force, |file| file.write_all(image)).map_err(fails)
}

/// Opens an image, as a board does.
pub(crate) fn open<'r>(
    region: &'r Region,
    path: &Path,
) -> Result<(Ready<'r>, ServerSettings), String> {
    let named = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let octets = std::fs::read(path).map_err(|error| named(&error))?;
    let image = Image::open(region.secret(octets)).map_err(|error| {
        format!(
            "{}\n  remedy: make it anew with `smallgate provision`",
            named(&error)
        )
    })?;
    let ring: Vec<&ServerKey> = std::iter::once(image.signing_key())
        .chain(image.retired_keys())
        .map(|key| key.ready().map(|key| region.key(key)))
        .collect::<Result<_, _>>()
        .map_err(|error| named(&error))?;
    let signer = ring
        .first()
        .and_then(|key| key.signer())
        .ok_or_else(|| named(&"no key signs"))?;
    let verifiers: Vec<&dyn Verifier> = ring.iter().map(|key| key.verifier()).collect();

    let mut scopes = heapless::Vec::<_, MAX_SCOPES>::new();
    let mut uris = heapless::Vec::<_, MAX_URIS>::new();
    let mut clients = heapless::Vec::<_, MAX_CLIENTS>::new();
    let mut users = heapless::Vec::<_, MAX_USERS>::new();
    let short = |error| named(&error);
    image.fill_redirect_uris(&mut uris).map_err(short)?;
    let uris = region.list(&uris);
    image.fill_clients(uris, &mut clients).map_err(short)?;
    image.fill_users(&mut users).map_err(short)?;
    image.fill_scopes(&mut scopes).map_err(short)?;
    let configuration = image.configuration(Lists {
        scopes: ScopeNames::new(region.list(&scopes)).map_err(|error| named(&error))?,
        clients: region.list(&clients),
        users: region.list(&users),
        signer,
        verifiers: region.list(&verifiers),
    });
    let mut server = AuthorizationServer::new(configuration).map_err(|error| named(&error))?;
    server.remember(region.tokens());
    let ready = Ready {
        server,
        throttle: image.throttle(),
        devices: region.list(&image.devices().collect::<Vec<_>>()),
        notes: Notes {
            demo: image.is_demonstration(),
            exposed_keys: keys::others_may_use(path)
                .then(|| path.to_owned())
                .into_iter()
                .collect(),
            ..Notes::default()
        },
    };
    let settings = ServerSettings::of_image(&image).map_err(|error| error.to_string())?;
    Ok((ready, settings))
}
