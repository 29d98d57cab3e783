//! From the file's tables to the core's configuration, and the core's
//! objections back to the file's lines.

use std::ops::Range;
use std::path::{Path, PathBuf};

use smallgate_core::oauth::{
    AuthorizationServer, Configuration, ConfigurationError, HandleKeys, Limits, MasterKey, Slot,
    ThrottlePolicy,
};
use smallgate_core::profile::{GrantType, Lifetimes, Profile, Rotation};
use smallgate_core::scope::ScopeNames;
use smallgate_core::secret::SecretHash;
use smallgate_core::time::Seconds;
use smallgate_firmware::image::HandleSecrets;
use toml::Spanned;

use super::clients::{clients, users};
use super::devices::devices;
use super::fault::Fault;
use super::file::{File, KeysTable, LifetimesTable, LimitsTable, ThrottleTable};
use super::network::network;
use super::server::{timeouts, trusted_proxies};
use super::values::{count, instant, master_key, seconds_or, seconds_within, secret};
use super::{Built, Notes, Packing};
use crate::keys::{KeyRing, Made};
use crate::region::Region;

/// The scopes where none are configured.
const SCOPES: [&str; 2] = ["read", "write"];

/// Builds the server of `profile`.
pub(super) fn build<'r>(
    region: &'r Region,
    made: &Made,
    file: &File,
    profile: Profile,
    folder: &Path,
    url: &str,
) -> Result<Built<'r>, Fault> {
    let profile = Profile {
        rotation: rotation(file.rotation.as_ref(), profile.rotation)?,
        lifetimes: lifetimes(&file.lifetimes, profile.lifetimes)?,
        ..profile
    };
    let issuer = file.issuer.as_ref().map_or(url, |issuer| issuer.get_ref());
    let issuer = region.text(issuer);
    let scopes = scopes(region, file.scopes.as_ref())?;
    let mut keys = key_ring(region, made, &file.keys, folder, &profile)?;
    let handle_keys = handle_keys(made, &file.keys, folder, &mut keys.exposed)?;
    let configuration = Configuration {
        profile,
        issuer,
        audience: file
            .audience
            .as_ref()
            .map_or(issuer, |audience| region.text(audience.get_ref())),
        clients: clients(region, file, &profile, &scopes)?,
        users: users(region, file)?,
        scopes,
        signer: keys.signer,
        verifiers: region.list(&keys.verifiers),
        handle_keys: HandleKeys {
            current: MasterKey::new(handle_keys.current),
            slot: handle_keys.slot,
            previous: handle_keys.previous.map(MasterKey::new),
        },
        api_key: api_key(file, &profile)?,
        grants_not_before: instant(file.grants_not_before.as_ref())?,
        skew: seconds_within(file.skew.as_ref(), Seconds(0), 0..=300, "at most 5 minutes")?,
        limits: limits(&file.limits)?,
    };
    let mut server = AuthorizationServer::new(configuration)
        .map_err(|error| objection(file, &profile, error))?;
    server.remember(region.tokens());
    Ok(Built {
        server,
        throttle: throttle(&file.throttle)?,
        devices: devices(region, file, &profile, &scopes)?,
        notes: Notes {
            demo: file.demo,
            signing_key_made: file.keys.signing.is_none(),
            handle_key_made: file.keys.handle.is_none(),
            issuer_assumed: file.issuer.is_none(),
            exposed_keys: keys.exposed,
        },
        packing: Packing {
            signing_key: keys.signing,
            retired_keys: keys.retired,
            handle_keys,
            timeouts: timeouts(&file.server)?,
            trusted_proxies: trusted_proxies(&file.server)?,
            network: file
                .network
                .as_ref()
                .map(|table| network(region, table))
                .transpose()?,
        },
    })
}

fn rotation(value: Option<&Spanned<String>>, otherwise: Rotation) -> Result<Rotation, Fault> {
    match value.map(|value| (value, value.get_ref().as_str())) {
        None => Ok(otherwise),
        Some((_, "rotate")) => Ok(Rotation::Rotate),
        Some((_, "reuse")) => Ok(Rotation::Reuse),
        Some((value, other)) => Err(Fault::new(value, format!("there is no rotation `{other}`"))
            .remedy("use \"rotate\" or \"reuse\"")),
    }
}

