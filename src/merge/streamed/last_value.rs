//! Merged rows as points: for every field, the value that was written last (design decision D7).

use std::collections::HashMap;

use super::error::MergeError;
use super::kway::{Merge, Stretch};
use super::slots::Chunk;
use crate::certain::Certain;
use crate::columnar::{FieldType, FieldValue, Picked, SegmentField};
use crate::narrow;

/// The place of a field that is not read: none.
const ABSENT: u32 = u32::MAX;

/// The reason why indexes are valid.
const POSITION: &str = "positions are those of the fields of the chunk";
const CODE: &str = "there are five types";
const FEW: &str = "slots, fields, and places in a segment are far fewer";

/// The points of a merge: one at a time here, many at a time for a
/// [`PointBatch`](super::PointBatch). Only cells that exist are looked at, and names only once per
/// chunk.
#[derive(Default)]
pub struct MergedPoints {
    merge: Merge,
    stretch: Stretch,
    /// The points of the stretch that were visited or taken.
    taken: usize,
    fields: Fields,
    /// By slot of the merge.
    maps: Vec<Map>,
    cells: Vec<Cell>,
}

/// A value of the current point: the place of its field, and where the value is stored.
#[derive(Clone, Copy)]
struct Cell {
    field: u32,
    slot: u32,
    position: u32,
    place: u32,
}

/// The fields that are read, each by its place.
#[derive(Default)]
struct Fields {
    keys: Vec<(Box<str>, FieldType)>,
    /// By name, then by the code of the type.
    places: HashMap<Box<str>, [u32; 5]>,
    /// True if a field that is not known yet is added.
    is_growing: bool,
}

/// The places of a chunk's fields.
#[derive(Default)]
pub(super) struct Map {
    serial: u64,
    /// The places and positions of the dense fields, by place.
    pub(super) dense: Vec<(u32, u32)>,
    /// By position.
    places: Vec<u32>,
    /// The positions of the dense fields that are of texts.
    pub(super) texts: Vec<u32>,
}

/// Points that come from a single run.
pub(super) struct Alone<'a> {
    pub(super) chunk: &'a Chunk,
    pub(super) map: &'a Map,
    pub(super) rows: Picked<'a>,
}

impl Alone<'_> {
    /// The number of points before the last one, if that has a value in each of these fields.
    pub(super) fn older(&self, present: &[u32]) -> usize {
        let Some(last) = self.rows.iter().last() else {
            return 0;
        };
        let (chunk, row) = (self.chunk, last as usize);
        let has = |place: &u32| {
            let position = self.map.position(*place);
            let field = position.and_then(|position| chunk.segment.fields().get(position));
            field.is_some_and(|field| field.place(row).is_some())
        };
        match present.iter().all(has) {
            true => self.rows.len() - 1,
            false => 0,
        }
    }
}

