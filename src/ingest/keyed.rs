//! Items in the order in which they came, found by their keys.

use std::hash::{BuildHasher, Hash};

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::certain::Certain;

/// The number of items that are searched one by one. Most requests are small, and a table would take more
/// time than the lines.
const FEW: usize = 16;

const ENTERED: &str = "what is in the table is in the list, and stays there";

/// An item with a key, which does not change.
pub(super) trait HasKey {
    type Key: ?Sized + Hash + Eq;

    fn key(&self) -> &Self::Key;
}

/// A list of items with keys, mostly distinct ones.
#[derive(Clone, Debug)]
pub(super) struct Keyed<T> {
    items: Vec<T>,
    /// The places of all items, if there are more than [`FEW`].
    places: HashTable<usize>,
    hasher: DefaultHashBuilder,
}

impl<T> Default for Keyed<T> {
    fn default() -> Self {
        Self::with_room(0)
    }
}

impl<T> Keyed<T> {
    /// A list with room for so many items.
    pub(super) fn with_room(items: usize) -> Self {
        Self {
            items: Vec::with_capacity(items),
            places: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    pub(super) fn get(&self, place: usize) -> Option<&T> {
        self.items.get(place)
    }

    pub(super) fn get_mut(&mut self, place: usize) -> Option<&mut T> {
        self.items.get_mut(place)
    }

    #[cfg(test)]
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.items.iter()
    }

    pub(super) fn into_items(self) -> Vec<T> {
        self.items
    }

    /// Bytes on the heap, counted by capacity.
    #[cfg(test)]
    pub(super) fn heap_bytes(&self) -> usize {
        self.items.capacity() * size_of::<T>() + self.places.allocation_size()
    }
}

impl<T: HasKey> Keyed<T> {
    /// The place of the item with this key.
    pub(super) fn find(&self, key: &T::Key) -> Option<usize> {
        if self.items.len() <= FEW {
            return self.items.iter().position(|item| item.key() == key);
        }
        let has_key = |place: &usize| self.key_at(*place) == key;
        let found = self.places.find(self.hasher.hash_one(key), has_key);
        found.copied()
    }

    /// Adds an item, and returns its place. If another has its key, either may be found.
    pub(super) fn push(&mut self, item: T) -> usize {
        let place = self.items.len();
        self.items.push(item);
        match place {
            0..FEW => {}
            FEW => (0..=FEW).for_each(|place| self.enter(place)),
            _ => self.enter(place),
        }
        place
    }

    fn enter(&mut self, place: usize) {
        let Self {
            items,
            places,
            hasher,
        } = self;
        let hash_of = |place: &usize| hasher.hash_one(items.get(*place).certain(ENTERED).key());
        places.insert_unique(hash_of(&place), place, hash_of);
    }

    fn key_at(&self, place: usize) -> &T::Key {
        self.items.get(place).certain(ENTERED).key()
    }
}

#[cfg(test)]
mod tests {
    use super::{FEW, HasKey, Keyed};

    impl HasKey for u64 {
        type Key = Self;

        fn key(&self) -> &Self {
            self
        }
    }

    #[test]
    fn every_item_is_found_whether_there_are_few_or_many() {
        let mut keyed = Keyed::default();
        for count in 0..5 * FEW {
            for place in 0..5 * FEW {
                let key = u64::try_from(place).expect("small") * 7;
                let expected = (place < count).then_some(place);
                assert_eq!(keyed.find(&key), expected, "{count}");
            }
            let key = u64::try_from(count).expect("small") * 7;
            assert_eq!(keyed.push(key), count);
            assert_eq!(keyed.get(count), Some(&key));
        }
        assert_eq!(keyed.len(), 5 * FEW);
    }
}