fn lifetimes(table: &LifetimesTable, profile: Lifetimes) -> Result<Lifetimes, Fault> {
    Ok(Lifetimes {
        access_token: seconds_or(table.access_token.as_ref(), profile.access_token)?,
        code: seconds_or(table.code.as_ref(), profile.code)?,
        refresh_idle: seconds_or(table.refresh_idle.as_ref(), profile.refresh_idle)?,
        refresh_absolute: seconds_or(table.refresh_absolute.as_ref(), profile.refresh_absolute)?,
        // A predecessor that stays good for long is a second refresh token.
        grace: seconds_within(
            table.grace.as_ref(),
            profile.grace,
            0..=300,
            "at most 5 minutes",
        )?,
    })
}

fn limits(table: &LimitsTable) -> Result<Limits, Fault> {
    let parameters = count(
        table.parameters.as_ref(),
        Limits::DEFAULT.parameters.into(),
        u8::MAX.into(),
    )?;
    Ok(Limits {
        body: count(table.body.as_ref(), Limits::DEFAULT.body, u16::MAX.into())?,
        parameters: u8::try_from(parameters).unwrap_or(u8::MAX),
        basic: count(
            table.basic.as_ref(),
            Limits::DEFAULT.basic,
            Limits::MAX_BASIC,
        )?,
        token: count(table.token.as_ref(), Limits::DEFAULT.token, 16_384)?,
    })
}

fn throttle(table: &ThrottleTable) -> Result<ThrottlePolicy, Fault> {
    let default = ThrottlePolicy::DEFAULT;
    let failures = count(table.failures.as_ref(), default.failures.into(), 254)?;
    Ok(ThrottlePolicy {
        failures: u8::try_from(failures).unwrap_or(u8::MAX),
        window: seconds_within(
            table.window.as_ref(),
            default.window,
            1..=86_400,
            "from 1 second to 1 day",
        )?,
    })
}

fn scopes<'r>(
    region: &'r Region,
    value: Option<&Spanned<Vec<String>>>,
) -> Result<ScopeNames<'r>, Fault> {
    let names = match value {
        None => &SCOPES,
        Some(names) => {
            let names = names.get_ref().iter().map(|name| region.text(name));
            region.list(&names.collect::<Vec<_>>())
        }
    };
    ScopeNames::new(names).map_err(|error| {
        Fault::at(value.map(Spanned::span), error.to_string())
            .remedy("at most 64 names, each once, of printable ASCII without space, \" and \\")
    })
}

fn api_key(file: &File, profile: &Profile) -> Result<Option<SecretHash>, Fault> {
    match (&file.api_key, profile.api_key_header) {
        (None, _) => Ok(None),
        (Some(key), Some(_)) => secret(key, file.demo).map(Some),
        (Some(key), None) => Err(Fault::new(
            key,
            format!("profile `{}` has no header for an API key", profile.name),
        )
        .remedy("take the line out")),
    }
}

fn key_ring<'r>(
    region: &'r Region,
    made: &Made,
    table: &KeysTable,
    folder: &Path,
    profile: &Profile,
) -> Result<KeyRing<'r>, Fault> {
    let remedy = |key: &str| match key.starts_with("file:") {
        true => {
            "put a JWK there, as by `smallgate key new es256 > PATH` (or hs256); the path starts at the folder of this file"
        }
        false => {
            "put the JWK that `smallgate key new es256` (or hs256) prints between ''' and ''', or write \"file:PATH\""
        }
    };
    let mut ring = match &table.signing {
        None => made
            .signing(profile.algorithm)
            .and_then(|jwk| KeyRing::of(region, jwk))
            .map_err(|message| Fault::at(None, message))?,
        Some(key) => KeyRing::signing_with(region, key.get_ref(), folder)
            .map_err(|message| Fault::new(key, message).remedy(remedy(key.get_ref())))?,
    };
    for key in &table.verifying {
        ring.also_verify_with(region, key.get_ref(), folder)
            .map_err(|message| Fault::new(key, message).remedy(remedy(key.get_ref())))?;
    }
    Ok(ring)
}