impl MergedPoints {
    /// Points with these fields, whose places are their indexes. Fields with other names, or with
    /// another type than given here, count as absent.
    pub fn of_fields<'a>(fields: impl IntoIterator<Item = (&'a str, FieldType)>) -> Self {
        let mut points = Self::default();
        for (name, field_type) in fields {
            points.fields.add(name, field_type);
        }
        points
    }

    /// Points with all fields; one name may come with several types.
    pub fn of_all_fields() -> Self {
        let mut points = Self::default();
        points.fields.is_growing = true;
        points
    }

    /// Continues with the points of another merge.
    pub fn start(&mut self, merge: Merge) {
        self.merge = merge;
        self.stretch = Stretch::default();
        self.taken = 0;
        self.maps.clear();
        self.cells.clear();
    }

    /// Goes to the next point. Returns false at the end.
    pub fn advance(&mut self) -> Result<bool, MergeError> {
        if self.at_hand() == 0 && !self.next_stretch()? {
            return Ok(false);
        }
        self.look();
        self.taken += 1;
        Ok(true)
    }

    /// Finds the cells of the next point at hand.
    pub(super) fn look(&mut self) {
        self.cells.clear();
        let mut is_sorted = self.stretch.sources.len() == 1;
        // The last written first: of several values of a field the first one stays.
        for source in self.stretch.sources.iter().rev() {
            let chunk = self.merge.chunk(source.slot);
            let row = chunk.row_after(source, self.taken);
            let map = map_at(&self.maps, source.slot);
            is_sorted &= add_cells(&mut self.cells, map, chunk, (source.slot, row));
        }
        if !is_sorted {
            self.cells.sort_by_key(|cell| cell.field);
            self.cells.dedup_by_key(|cell| cell.field);
        }
    }

    /// The number of points that are known to follow.
    pub(super) fn at_hand(&self) -> usize {
        self.stretch.length - self.taken
    }

    /// Goes to the points after those at hand, of which none is left. Returns false at the end.
    pub(super) fn next_stretch(&mut self) -> Result<bool, MergeError> {
        debug_assert_eq!(self.at_hand(), 0, "every point is taken");
        self.taken = 0;
        self.stretch.length = 0;
        self.cells.clear();
        let next = self.merge.next(&mut self.stretch);
        if !matches!(next, Ok(true)) {
            self.stretch.length = 0;
            return next;
        }
        for source in &self.stretch.sources {
            let chunk = self.merge.chunk(source.slot);
            map_of(&mut self.maps, source.slot, chunk, &mut self.fields);
        }
        Ok(true)
    }

    /// Returns true if the next stretch drops chunks that points came from.
    pub(super) fn drops_chunks(&self) -> bool {
        self.merge.drops_chunks()
    }

    /// A chunk that points at hand came from, and where its fields are.
    pub(super) fn chunk(&self, slot: usize) -> (&Chunk, &Map) {
        (self.merge.chunk(slot), map_at(&self.maps, slot))
    }

    /// The rows of the next point at hand, oldest first: each a slot and a row.
    pub(super) fn next_sources(&self) -> impl Iterator<Item = (usize, u32)> {
        self.stretch.sources.iter().map(|source| {
            let row = self.merge.chunk(source.slot).row_after(source, self.taken);
            (source.slot, narrow::to_u32(row, "a segment has fewer rows"))
        })
    }

    /// The points at hand, if they come from a single run.
    pub(super) fn alone(&self) -> Option<Alone<'_>> {
        let [source] = &*self.stretch.sources else {
            return None;
        };
        let chunk = self.merge.chunk(source.slot);
        Some(Alone {
            chunk,
            map: map_at(&self.maps, source.slot),
            rows: chunk.rows_after(source, self.taken..self.stretch.length),
        })
    }

    /// The time of the next point at hand.
    pub(super) fn next_ns(&self) -> i64 {
        self.time_after(self.taken)
    }

    /// Returns whether the next point at hand is the first one of its series in this merge.
    pub(super) fn starts_series(&self) -> bool {
        self.stretch.is_new_series && self.taken == 0
    }

    /// Leaves some of the points at hand behind.
    pub(super) fn take(&mut self, points: usize) {
        debug_assert!(points <= self.at_hand(), "no more than there are");
        self.taken += points;
    }

    /// The time of the point, in nanoseconds since the epoch.
    pub fn time_ns(&self) -> i64 {
        self.time_after(self.taken.saturating_sub(1))
    }

    fn time_after(&self, points: usize) -> i64 {
        let (Some(source), 1..) = (self.stretch.sources.first(), points) else {
            return self.stretch.time_ns;
        };
        let chunk = self.merge.chunk(source.slot);
        let time_ns = chunk.segment.times().get(chunk.row_after(source, points));
        *time_ns.certain("it is a row of the segment")
    }

    /// Returns whether the point is the first one of its series in this merge.
    pub fn is_new_series(&self) -> bool {
        self.stretch.is_new_series && self.taken <= 1
    }

    /// The key and value of every tag of the point, by key.
    pub fn tags(&self) -> impl Iterator<Item = (&str, &str)> {
        let source = self.stretch.sources.first();
        let source = source.certain("the current point comes from at least one row");
        let segment = &self.merge.chunk(source.slot).segment;
        let series = segment.series_of_rows().get(source.row as usize);
        segment.series_tags(*series.certain("it is a row of the segment"))
    }

    /// The values of the point, each with the place of its field, ascending.
    pub fn values(&self) -> impl Iterator<Item = (usize, FieldValue<'_>)> {
        self.cells.iter().map(|cell| {
            let chunk = self.merge.chunk(cell.slot as usize);
            let fields = chunk.segment.fields();
            let field: &SegmentField = fields.get(cell.position as usize).certain(POSITION);
            let value = field.value_at(cell.place as usize);
            let value = value.certain("a cell has the place of a value");
            (cell.field as usize, value)
        })
    }

    /// The places of the fields for which the point has a value, ascending.
    pub fn places(&self) -> impl Iterator<Item = usize> {
        self.cells.iter().map(|cell| cell.field as usize)
    }

    /// The names and types of the fields known so far, by place.
    pub fn fields(&self) -> impl ExactSizeIterator<Item = (&str, FieldType)> {
        let keys = self.fields.keys.iter();
        keys.map(|(name, field_type)| (&**name, *field_type))
    }

    /// The name and type of the field at a place.
    pub fn field(&self, place: usize) -> Option<(&str, FieldType)> {
        let (name, field_type) = self.fields.keys.get(place)?;
        Some((name, *field_type))
    }
}

