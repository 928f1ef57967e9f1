//! A table with all its sources: its days, and a merge of each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::error::ReadError;
use super::sources::{Places, Sources, TableFiles};
use crate::buffer::TableSnapshot;
use crate::certain::Certain;
use crate::columnar::{FieldType, Segment};
use crate::id::{Sequence, TableId};
use crate::memory::{Reservation, Room};
use crate::merge::{Merge, Run, SortedSegment, TimeRange};

/// A field of a table, with one of its types.
///
/// A name has several only if nodes that share a table wrote it with different ones. All values
/// were acknowledged, so none is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableField {
    /// Its name in line protocol.
    pub name: Box<str>,
    /// One of the types that the name has.
    pub field_type: FieldType,
    /// 0 for the type that the field has on this node, then counting up.
    pub rank: usize,
    /// A unique name for its column in formats with a column per type: the field's name, with the
    /// type after it if need be.
    pub label: Box<str>,
}

/// The rows of a table as they are at one moment.
pub struct Table {
    /// The tag keys, ordered bytewise.
    tags: Vec<Box<str>>,
    /// The fields, ordered bytewise by name.
    fields: Vec<TableField>,
    buffered: Vec<Arc<SortedSegment>>,
    files: Option<TableFiles>,
    /// The days that are left.
    days: std::collections::btree_set::IntoIter<i32>,
    range: TimeRange,
    /// The memory in which its files are read.
    room: Option<Room>,
    _snapshot: Option<TableSnapshot>,
    _sorted: Reservation,
}

impl Table {
    /// The rows of a table in `range`, whose files are read in `room`; `None` if there is no such
    /// table.
    pub fn open(
        sources: &Sources,
        table: &TableId,
        range: TimeRange,
        room: Option<&Room>,
    ) -> Result<Option<Self>, ReadError> {
        let Places { snapshot, files } = sources.look(table)?;
        if snapshot.is_none() && files.is_none() {
            return Ok(None);
        }
        let files = files.map(|files| files.of(range));
        let flushed = files.as_ref().map_or(Sequence(0), |files| files.flushed);
        let segments = snapshot.as_ref().map(|snapshot| snapshot.after(flushed));
        let segments = segments.unwrap_or_default();
        let (tags, fields) = columns(&segments, files.as_ref());
        let mut sorted = sources.budget.empty();
        let buffered = sort(&segments, range, &mut sorted)?;
        let of_buffer = buffered.iter().flat_map(|segment| segment.days());
        let of_lake = files.iter().flat_map(|files| files.days.keys().copied());
        let days: BTreeSet<i32> = of_lake.chain(of_buffer).collect();
        Ok(Some(Self {
            tags,
            fields,
            buffered,
            files,
            days: days.into_iter(),
            range,
            room: room.cloned(),
            _snapshot: snapshot,
            _sorted: sorted,
        }))
    }

    /// The tag keys in bytewise order.
    pub fn tags(&self) -> &[Box<str>] {
        &self.tags
    }

    /// The fields in bytewise order of their names, those of one name by rank.
    pub fn fields(&self) -> &[TableField] {
        &self.fields
    }

    /// The rows of the next day; `None` after the last.
    pub fn next_day(&mut self) -> Result<Option<Merge>, ReadError> {
        let Some(day) = self.days.next() else {
            return Ok(None);
        };
        let mut runs = Vec::new();
        let files = self.files.as_ref().and_then(|files| files.days.get(&day));
        if let (Some(files), Some(room)) = (files, &self.room) {
            for file in files {
                let chunks = file.open(self.range, room, files.len())?;
                runs.push(Run::stream(file.name(), chunks, self.range));
            }
        }
        // Buffered rows were written after those in files.
        runs.extend(
            self.buffered
                .iter()
                .map(|segment| Run::of_day(segment, day)),
        );
        Ok(Some(Merge::new(runs)?))
    }
}

impl TableFiles {
    /// Leaves out the files that have no row in `range`.
    fn of(mut self, range: TimeRange) -> Self {
        self.days.retain(|day, files| {
            files.retain(|file| file.meets(range));
            range.meets_day(*day) && !files.is_empty()
        });
        self
    }
}

/// Sorts segments, each after its memory was taken.
fn sort(
    segments: &[Arc<Segment>],
    range: TimeRange,
    reservation: &mut Reservation,
) -> Result<Vec<Arc<SortedSegment>>, ReadError> {
    let mut sorted = Vec::new();
    for segment in segments {
        let before = reservation.bytes();
        reservation.try_grow(SortedSegment::bytes_max(segment))?;
        let one = SortedSegment::new(Arc::clone(segment), range);
        reservation.shrink_to(before + one.heap_bytes());
        sorted.push(Arc::new(one));
    }
    Ok(sorted)
}

type Columns = (Vec<Box<str>>, Vec<TableField>);

/// The tags and fields of all sources, ordered by name. A field has the type that the buffer has,
/// else the first that the lake names; other types follow it. A name that is both a tag and a
/// field, because nodes disagree, is shown as both, and the field's column is named with its type.
fn columns(segments: &[Arc<Segment>], files: Option<&TableFiles>) -> Columns {
    let mut tags: BTreeSet<&str> = BTreeSet::new();
    let mut fields: BTreeMap<&str, Vec<FieldType>> = BTreeMap::new();
    let mut add = |name, field_type| {
        let types: &mut Vec<FieldType> = fields.entry(name).or_default();
        if !types.contains(&field_type) {
            types.push(field_type);
        }
    };
    for segment in segments {
        tags.extend(segment.tag_keys());
        for field in segment.fields() {
            add(field.name(), field.field_type());
        }
    }
    if let Some(files) = files {
        tags.extend(files.tags.iter().map(|key| &**key));
        for (name, field_type) in &files.fields {
            add(name, *field_type);
        }
    }
    let is_alone = |name: &str, rank| rank == 0 && !tags.contains(name);
    let mut taken: BTreeSet<String> = BTreeSet::new();
    if fields
        .iter()
        .any(|(name, types)| types.len() > 1 || !is_alone(name, 0))
    {
        taken.extend(
            tags.iter()
                .chain(fields.keys())
                .map(|name| (*name).to_owned()),
        );
    }
    let fields = fields.into_iter().flat_map(|(name, types)| {
        let types = types.into_iter().enumerate();
        types.map(move |(rank, field_type)| (name, rank, field_type))
    });
    let fields = fields.map(|(name, rank, field_type)| TableField {
        name: name.into(),
        field_type,
        rank,
        label: match is_alone(name, rank) {
            true => name.into(),
            false => label(name, field_type, &mut taken),
        },
    });
    let fields = fields.collect();
    (tags.into_iter().map(Box::from).collect(), fields)
}

/// Returns `v_float`, or, if another column has that name, `v_float_2` and so on.
fn label(name: &str, field_type: FieldType, taken: &mut BTreeSet<String>) -> Box<str> {
    let plain = format!("{name}_{field_type}");
    let numbered = (2_u32..).map(|number| format!("{plain}_{number}"));
    let mut labels = std::iter::once(plain.clone()).chain(numbered);
    let free = labels.find(|label| !taken.contains(label));
    let free = free.certain("a table has fewer columns than there are numbers");
    taken.insert(free.clone());
    free.into()
}
