//! How the lines of each measurement were written: its tag keys and field keys, and their order.

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;

use super::super::name::{self, Name};
use super::super::point::{Point, Tag};
use super::known::Known;
use super::words;

/// The number of measurements that are remembered. Lines of others are read by the grammar.
const PATTERNS_MAX: usize = 1024;

/// The number of names that are remembered of one measurement. Others are read whenever they come.
const TAGS_MAX: usize = 64;
const FIELDS_MAX: usize = 1024;

/// The memory from which on no more names are remembered, in bytes. The line that reaches it may
/// exceed it by the names of one measurement.
const MEMORY_BYTES_MAX: usize = 1 << 20;

/// The number of fields of its pattern that a line may leave out at one place, and still be compared
/// with the next one.
const LEFT_OUT_MAX: usize = 4;

/// The patterns of a body.
#[derive(Clone, Debug, Default)]
pub(super) struct Patterns<'a> {
    all: Vec<Pattern<'a>>,
    by_measurement: HashMap<&'a [u8], usize>,
    /// The pattern of the line before.
    last: usize,
    /// The bytes on the heap: of the list and the map, and of the patterns themselves.
    list_bytes: usize,
    pattern_bytes: usize,
}

/// The pattern of a measurement's lines.
#[derive(Clone, Debug)]
pub(super) struct Pattern<'a> {
    pub(super) measurement: Name<'a>,
    /// The keys of one line, distinct.
    tags: Vec<Known<'a>>,
    /// Distinct keys, in the order in which they first came. They keep their places.
    fields: Vec<FieldKey<'a>>,
    /// The places of the fields.
    by_key: HashMap<&'a [u8], usize>,
    /// The place of the field that a line starts with.
    first: usize,
    /// The pattern of the line that came next the last time.
    next: usize,
    /// True if it may become longer.
    is_open: bool,
    /// The bytes on the heap of its lists and its map.
    heap_bytes: usize,
}

/// A field's key, and the place where the next one is expected: after it, until another one had to be
/// looked up there. Some clients begin with another field on every line and go round, which is the
/// order of a map in Go: so the last field leads to the first.
#[derive(Clone, Debug)]
struct FieldKey<'a> {
    known: Known<'a>,
    next: usize,
}

/// A field of a line: its place, if it is remembered.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Before(Option<usize>);

impl<'a> Patterns<'a> {
    /// The pattern of the measurement that `input` starts with, and the text after the measurement,
    /// handed to `read`. Nothing if there is no such pattern.
    #[inline]
    pub(super) fn with<T>(
        &mut self,
        input: &'a [u8],
        read: impl FnOnce(&mut Pattern<'a>, &'a [u8]) -> Option<T>,
    ) -> Option<T> {
        let (index, rest) = self.find(input)?;
        let is_open = self.is_open();
        let pattern = self.all.get_mut(index)?;
        let before = pattern.heap_bytes;
        pattern.is_open = is_open;
        let result = read(pattern, rest);
        self.pattern_bytes = self.pattern_bytes + pattern.heap_bytes - before;
        result
    }

    #[inline]
    fn find(&mut self, input: &'a [u8]) -> Option<(usize, &'a [u8])> {
        let expected = self.all.get(self.last)?.next;
        let (index, rest) = match self.all.get(expected)?.after_measurement(input) {
            Some(rest) => (expected, rest),
            None => self.look_up(input)?,
        };
        self.last = index;
        Some((index, rest))
    }

    fn look_up(&mut self, input: &'a [u8]) -> Option<(usize, &'a [u8])> {
        let (rest, _) = name::measurement(input).ok()?;
        let raw = input.get(..input.len().saturating_sub(rest.len()))?;
        let index = *self.by_measurement.get(raw)?;
        self.all.get_mut(self.last)?.next = index;
        Some((index, rest))
    }

    /// Remembers how the first point of a measurement was written.
    pub(super) fn add(&mut self, point: &Point<'a>) {
        let index = self.all.len();
        let raw = point.measurement.raw().as_bytes();
        if index >= PATTERNS_MAX || !self.is_open() || self.by_measurement.contains_key(raw) {
            return;
        }
        let mut pattern = Pattern {
            measurement: point.measurement,
            tags: Vec::new(),
            fields: Vec::new(),
            by_key: HashMap::new(),
            first: 0,
            next: index,
            is_open: true,
            heap_bytes: 0,
        };
        pattern.set_tags(&point.tags);
        let mut before = Before::default();
        for field in &point.fields {
            pattern.add_field(&mut before, field.key);
        }
        if let Some(last) = self.all.get_mut(self.last) {
            last.next = index;
        }
        self.pattern_bytes += pattern.heap_bytes;
        self.by_measurement.insert(raw, index);
        self.all.push(pattern);
        self.list_bytes =
            self.all.capacity() * size_of::<Pattern<'_>>() + self.by_measurement.allocation_size();
        self.last = index;
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.list_bytes + self.pattern_bytes
    }

