//! The columns of a table, whose sources may disagree about them.

use std::collections::{BTreeMap, BTreeSet};

use super::error::ReadError;
use super::sources::{Sources, StoredColumns};
use crate::buffer::SealedSegment;
use crate::certain::Certain;
use crate::columnar::FieldType;
use crate::id::TableId;

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

/// The columns of a table, without a hold on its rows.
#[derive(Clone, Debug)]
pub struct TableColumns {
    /// The tag keys in bytewise order.
    pub tags: Vec<Box<str>>,
    /// The fields in bytewise order of their names, those of one name by rank.
    pub fields: Vec<TableField>,
}

impl TableColumns {
    /// The columns of a table as it is now; `None` if there is no such table. May block.
    ///
    /// # Errors
    /// Memory is too short for a copy of what is growing, or the lake cannot be read.
    pub fn of(sources: &Sources, table: &TableId) -> Result<Option<Self>, ReadError> {
        let found = sources.columns(table)?;
        Ok(found.map(|(buffered, stored)| Self::new(&buffered, stored.as_ref())))
    }

    /// The tags and fields of all sources, ordered by name. A field has the type that the buffer has,
    /// else the first that the lake names; other types follow it. A name that is both a tag and a
    /// field, because nodes disagree, is shown as both, and the field's column is named with its type.
    pub(super) fn new(buffered: &[SealedSegment], stored: Option<&StoredColumns>) -> Self {
        let mut tags: BTreeSet<&str> = BTreeSet::new();
        let mut fields: BTreeMap<&str, Vec<FieldType>> = BTreeMap::new();
        let mut add = |name, field_type| {
            let types: &mut Vec<FieldType> = fields.entry(name).or_default();
            if !types.contains(&field_type) {
                types.push(field_type);
            }
        };
        for SealedSegment { segment, .. } in buffered {
            tags.extend(segment.tag_keys());
            for field in segment.fields() {
                add(field.name(), field.field_type());
            }
        }
        if let Some(stored) = stored {
            tags.extend(stored.tags.iter().map(|key| &**key));
            for (name, field_type) in &stored.fields {
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
        Self {
            tags: tags.into_iter().map(Box::from).collect(),
            fields,
        }
    }
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
