//! Lists in an image: their items are read anew each time they are asked for.

use core::fmt;
use core::marker::PhantomData;

use smallgate_core::oauth::{PasswordHash, User};
use smallgate_core::profile::{GrantType, GrantTypes};
use smallgate_core::scope::ScopeSet;
use smallgate_core::secret::SecretHash;
use smallgate_core::time::UnixTime;

use super::MAX_CLIENT_URIS;
use super::error::{ImageError, Place};
use super::fields::Reader;

/// An item of a list.
pub(super) trait Entry<'a>: Sized {
    /// Reads one; `None` is one that can not be.
    fn read(from: &mut Reader<'a>) -> Option<Self>;
}

/// A list whose items are good, or are not looked at yet.
pub(super) struct Entries<'a, T> {
    left: u8,
    from: Reader<'a>,
    items: PhantomData<T>,
}

impl<T> Clone for Entries<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Entries<'_, T> {}

impl<'a, T: Entry<'a>> Entries<'a, T> {
    /// Reads past a list of at most `most` items, each of which `good` agrees
    /// to. `list` and `item` are the places to name.
    pub(super) fn read(
        from: &mut Reader<'a>,
        most: usize,
        list: Place,
        item: fn(u8) -> Place,
        mut good: impl FnMut(&T) -> bool,
    ) -> Result<Self, ImageError> {
        let count = from
            .u8()
            .filter(|count| usize::from(*count) <= most)
            .ok_or(ImageError::Impossible(list))?;
        let entries = Entries {
            left: count,
            from: *from,
            items: PhantomData,
        };
        for at in 0..count {
            if !T::read(from).is_some_and(|read| good(&read)) {
                return Err(ImageError::Impossible(item(at)));
            }
        }
        Ok(entries)
    }

    /// How many are left.
    pub(super) const fn count_left(&self) -> usize {
        self.left as usize
    }
}

impl<'a, T: Entry<'a>> Iterator for Entries<'a, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.left = self.left.checked_sub(1)?;
        T::read(&mut self.from)
    }
}

impl<'a> Entry<'a> for &'a str {
    fn read(from: &mut Reader<'a>) -> Option<Self> {
        from.text().filter(|text| !text.is_empty())
    }
}

/// A client as it stands in an image.
#[derive(Clone, Copy)]
pub struct ClientEntry<'a> {
    /// Its `client_id`.
    pub id: &'a str,
    /// Its secret's hash; a public client has none.
    pub secret: Option<SecretHash>,
    /// The grants it is registered for.
    pub grant_types: GrantTypes,
    /// The scopes it may ask for.
    pub scopes: ScopeSet,
    /// The scopes it gets when it asks for none.
    pub default_scopes: ScopeSet,
    /// Grants made before this moment are void.
    pub grants_not_before: UnixTime,
    redirect_uris: Entries<'a, &'a str>,
}

impl<'a> ClientEntry<'a> {
    /// Where the authorization endpoint may send people back to.
    pub fn redirect_uris(&self) -> impl Iterator<Item = &'a str> + Clone + use<'a> {
        self.redirect_uris
    }
}

impl fmt::Debug for ClientEntry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientEntry")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl<'a> Entry<'a> for ClientEntry<'a> {
    fn read(from: &mut Reader<'a>) -> Option<Self> {
        let id = from.text()?;
        let secret = from.optional(Reader::array)?;
        let grant_types = grant_types(from.u8()?)?;
        let scopes = ScopeSet::from_bits(from.u64()?);
        let default_scopes = ScopeSet::from_bits(from.u64()?);
        let grants_not_before = from.time()?;
        let nowhere = |_| Place::Clients;
        let redirect_uris =
            Entries::read(from, MAX_CLIENT_URIS, Place::Clients, nowhere, |_| true).ok()?;
        Some(ClientEntry {
            id,
            secret: secret.map(|hash| SecretHash::new(*hash)),
            grant_types,
            scopes,
            default_scopes,
            grants_not_before,
            redirect_uris,
        })
    }
}

/// The set with these bits, if there is a grant type to each.
fn grant_types(bits: u8) -> Option<GrantTypes> {
    let mut known = 0;
    let mut set = heapless::Vec::<GrantType, { GrantType::ALL.len() }>::new();
    for grant in GrantType::ALL {
        known |= grant as u8;
        if bits & grant as u8 != 0 {
            set.push(grant).ok()?;
        }
    }
    (bits & !known == 0).then(|| GrantTypes::of(&set))
}

/// The most iterations of a password's hash.
const MAX_ITERATIONS: u32 = 100_000_000;

impl<'a> Entry<'a> for User<'a> {
    fn read(from: &mut Reader<'a>) -> Option<Self> {
        Some(User {
            username: from.text()?,
            subject: from.text()?,
            password: PasswordHash {
                iterations: from
                    .u32()
                    .filter(|count| (1..=MAX_ITERATIONS).contains(count))?,
                salt: *from.array()?,
                hash: *from.array()?,
            },
            grants_not_before: from.time()?,
        })
    }
}
