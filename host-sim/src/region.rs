//! Where a configuration's texts, lists and keys live: they refer to one another,
//! and end together.

use std::cell::OnceCell;

use bumpalo::Bump;
use smallgate_core::jwt::TokenCache;
use zeroize::Zeroizing;

use crate::backend::ServerKey;

/// How many verified access tokens are remembered.
const TOKENS: usize = 256;

/// Room for one configuration.
#[derive(Default)]
pub(crate) struct Region {
    plain: Bump,
    keys: Chain<ServerKey>,
    secrets: Chain<Zeroizing<Vec<u8>>>,
}

impl Region {
    /// Keeps a text.
    pub(crate) fn text(&self, text: &str) -> &str {
        self.plain.alloc_str(text)
    }

    /// Room for access tokens that were verified.
    pub(crate) fn tokens(&self) -> &mut TokenCache<TOKENS> {
        self.plain.alloc_with(TokenCache::new)
    }

    /// Keeps a list. Its items are not dropped in the end.
    pub(crate) fn list<T: Copy>(&self, items: &[T]) -> &[T] {
        self.plain.alloc_slice_copy(items)
    }

    /// Keeps a key, which is wiped in the end.
    pub(crate) fn key(&self, key: ServerKey) -> &ServerKey {
        self.keys.keep(key)
    }

    /// Keeps octets that are wiped in the end.
    pub(crate) fn secret(&self, octets: Vec<u8>) -> &[u8] {
        self.secrets.keep(Zeroizing::new(octets))
    }
}

/// Items that stay where they are, and are dropped: a few.
struct Chain<T>(OnceCell<Box<Link<T>>>);

struct Link<T> {
    item: T,
    next: Chain<T>,
}

impl<T> Default for Chain<T> {
    fn default() -> Self {
        Chain(OnceCell::new())
    }
}

impl<T> Chain<T> {
    fn keep(&self, item: T) -> &T {
        let mut end = self;
        while let Some(link) = end.0.get() {
            end = &link.next;
        }
        let link = end.0.get_or_init(|| {
            Box::new(Link {
                item,
                next: Chain::default(),
            })
        });
        &link.item
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;

    #[test]
    fn what_is_kept_stays_where_it_is_and_is_dropped_in_the_end() {
        let counted = Rc::new(());
        let chain = Chain::default();
        let kept: Vec<_> = (0..10)
            .map(|at| chain.keep((at, counted.clone())))
            .collect();
        assert!(kept.iter().map(|(at, _)| *at).eq(0..10));
        drop(chain);
        assert_eq!(Rc::strong_count(&counted), 1);
    }

    #[test]
    fn texts_and_lists_refer_to_one_another() {
        let region = Region::default();
        let texts: Vec<_> = ["a", "b"].map(|text| region.text(text)).into();
        let list = region.list(&texts);
        drop(texts);
        assert_eq!(list, ["a", "b"]);
        assert_eq!(region.secret(vec![1, 2]), [1, 2]);
    }
}
