//! The columns of a table, as its own metadata has them: the one place on which all its writers agree.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::certain::Certain;
use crate::columnar::{ColumnKind, FieldType};
use crate::lake::names;
use crate::lake::parquet::{Column, Layout};

/// The tags and fields of a table, in the order in which they were added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableColumns {
    columns: Vec<Column>,
    /// Names of columns that other programs have added. They are left alone.
    foreign: Vec<Arc<str>>,
}

const NAME_KEY: &str = "tidegate.name";
/// Bytes of a shared text beside its letters: two counts, the pointer, the allocator's overhead.
const TEXT_BYTES: usize = 48;

const KIND_KEY: &str = "tidegate.kind";

impl TableColumns {
    /// Returns all columns.
    pub fn iter(&self) -> impl Iterator<Item = &Column> + Clone {
        self.columns.iter()
    }

    /// The number of columns.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Returns whether there are no columns.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// The layout of files with these columns.
    pub(in crate::lake) fn layout(&self) -> Layout {
        Layout::new(self.columns.clone())
    }

    /// Adds the columns that are missing, and returns whether any was. One name may stand for several
    /// columns of different kinds: several nodes may have met it with different types and acknowledged
    /// all of them. Looks at every name once, however many there are.
    pub(in crate::lake) fn extend<'a>(
        &mut self,
        wanted: impl IntoIterator<Item = (&'a str, ColumnKind)>,
    ) -> bool {
        let missing = self.missing(wanted);
        if missing.is_empty() {
            return false;
        }
        let own = self.columns.iter().map(|column| &column.storage);
        let taken = own.chain(&self.foreign).map(|name| names::folded(name));
        let mut taken: HashSet<String> = taken.collect();
        for (name, kind) in missing {
            let number = self.columns.len();
            let storage = names::column(name, number, |folded| taken.contains(folded));
            taken.insert(names::folded(&storage));
            self.columns.push(column(storage, name, kind));
        }
        true
    }

    /// The wanted columns that are missing, each once, in order.
    fn missing<'a>(
        &self,
        wanted: impl IntoIterator<Item = (&'a str, ColumnKind)>,
    ) -> Vec<(&'a str, ColumnKind)> {
        let known = self.columns.iter();
        let known = known.map(|column| (&*column.name, column.kind));
        let mut known: HashSet<(&str, ColumnKind)> = known.collect();
        let wanted = wanted.into_iter();
        wanted.filter(|wanted| known.insert(*wanted)).collect()
    }

    /// Estimates the bytes on the heap.
    pub(in crate::lake) fn heap_bytes(&self) -> u64 {
        let columns = self.columns.iter().map(|column| {
            let own = if Arc::ptr_eq(&column.storage, &column.name) {
                0
            } else {
                TEXT_BYTES + column.name.len()
            };
            size_of::<Column>() + TEXT_BYTES + column.storage.len() + own
        });
        let foreign = self.foreign.iter().map(|name| TEXT_BYTES + name.len());
        columns.chain(foreign).sum::<usize>() as u64
    }

    /// The schema of a table without tags and fields, as it is in the table's metadata.
    pub(in crate::lake) fn empty_schema() -> Value {
        let ours = [
            field("time", "timestamp", json!({})),
            field("time_ns", "long", json!({})),
            field("day", "date", json!({})),
        ];
        json!({ "type": "struct", "fields": ours })
    }

    /// Appends the columns from number `first` on to a schema.
    pub(in crate::lake) fn grown_schema(&self, mut schema: Value, first: usize) -> Value {
        let fields = schema.get_mut("fields").and_then(Value::as_array_mut);
        let added = self.columns.iter().skip(first).map(|column| {
            let metadata = json!({ NAME_KEY: &*column.name, KIND_KEY: column.kind.as_str() });
            field(&column.storage, delta_type(column.kind), metadata)
        });
        let fields = fields.certain("a schema without fields is refused when it is read");
        fields.extend(added);
        schema
    }

    /// Reads a schema. Columns of other programs are left alone: nothing is written to them.
    pub(in crate::lake) fn of_schema(schema: &Value) -> Result<Self, String> {
        let fields = schema.get("fields").and_then(Value::as_array);
        let fields = fields.ok_or_else(|| "its schema has no fields".to_owned())?;
        let (mut columns, mut foreign) = (Vec::new(), Vec::new());
        for field in fields {
            let storage_name = text(field, "name")?;
            let metadata = field.get("metadata");
            let known = |key: &str| metadata.and_then(|metadata| metadata.get(key)?.as_str());
            let (Some(name), Some(word)) = (known(NAME_KEY), known(KIND_KEY)) else {
                foreign.push(storage_name.into());
                continue;
            };
            let kind = ColumnKind::from_word(word).ok_or_else(|| {
                format!(
                    "column {storage_name} is of kind \"{word}\", which this tidegate does not \
                     know: it may be older than the table"
                )
            })?;
            columns.push(column(storage_name, name, kind));
        }
        columns.shrink_to_fit();
        Ok(Self { columns, foreign })
    }
}