/// The map of a chunk, made when the chunk is first met.
fn map_of<'a>(maps: &'a mut Vec<Map>, slot: usize, chunk: &Chunk, fields: &mut Fields) -> &'a Map {
    if maps.len() <= slot {
        maps.resize_with(slot + 1, Map::default);
    }
    let map = maps.get_mut(slot).certain("it was made long enough above");
    if map.serial != chunk.serial {
        *map = Map::new(chunk, fields);
    }
    map
}

/// The map of a chunk that was met.
fn map_at(maps: &[Map], slot: usize) -> &Map {
    maps.get(slot).certain("it is made with the stretch")
}

/// Adds the cells of a row. Returns true if they are in the order of their fields.
fn add_cells(cells: &mut Vec<Cell>, map: &Map, chunk: &Chunk, (slot, row): (usize, usize)) -> bool {
    let sparse = chunk.cells.sparse(row);
    let fields = chunk.segment.fields();
    for (field, position) in map.dense.iter().copied().chain(map.read(sparse)) {
        let stored = fields.get(position as usize).certain(POSITION);
        cells.extend(stored.place(row).map(|place| Cell {
            field,
            slot: narrow::to_u32(slot, FEW),
            position,
            place: narrow::to_u32(place, FEW),
        }));
    }
    sparse.is_empty()
}

impl Map {
    /// The places and positions of the fields at these positions, as far as they are read.
    pub(super) fn read<'a>(&'a self, positions: &'a [u32]) -> impl Iterator<Item = (u32, u32)> {
        positions.iter().filter_map(|position| {
            let place = *self.places.get(*position as usize).certain(POSITION);
            (place != ABSENT).then_some((place, *position))
        })
    }

    fn new(chunk: &Chunk, fields: &mut Fields) -> Self {
        let own = chunk.segment.fields().iter();
        let places: Vec<u32> = own
            .map(|field| fields.place(field.name(), field.field_type()))
            .collect();
        let dense = chunk.cells.dense().iter().filter_map(|position| {
            let place = places.get(*position as usize).certain(POSITION);
            (*place != ABSENT).then_some((*place, *position))
        });
        let mut dense: Vec<(u32, u32)> = dense.collect();
        dense.sort_unstable();
        let fields = chunk.segment.fields();
        let is_text = |position: &u32| {
            let field = fields.get(*position as usize).certain(POSITION);
            field.field_type() == FieldType::String
        };
        let positions = dense.iter().map(|(_, position)| *position);
        Self {
            serial: chunk.serial,
            texts: positions.filter(is_text).collect(),
            dense,
            places,
        }
    }

    /// The position of a dense field.
    pub(super) fn position(&self, place: u32) -> Option<usize> {
        let found = self.dense.binary_search_by_key(&place, |(place, _)| *place);
        let (_, position) = self.dense.get(found.ok()?)?;
        Some(*position as usize)
    }
}

impl Fields {
    fn place(&mut self, name: &str, field_type: FieldType) -> u32 {
        let code = usize::from(field_type.code());
        let known = self.places.get(name);
        match known.map_or(&ABSENT, |places| places.get(code).certain(CODE)) {
            &ABSENT if self.is_growing => self.add(name, field_type),
            place => *place,
        }
    }

    fn add(&mut self, name: &str, field_type: FieldType) -> u32 {
        let place = narrow::to_u32(self.keys.len(), FEW);
        self.keys.push((name.into(), field_type));
        let places = self.places.entry(name.into()).or_insert([ABSENT; 5]);
        let slot = places.get_mut(usize::from(field_type.code()));
        *slot.certain(CODE) = place;
        place
    }
}