fn handle_keys(
    made: &Made,
    table: &KeysTable,
    folder: &Path,
    exposed: &mut Vec<PathBuf>,
) -> Result<HandleSecrets, Fault> {
    if let (None, Some(alone)) = (&table.handle, &table.handle_previous) {
        return Err(
            Fault::new(alone, "a previous handle key without a current one")
                .remedy("add `handle`, the line that `smallgate key new handle` prints"),
        );
    }
    Ok(HandleSecrets {
        current: match &table.handle {
            Some(key) => master_key(key, folder, exposed)?,
            None => made.handle().map_err(|message| Fault::at(None, message))?,
        },
        slot: match table
            .slot
            .as_ref()
            .map(|slot| (slot, slot.get_ref().as_str()))
        {
            None | Some((_, "a")) => Slot::A,
            Some((_, "b")) => Slot::B,
            Some((slot, other)) => {
                return Err(Fault::new(slot, format!("there is no slot `{other}`"))
                    .remedy("use \"a\", and \"b\" for the next key, so that both are told apart"));
            }
        },
        previous: table
            .handle_previous
            .as_ref()
            .map(|key| master_key(key, folder, exposed))
            .transpose()?,
    })
}

/// Where in the file the core's objection is about, and what to do.
fn objection(file: &File, profile: &Profile, error: ConfigurationError) -> Fault {
    use ConfigurationError as E;
    let client = |at: usize| file.client.get(at).map(Spanned::get_ref);
    let user = |at: usize| file.user.get(at).map(Spanned::get_ref);
    let keys = || first_span([&file.keys.signing, &file.keys.handle]);
    let (place, remedy): (Option<Range<usize>>, String) = match error {
        E::Issuer => (
            first_span([&file.issuer, &file.audience]),
            "write the URL that clients know this server by, without query and fragment".into(),
        ),
        E::RedirectUri(at) => (
            client(at).and_then(|client| Some(client.redirect_uris.as_ref()?.span())),
            "write each URI whole and without a fragment, such as \"https://client.example/cb\"".into(),
        ),
        E::ClientId(at) => (
            client(at).map(|client| client.id.span()),
            "use printable ASCII, at least one character".into(),
        ),
        E::ClientRepeated(at) => (
            client(at).map(|client| client.id.span()),
            "give each [[client]] an id of its own".into(),
        ),
        E::ClientGrant(at) => {
            let had: Vec<_> = profile.grant_types.iter().map(GrantType::name).collect();
            (
                client(at).map(|client| client.grants.span()),
                format!("profile `{}` has {}", profile.name, had.join(", ")),
            )
        }
        E::ClientDefaultScopes(at) => (
            client(at).and_then(|client| Some(client.default_scopes.as_ref()?.span())),
            "add the scope to the client's `scopes`, or take it out here".into(),
        ),
        E::PublicClient(at) => (
            client(at).map(|client| client.grants.span()),
            "give the client a `secret` (see `smallgate secret new`), or take client_credentials out and use a profile with public clients".into(),
        ),
        E::PublicClientReuse(at) => (
            client(at).map(|client| client.grants.span()),
            "write rotation = \"rotate\", or give the client a `secret`".into(),
        ),
        E::UserName(at) => (
            user(at).map(|user| user.username.span()),
            "write `username` and `sub`".into(),
        ),
        E::UserRepeated(at) => (
            user(at).map(|user| user.username.span()),
            "give each [[user]] a username and a sub of its own".into(),
        ),
        E::SubjectIsClient(at) => (
            user(at).map(|user| user.sub.span()),
            "choose a `sub` that is no client's id: tokens of the two could be confused".into(),
        ),
        E::SignerUnverified => (keys(), "use a key that verifies too".into()),
        E::KeyIds => (
            file.keys.verifying.first().map(Spanned::span).or_else(keys),
            "give each key a \"kid\" of its own, as `smallgate key new` does".into(),
        ),
        E::CodeLifetime => (
            file.lifetimes.code.as_ref().map(Spanned::span),
            "write code = 60, or at most 600".into(),
        ),
        E::Lifetimes => (zero_lifetime(&file.lifetimes), "use at least 1 second".into()),
        E::Limits => (
            first_span([&file.limits.body, &file.limits.basic]),
            "leave [limits] out for the defaults".into(),
        ),
        _ => (None, "see the documentation of the configuration".into()),
    };
    Fault::at(place, error.to_string()).remedy(remedy)
}

fn first_span<T>(places: [&Option<Spanned<T>>; 2]) -> Option<Range<usize>> {
    places
        .into_iter()
        .find_map(|place| place.as_ref().map(Spanned::span))
}

/// The lifetime that is zero.
fn zero_lifetime(table: &LifetimesTable) -> Option<Range<usize>> {
    [
        &table.access_token,
        &table.code,
        &table.refresh_idle,
        &table.refresh_absolute,
    ]
    .into_iter()
    .flatten()
    .find(|value| super::values::seconds(value).is_ok_and(|length| length.0 == 0))
    .map(Spanned::span)
}
