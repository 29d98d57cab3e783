//! `[[client]]` and `[[user]]`.

use smallgate_core::oauth::{Client, User};
use smallgate_core::profile::{GrantType, GrantTypes, Profile};
use smallgate_core::scope::{ScopeNames, ScopeSet};
use toml::Spanned;

use super::fault::Fault;
use super::file::{ClientTable, File};
use super::values::{instant, keep, keep_all, password, secret};

/// All clients.
pub(super) fn clients(
    file: &File,
    profile: &Profile,
    scopes: &ScopeNames<'static>,
) -> Result<&'static [Client<'static>], Fault> {
    file.client
        .iter()
        .map(|table| client(table.get_ref(), file.demo, profile, scopes))
        .collect::<Result<Vec<_>, _>>()
        .map(keep_all)
}

fn client(
    table: &ClientTable,
    demo: bool,
    profile: &Profile,
    names: &ScopeNames<'static>,
) -> Result<Client<'static>, Fault> {
    let scopes = match &table.scopes {
        Some(scopes) => scope_set(scopes, names)?,
        None => all(names),
    };
    let default_scopes = match &table.default_scopes {
        Some(scopes) => scope_set(scopes.get_ref(), names)?,
        None => first(scopes),
    };
    Ok(Client {
        id: keep(table.id.get_ref()),
        secret: table
            .secret
            .as_ref()
            .map(|value| secret(value, demo))
            .transpose()?,
        grant_types: grant_types(table.grants.get_ref(), profile)?,
        scopes,
        default_scopes,
        redirect_uris: table.redirect_uris.as_ref().map_or(&[], |uris| {
            keep_all(uris.get_ref().iter().map(|uri| keep(uri)).collect())
        }),
        grants_not_before: instant(table.grants_not_before.as_ref())?,
    })
}

/// The names of grant types, as in a token request.
fn grant_types(names: &[Spanned<String>], profile: &Profile) -> Result<GrantTypes, Fault> {
    let had: Vec<_> = profile.grant_types.iter().map(GrantType::name).collect();
    let remedy = format!("profile `{}` has {}", profile.name, had.join(", "));
    let mut grants = Vec::new();
    for name in names {
        let grant = GrantType::named(name.get_ref()).ok_or_else(|| {
            Fault::new(name, format!("there is no grant type `{}`", name.get_ref())).remedy(&remedy)
        })?;
        if !profile.grant_types.contains(grant) {
            let message = format!(
                "the profile does not have the grant type `{}`",
                grant.name()
            );
            return Err(Fault::new(name, message).remedy(remedy));
        }
        grants.push(grant);
    }
    Ok(GrantTypes::of(&grants))
}

fn scope_set(scopes: &[Spanned<String>], names: &ScopeNames<'static>) -> Result<ScopeSet, Fault> {
    scopes.iter().try_fold(ScopeSet::EMPTY, |set, scope| {
        names
            .one(scope.get_ref())
            .map(|one| set.union(one))
            .ok_or_else(|| {
                Fault::new(scope, format!("there is no scope `{}`", scope.get_ref()))
                    .remedy("add it at the end of the `scopes` at the top of the file")
            })
    })
}

/// The scopes of a client whose table names none.
fn all(names: &ScopeNames<'static>) -> ScopeSet {
    names
        .names(ScopeSet::from_bits(u64::MAX))
        .filter_map(|name| names.one(name))
        .fold(ScopeSet::EMPTY, ScopeSet::union)
}

/// The default scopes of a client whose table names none: the first it may ask
/// for.
fn first(scopes: ScopeSet) -> ScopeSet {
    let bits = scopes.bits();
    ScopeSet::from_bits(bits & bits.wrapping_neg())
}

/// All users.
pub(super) fn users(file: &File) -> Result<&'static [User<'static>], Fault> {
    file.user
        .iter()
        .map(|table| {
            let table = table.get_ref();
            Ok(User {
                username: keep(table.username.get_ref()),
                subject: keep(table.sub.get_ref()),
                password: password(&table.password, file.demo)?,
                grants_not_before: instant(table.grants_not_before.as_ref())?,
            })
        })
        .collect::<Result<Vec<_>, _>>()
        .map(keep_all)
}
