//! `[store]`: how the desktop keeps grants where several gateways do.

use std::path::{Path, PathBuf};

use toml::Spanned;
use zeroize::Zeroizing;

use super::fault::Fault;
use super::file::StoreTable;
use super::values::count;
use crate::store::Settings;

/// Reads the table; `folder` is where paths in it start from.
pub(super) fn settings(table: &StoreTable, folder: &Path) -> Result<Settings, Fault> {
    let replicas = count(table.replicas.as_ref(), Settings::REPLICAS, 5)?;
    if let Some(even) = table
        .replicas
        .as_ref()
        .filter(|_| replicas.is_multiple_of(2))
    {
        return Err(Fault::new(even, "an even number of copies")
            .remedy("use 1, 3 or 5: of 2 and 4 none more may be lost than of 1 and 3"));
    }
    let user = pair(
        (&table.user, "user"),
        (&table.password, "password"),
        "write the name and the password that the servers know",
    )?;
    let certificate = pair(
        (&table.certificate, "certificate"),
        (&table.key, "key"),
        "name a certificate and its key, PEM files both",
    )?;
    Ok(Settings {
        replicas,
        grants: count(table.grants.as_ref(), Settings::GRANTS, 1 << 32)?,
        user: match user {
            Some((name, word)) => Some((name.get_ref().clone(), password(word, folder)?)),
            None => None,
        },
        ca: table.ca.as_ref().map(|ca| file(ca, folder)).transpose()?,
        certificate: match certificate {
            Some((certificate, key)) => Some((file(certificate, folder)?, file(key, folder)?)),
            None => None,
        },
    })
}

/// Two values, where they stand.
type Pair<'t> = (&'t Spanned<String>, &'t Spanned<String>);

/// Two values, one of which means nothing without the other.
fn pair<'t>(
    (one, one_name): (&'t Option<Spanned<String>>, &str),
    (other, other_name): (&'t Option<Spanned<String>>, &str),
    remedy: &str,
) -> Result<Option<Pair<'t>>, Fault> {
    let alone = |here, name, missing| {
        Err(Fault::new(here, format!("`{name}` without `{missing}`")).remedy(remedy))
    };
    match (one, other) {
        (None, None) => Ok(None),
        (Some(one), Some(other)) => Ok(Some((one, other))),
        (Some(one), None) => alone(one, one_name, other_name),
        (None, Some(other)) => alone(other, other_name, one_name),
    }
}

/// A password as it is, or the first line of `file:PATH`.
fn password(value: &Spanned<String>, folder: &Path) -> Result<Zeroizing<String>, Fault> {
    let Some(path) = value.get_ref().strip_prefix("file:") else {
        return Ok(Zeroizing::new(value.get_ref().clone()));
    };
    let path = folder.join(path);
    let text = std::fs::read_to_string(&path).map(Zeroizing::new);
    let text = text.map_err(|error| unreadable(value, &path, &error))?;
    let line = text.lines().next().unwrap_or_default();
    Ok(Zeroizing::new(line.to_owned()))
}

/// A file that can be read.
fn file(value: &Spanned<String>, folder: &Path) -> Result<PathBuf, Fault> {
    let path = folder.join(value.get_ref());
    match std::fs::File::open(&path) {
        Ok(_) => Ok(path),
        Err(error) => Err(unreadable(value, &path, &error)),
    }
}

fn unreadable(value: &Spanned<String>, path: &Path, error: &std::io::Error) -> Fault {
    Fault::new(
        value,
        format!("{} can not be read: {error}", path.display()),
    )
    .remedy("put the file there; the path starts at the folder of this file")
}
