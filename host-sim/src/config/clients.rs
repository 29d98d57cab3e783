//! `[[client]]` and `[[user]]`.

use smallgate_core::oauth::{Client, User};
use smallgate_core::profile::{GrantType, GrantTypes, Profile};
use smallgate_core::scope::{ScopeNames, ScopeSet};
use toml::Spanned;

use super::fault::Fault;
use super::file::{ClientTable, File};
use super::values::{instant, password, secret};
use crate::region::Region;

/// All clients.
pub(super) fn clients<'r>(
    region: &'r Region,
    file: &File,
    profile: &Profile,
    scopes: &ScopeNames<'r>,
) -> Result<&'r [Client<'r>], Fault> {
    file.client
        .iter()
        .map(|table| client(region, table.get_ref(), file.demo, profile, scopes))
        .collect::<Result<Vec<_>, _>>()
        .map(|clients| region.list(&clients))
}

fn client<'r>(
    region: &'r Region,
    table: &ClientTable,
    demo: bool,
    profile: &Profile,
    names: &ScopeNames<'r>,
) -> Result<Client<'r>, Fault> {
    let scopes = match &table.scopes {
        Some(scopes) => scope_set(scopes, names)?,
        None => all(names),
    };
    let default_scopes = match &table.default_scopes {
        Some(scopes) => scope_set(scopes.get_ref(), names)?,
        None => first(scopes),
    };
    Ok(Client {
        id: region.text(table.id.get_ref()),
        secret: table
            .secret
            .as_ref()
            .map(|value| secret(value, demo))
            .transpose()?,
        grant_types: grant_types(table.grants.get_ref(), profile)?,
        scopes,
        default_scopes,
        redirect_uris: table.redirect_uris.as_ref().map_or(&[], |uris| {
            let uris = uris.get_ref().iter().map(|uri| region.text(uri));
            region.list(&uris.collect::<Vec<_>>())
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

fn scope_set(scopes: &[Spanned<String>], names: &ScopeNames<'_>) -> Result<ScopeSet, Fault> {
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
fn all(names: &ScopeNames<'_>) -> ScopeSet {
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
pub(super) fn users<'r>(region: &'r Region, file: &File) -> Result<&'r [User<'r>], Fault> {
    file.user
        .iter()
        .map(|table| {
            let table = table.get_ref();
            Ok(User {
                username: region.text(table.username.get_ref()),
                subject: region.text(table.sub.get_ref()),
                password: password(&table.password, file.demo)?,
                grants_not_before: instant(table.grants_not_before.as_ref())?,
            })
        })
        .collect::<Result<Vec<_>, _>>()
        .map(|users| region.list(&users))
}
