//! The columns of a table, as its own metadata has them: the one place that all who write to it
//! agree on.

use serde_json::{Value, json};

use super::names;
use super::parquet::{Column, Kind, Layout};
use crate::columnar::FieldType;

/// The tags and fields of a table, in the order in which they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    columns: Vec<Column>,
    /// Names of columns that others have added. They are left alone.
    foreign: Vec<String>,
}

const NAME_KEY: &str = "tidegate.name";
const KIND_KEY: &str = "tidegate.kind";

impl Columns {
    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Column> + Clone {
        self.columns.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// They, as files have them.
    pub(super) fn layout(&self) -> Layout {
        Layout::new(self.columns.clone())
    }

    /// Adds what is missing; says whether anything was. One name may stand for several columns of
    /// different kinds: several nodes may have met it with different types, and all was
    /// acknowledged.
    pub(super) fn extend<'a>(&mut self, wanted: impl IntoIterator<Item = (&'a str, Kind)>) -> bool {
        let before = self.columns.len();
        for (name, kind) in wanted {
            let is_there = |column: &Column| &*column.name == name && column.kind == kind;
            if self.columns.iter().any(is_there) {
                continue;
            }
            let storage_name = names::column(name, self.columns.len(), |candidate| {
                let own = self.columns.iter().map(|column| &*column.storage);
                let foreign = self.foreign.iter().map(String::as_str);
                own.chain(foreign)
                    .any(|taken| names::is_same(taken, candidate))
            });
            self.columns.push(Column {
                storage: storage_name.into(),
                name: name.into(),
                kind,
            });
        }
        self.columns.len() > before
    }

    /// The schema of a table without tags and fields, as its metadata carries it.
    pub(super) fn empty_schema() -> Value {
        let ours = [
            field("time", "timestamp", json!({})),
            field("time_ns", "long", json!({})),
            field("day", "date", json!({})),
        ];
        json!({ "type": "struct", "fields": ours })
    }

    /// A schema with the columns from number `first` on behind what it has.
    pub(super) fn grown_schema(&self, schema: &Value, first: usize) -> Value {
        let mut grown = schema.clone();
        let fields = grown.get_mut("fields").and_then(Value::as_array_mut);
        let added = self.columns.iter().skip(first).map(|column| {
            let metadata = json!({ NAME_KEY: column.name, KIND_KEY: column.kind.as_str() });
            field(&column.storage, delta_type(column.kind), metadata)
        });
        if let Some(fields) = fields {
            fields.extend(added);
        }
        grown
    }

    /// Reads a schema. Columns that are not ours are left alone: nothing is written to them.
    pub(super) fn of_schema(schema: &Value) -> Result<Self, String> {
        let fields = schema.get("fields").and_then(Value::as_array);
        let fields = fields.ok_or_else(|| "its schema has no fields".to_owned())?;
        let (mut columns, mut foreign) = (Vec::new(), Vec::new());
        for field in fields {
            let storage_name = text(field, "name")?;
            let metadata = field.get("metadata");
            let known = |key: &str| metadata.and_then(|metadata| metadata.get(key)?.as_str());
            let (Some(name), Some(word)) = (known(NAME_KEY), known(KIND_KEY)) else {
                foreign.push(storage_name);
                continue;
            };
            let kind = kind_of(word).ok_or_else(|| {
                format!(
                    "column {storage_name} is of kind \"{word}\", which this tidegate does not \
                     know: it may be older than the table"
                )
            })?;
            columns.push(Column {
                storage: storage_name.into(),
                name: name.into(),
                kind,
            });
        }
        Ok(Self { columns, foreign })
    }
}

fn kind_of(word: &str) -> Option<Kind> {
    let types = [
        FieldType::Float,
        FieldType::Integer,
        FieldType::Unsigned,
        FieldType::Boolean,
        FieldType::String,
    ];
    let mut kinds = types.into_iter().map(Kind::Field).chain([Kind::Tag]);
    kinds.find(|kind| kind.as_str() == word)
}

fn delta_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Tag | Kind::Field(FieldType::String) => "string",
        Kind::Field(FieldType::Float) => "double",
        Kind::Field(FieldType::Integer) => "long",
        Kind::Field(FieldType::Unsigned) => "decimal(20,0)",
        Kind::Field(FieldType::Boolean) => "boolean",
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
    use serde_json::json;

    use super::{Columns, Kind};
    use crate::columnar::FieldType;

    #[test]
    fn columns_keep_name_and_kind_through_the_schema() {
        let mut columns = Columns::default();
        let float = Kind::Field(FieldType::Float);
        let added = columns.extend([("host", Kind::Tag), ("v", float), ("V", float)]);
        assert!(added && !columns.extend([("V", float)]));
        // Another node met it with another type.
        assert!(columns.extend([("v", Kind::Field(FieldType::Integer)), ("day", Kind::Tag)]));
        let names: Vec<&str> = columns.iter().map(|column| &*column.storage).collect();
        assert_eq!(names, ["host", "v", "V_2", "v_3", "day_4"]);
        let schema = columns.grown_schema(&Columns::empty_schema(), 0);
        let read = Columns::of_schema(&schema).expect("ours");
        assert!(read.iter().eq(columns.iter()));
    }

    #[test]
    fn columns_of_others_stay_and_their_names_are_taken() {
        let schema =
            json!({"fields": [{"name": "X", "type": "long", "metadata": {"comment": "mine"}}]});
        let mut columns = Columns::of_schema(&schema).expect("a schema");
        columns.extend([("x", Kind::Tag)]);
        let grown = columns.grown_schema(&schema, 0);
        assert_eq!(grown["fields"][0]["metadata"]["comment"], "mine");
        assert_eq!(grown["fields"][1]["name"], "x_0");
    }
}