/// A column whose two names share their text if they are equal, as they nearly always are.
fn column(storage: String, name: &str, kind: ColumnKind) -> Column {
    let storage: Arc<str> = storage.into();
    Column {
        name: if *storage == *name {
            Arc::clone(&storage)
        } else {
            name.into()
        },
        storage,
        kind,
    }
}

fn delta_type(kind: ColumnKind) -> &'static str {
    match kind {
        ColumnKind::Tag | ColumnKind::Field(FieldType::String) => "string",
        ColumnKind::Field(FieldType::Float) => "double",
        ColumnKind::Field(FieldType::Integer) => "long",
        ColumnKind::Field(FieldType::Unsigned) => "decimal(20,0)",
        ColumnKind::Field(FieldType::Boolean) => "boolean",
    }
}

fn field(name: &str, delta_type: &str, metadata: Value) -> Value {
    json!({ "name": name, "type": delta_type, "nullable": true, "metadata": metadata })
}

fn text(object: &Value, key: &str) -> Result<String, String> {
    let text = object.get(key).and_then(Value::as_str);
    text.map(str::to_owned)
        .ok_or_else(|| format!("its schema has a field without {key}"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::TableColumns;
    use crate::columnar::{ColumnKind, FieldType};
    use crate::lake::names::tests::FOLDED;

    #[test]
    fn columns_keep_name_and_kind_through_the_schema() {
        let mut columns = TableColumns::default();
        let float = ColumnKind::Field(FieldType::Float);
        let added = columns.extend([("host", ColumnKind::Tag), ("v", float), ("V", float)]);
        assert!(added && !columns.extend([("V", float)]));
        // Another node met it with another type.
        assert!(columns.extend([
            ("v", ColumnKind::Field(FieldType::Integer)),
            ("day", ColumnKind::Tag)
        ]));
        let names: Vec<&str> = columns.iter().map(|column| &*column.storage).collect();
        assert_eq!(names, ["host", "v", "V_2", "v_3", "day_4"]);
        let schema = columns.grown_schema(TableColumns::empty_schema(), 0);
        let read = TableColumns::of_schema(&schema).expect("ours");
        assert!(read.iter().eq(columns.iter()));
    }

    /// Issue 8, C3: each name was compared in lower case with each.
    #[test]
    fn long_names_are_looked_at_a_few_times_however_many_there_are() {
        const COUNT: usize = 200;
        let names: Vec<String> = (0..COUNT)
            .map(|number| format!("{number}{}", "é".repeat(2 << 10)))
            .collect();
        let mut columns = TableColumns::default();
        let wanted = || names.iter().map(|name| (&**name, ColumnKind::Tag));
        let before = FOLDED.get();
        assert!(columns.extend(wanted()) && !columns.extend(wanted()));
        assert!(columns.extend([("one more", ColumnKind::Tag)]));
        assert_eq!(columns.len(), COUNT + 1);
        let folded = FOLDED.get() - before;
        assert!(folded <= 8 * COUNT, "{folded} names were folded");
    }

    #[test]
    fn a_name_that_is_the_same_in_files_is_held_once() {
        let mut columns = TableColumns::default();
        columns.extend([("v", ColumnKind::Tag), ("V", ColumnKind::Tag)]);
        let shared = |column: &super::Column| Arc::ptr_eq(&column.storage, &column.name);
        assert_eq!(
            columns.iter().map(shared).collect::<Vec<_>>(),
            [true, false]
        );
    }

    #[test]
    fn columns_of_others_stay_and_their_names_are_taken() {
        let schema =
            json!({"fields": [{"name": "X", "type": "long", "metadata": {"comment": "mine"}}]});
        let mut columns = TableColumns::of_schema(&schema).expect("a schema");
        columns.extend([("x", ColumnKind::Tag)]);
        let grown = columns.grown_schema(schema, 0);
        assert_eq!(grown["fields"][0]["metadata"]["comment"], "mine");
        assert_eq!(grown["fields"][1]["name"], "x_0");
    }
}