    fn is_open(&self) -> bool {
        self.memory_bytes() < MEMORY_BYTES_MAX
    }
}

impl<'a> Pattern<'a> {
    /// The text after the measurement, if `input` starts with it.
    #[inline]
    fn after_measurement<'b>(&self, input: &'b [u8]) -> Option<&'b [u8]> {
        let rest = input.strip_prefix(self.measurement.raw().as_bytes())?;
        matches!(rest, [b',' | b' ', ..]).then_some(rest)
    }

    /// The key at this place among the tags and the text after its `=`, if `input` starts with them.
    #[inline]
    pub(super) fn tag<'b>(&self, place: usize, input: &'b [u8]) -> Option<(Name<'a>, &'b [u8])> {
        self.tags.get(place)?.begins(input)
    }

    /// The key of the field after `before` and the text after its `=`, if `input` starts with one that
    /// is known. It becomes the field before the next.
    #[inline]
    pub(super) fn field<'b>(
        &mut self,
        before: &mut Before,
        input: &'b [u8],
    ) -> Option<(Name<'a>, &'b [u8])> {
        let next = self.after(*before);
        let expected = self.fields.get(next);
        if let Some(known) = expected.and_then(|field| field.known.begins(input)) {
            *before = Before(Some(next));
            return Some(known);
        }
        // What is not inlined returns a place: a key that comes back through memory is read again in
        // larger pieces than it was written in, and waits for them, on every path.
        let place = self.field_ahead(*before, next + 1, input)?;
        *before = Before(Some(place));
        let key = self.fields.get(place)?.known.key();
        Some((key, input.get(key.raw().len() + 1..)?))
    }

    /// The place of the key that `input` starts with, from `next` on if some fields were left out, or
    /// anywhere in the list. Those with an escape, or with another byte that [`words::plain_bytes`]
    /// stops at, are left to the grammar's leaf.
    fn field_ahead(&mut self, before: Before, next: usize, input: &[u8]) -> Option<usize> {
        let ahead = self.fields.get(next..).unwrap_or_default();
        let mut ahead = ahead.iter().take(LEFT_OUT_MAX);
        if let Some(left_out) = ahead.position(|field| field.known.begins(input).is_some()) {
            return Some(next + left_out);
        }
        let (raw, rest) = input.split_at_checked(words::plain_bytes(input))?;
        let place = *self.by_key.get(raw)?;
        if !rest.starts_with(b"=") {
            return None;
        }
        self.follow(before, place);
        Some(place)
    }

    /// The place where the field after `before` is expected.
    #[inline]
    fn after(&self, before: Before) -> usize {
        match before {
            Before(Some(place)) => self.fields.get(place).map_or(0, |field| field.next),
            Before(None) => self.first,
        }
    }

    /// Expects the field at `place` after `before` from now on.
    fn follow(&mut self, before: Before, place: usize) {
        match before.0.and_then(|place| self.fields.get_mut(place)) {
            Some(field) => field.next = place,
            None => self.first = place,
        }
    }

    /// Remembers the keys of a line's tags, which are distinct.
    pub(super) fn set_tags(&mut self, tags: &[Tag<'a>]) {
        if tags.len() <= self.tags.len() || (self.is_open && tags.len() <= TAGS_MAX) {
            self.tags.clear();
            self.tags.extend(tags.iter().map(|tag| Known::new(tag.key)));
            self.count_bytes();
        }
    }

    /// Remembers a field's key, if there is room.
    pub(super) fn add_field(&mut self, before: &mut Before, key: Name<'a>) {
        let next = self.fields.len();
        if !self.is_open || next >= FIELDS_MAX {
            return;
        }
        let place = match self.by_key.entry(key.raw().as_bytes()) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(vacant) => {
                self.fields.push(FieldKey {
                    known: Known::new(key),
                    next: next + 1,
                });
                *vacant.insert(next)
            }
        };
        self.count_bytes();
        self.follow(*before, place);
        *before = Before(Some(place));
    }

    fn count_bytes(&mut self) {
        self.heap_bytes = self.tags.capacity() * size_of::<Known<'_>>()
            + self.fields.capacity() * size_of::<FieldKey<'_>>()
            + self.by_key.allocation_size();
    }
}
