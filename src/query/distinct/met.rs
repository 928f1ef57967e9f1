//! The places of things that were met before, for things that mostly come in the order in which they came
//! the last time.

use std::hash::{BuildHasher, Hash};

use hashbrown::{DefaultHashBuilder, HashTable};

/// The places of things that were met, which are kept elsewhere, in the order in which they were added.
#[derive(Debug, Default)]
pub(super) struct Met {
    places: HashTable<u32>,
    hasher: DefaultHashBuilder,
    /// The place of what followed each thing the last time.
    followers: Vec<u32>,
    last: Option<u32>,
}

impl Met {
    /// The place of a thing, if it was met; `at` gives the thing at a place.
    pub(super) fn find<'t, T: Hash + Eq + ?Sized + 't>(
        &mut self,
        thing: &T,
        at: impl Fn(u32) -> &'t T,
    ) -> Option<u32> {
        let is = |place: u32| at(place) == thing;
        if let Some(last) = self.last.filter(|last| is(*last)) {
            return Some(last);
        }
        let follower = self
            .last
            .and_then(|last| self.followers.get(last as usize).copied());
        let place = match follower.filter(|place| is(*place)) {
            Some(place) => place,
            None => {
                let hash = self.hasher.hash_one(thing);
                *self.places.find(hash, |place| is(*place))?
            }
        };
        self.follow(place);
        Some(place)
    }

    /// Notes a thing that was not met, and returns its place; none if there are too many.
    pub(super) fn add<'t, T: Hash + Eq + ?Sized + 't>(
        &mut self,
        thing: &T,
        at: impl Fn(u32) -> &'t T,
    ) -> Option<u32> {
        // A place plus one is a number, too.
        let place = u32::try_from(self.followers.len()).ok();
        let place = place.filter(|place| *place < u32::MAX)?;
        let hasher = &self.hasher;
        let hash = hasher.hash_one(thing);
        self.places
            .insert_unique(hash, place, |place| hasher.hash_one(at(*place)));
        // Until something follows it.
        self.followers.push(place);
        self.follow(place);
        Some(place)
    }

    fn follow(&mut self, place: u32) {
        let before = self.last.replace(place);
        let follower = before.and_then(|before| self.followers.get_mut(before as usize));
        if let Some(follower) = follower
            && *follower != place
        {
            *follower = place;
        }
    }
}
