//! Merged rows as points: for every field, the value that was written last (design decision D7).

use std::collections::HashMap;

use super::error::MergeError;
use super::kway::{Merge, MergedRow};
use super::slots::Chunk;
use crate::certain::Certain;
use crate::columnar::{FieldType, FieldValue, SegmentField};
use crate::narrow;

/// The place of a field that is not read: none.
const ABSENT: u32 = u32::MAX;

/// The reason why indexes are valid.
const POSITION: &str = "positions are those of the fields of the chunk";
const CODE: &str = "there are five types";
const FEW: &str = "slots, fields, and places in a segment are far fewer";

/// The points of a merge, one at a time. Only cells that exist are looked at, and names only once
/// per chunk.
#[derive(Default)]
pub struct MergedPoints {
    merge: Merge,
    row: MergedRow,
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
struct Map {
    serial: u64,
    /// The places and positions of the dense fields, by place.
    dense: Vec<(u32, u32)>,
    /// By position.
    places: Vec<u32>,
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
        self.row = MergedRow::default();
        self.maps.clear();
        self.cells.clear();
    }

    /// Goes to the next point. Returns false at the end.
    pub fn advance(&mut self) -> Result<bool, MergeError> {
        self.cells.clear();
        if !self.merge.next(&mut self.row)? {
            return Ok(false);
        }
        // The last written first: of several values of a field the first one stays.
        let mut is_sorted = self.row.sources.len() == 1;
        for source in self.row.sources.iter().rev() {
            let chunk = self.merge.chunk(source.slot);
            let row = source.row as usize;
            let slot = source.slot;
            let map = map_of(&mut self.maps, slot, chunk, &mut self.fields);
            let sparse = chunk.cells.sparse(row);
            is_sorted &= sparse.is_empty();
            let sparse = sparse.iter().filter_map(|position| {
                let place = map.places.get(*position as usize).certain(POSITION);
                (*place != ABSENT).then_some((*place, *position))
            });
            let fields = chunk.segment.fields();
            for (field, position) in map.dense.iter().copied().chain(sparse) {
                let stored = fields.get(position as usize).certain(POSITION);
                self.cells.extend(stored.place(row).map(|place| Cell {
                    field,
                    slot: narrow::to_u32(slot, FEW),
                    position,
                    place: narrow::to_u32(place, FEW),
                }));
            }
        }
        if !is_sorted {
            self.cells.sort_by_key(|cell| cell.field);
            self.cells.dedup_by_key(|cell| cell.field);
        }
        Ok(true)
    }

    /// The time of the point, in nanoseconds since the epoch.
    pub fn time_ns(&self) -> i64 {
        self.row.time_ns
    }

    /// Returns whether the point is the first one of its series in this merge.
    pub fn is_new_series(&self) -> bool {
        self.row.is_new_series
    }

    /// The key and value of every tag of the point, by key.
    pub fn tags(&self) -> impl Iterator<Item = (&str, &str)> {
        let source = self.row.sources.first();
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

impl Map {
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
        Self {
            serial: chunk.serial,
            dense,
            places,
        }
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
