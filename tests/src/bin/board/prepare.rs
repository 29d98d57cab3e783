//! What a board is started with: a port of this machine, an image that fits it,
//! and a network for it.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};

use smallgate_core::profile;
use smallgate_firmware::image::{Addressing, Image};
use smallgate_tests::board::provisioned;
use smallgate_tests::machine::{Eeprom, UserNetwork, eeprom};

use crate::Options;

/// Where the board answers if it is free and nobody says otherwise.
pub(crate) const PORT: u16 = 8080;

/// All that is decided before a machine starts.
pub(crate) struct Prepared {
    pub(crate) image: Vec<u8>,
    pub(crate) port: u16,
    pub(crate) network: Option<UserNetwork>,
    /// What was packed, in `smallgate provision`'s words.
    pub(crate) summary: String,
    /// What a person should know before anything else.
    pub(crate) warnings: Vec<String>,
}

/// Whether [`prepare`] and [`eeprom`] would do, without a word if so.
pub(crate) fn check(options: &Options) -> Result<(), String> {
    eeprom(options)?;
    prepare(options).map(drop)
}

/// The EEPROM that was asked for: a file, which is made as a chip leaves the
/// factory if it is not there.
pub(crate) fn eeprom(options: &Options) -> Result<Eeprom, String> {
    let Some(name) = &options.eeprom else {
        return Ok(Eeprom::Begun);
    };
    let told = |error: std::io::Error| format!("{name}: {error}");
    let length = match std::fs::metadata(name) {
        Ok(found) => found.len(),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            std::fs::write(name, eeprom::blank()).map_err(told)?;
            eeprom::SIZE as u64
        }
        Err(error) => return Err(told(error)),
    };
    match length == eeprom::SIZE as u64 {
        true => Ok(Eeprom::File(name.into())),
        false => Err(format!(
            "{name}: {length} octets, and the EEPROM has {}",
            eeprom::SIZE
        )),
    }
}

/// Picks a port, then makes the image: the demonstration's issuer is where the
/// board is, so that who goes by its metadata comes to it.
pub(crate) fn prepare(options: &Options) -> Result<Prepared, String> {
    let (packed, name) = match (&options.image, &options.config) {
        (Some(file), _) => {
            let image = std::fs::read(file).map_err(|error| format!("{file}: {error}"))?;
            (Some((image, String::new())), file.as_str())
        }
        (None, Some(file)) => (Some(provisioned(&[file])?), file.as_str()),
        (None, None) => (None, ""),
    };
    let Some((image, mut summary)) = packed else {
        let port = free_port(options.listen, PORT)?;
        let demo = options.demo.as_deref().unwrap_or(profile::STANDARD.name);
        let issuer = url(port);
        let (image, summary) = provisioned(&["--demo", demo, "--issuer", &issuer])?;
        let moved = options.listen.is_none() && port != PORT;
        return Ok(Prepared {
            image,
            port,
            network: None,
            summary,
            warnings: moved
                .then(|| format!("port {PORT} is taken: the board and its issuer are at {issuer}"))
                .into_iter()
                .collect(),
        });
    };
    let opened = Image::open(&image);
    let of_issuer = opened
        .as_ref()
        .ok()
        .and_then(|image| local_port(image.issuer()));
    let port = free_port(options.listen, of_issuer.unwrap_or(PORT))?;
    let mut warnings = Vec::new();
    let mut network = None;
    match &opened {
        Ok(image) => {
            if image.issuer().trim_end_matches('/') != url(port) {
                warnings.push(format!(
                    "the issuer is {}, and the board is at {}: clients that go by its metadata, and their secrets, go to the issuer",
                    image.issuer(),
                    url(port)
                ));
            }
            if summary.is_empty() {
                summary = format!(
                    "image: {} octets. Profile {}, issuer {}\n",
                    image.octets().len(),
                    image.profile().name,
                    image.issuer()
                );
            }
            network = own_network(image).map_err(|error| format!("{name}: {error}"))?;
        }
        Err(error) => warnings.push(format!("{name}: {error}; the board will say so too")),
    }
    Ok(Prepared {
        image,
        port,
        network,
        summary,
        warnings,
    })
}

/// Where the board's port 80 is seen from here.
pub(crate) fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

/// Whether nobody listens there.
pub(crate) fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// The port asked for; or else this one, or any.
fn free_port(asked: Option<u16>, usual: u16) -> Result<u16, String> {
    match asked {
        Some(port) if port != 0 => match is_free(port) {
            true => return Ok(port),
            false => return Err(format!("port {port} of 127.0.0.1 is taken: say another")),
        },
        None if is_free(usual) => return Ok(usual),
        _ => {}
    }
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|error| format!("no port is free: {error}"))
}

/// The port of an issuer that is on this machine.
fn local_port(issuer: &str) -> Option<u16> {
    ["http://127.0.0.1:", "http://localhost:"]
        .iter()
        .find_map(|start| issuer.strip_prefix(start))
        .and_then(|rest| rest.trim_end_matches('/').parse().ok())
        .filter(|port| *port != 0)
}

/// A network around a board that does not ask DHCP.
fn own_network(image: &Image<'_>) -> Result<Option<UserNetwork>, String> {
    let Some(Addressing::Static {
        address,
        prefix,
        gateway,
    }) = image.network().map(|network| network.addressing)
    else {
        return Ok(None);
    };
    UserNetwork::around(address, prefix, gateway)
        .map(Some)
        .ok_or_else(|| {
            format!("QEMU has no network {address}/{prefix}\n  remedy: a prefix from 4 to 29, or no address in [network]")
        })
}
