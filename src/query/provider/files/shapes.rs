//! What Parquet's decoder is told of the columns of files.
//!
//! To make it takes longer than to unpack a hundred values, and mostly the files of a table have the same
//! columns: so what was made for one file serves the next ones.

use std::sync::{Arc, Mutex, PoisonError};

use arrow_schema::Fields;
use datafusion::parquet::arrow::arrow_reader::ArrowReaderMetadata;
use datafusion::parquet::arrow::{FieldLevels, ProjectionMask, parquet_to_arrow_field_levels};
use datafusion::parquet::errors::Result;
use datafusion::parquet::schema::types::TypePtr;

/// How many shapes are kept: of all columns that are asked for, and of the time alone, before and after the
/// table had a new column.
const SHAPES_MAX: usize = 4;

/// Columns of files.
#[derive(Debug)]
pub(super) struct Shape {
    columns: ProjectionMask,
    /// All columns of the file, as it has them and as they are read.
    stored: TypePtr,
    types: Fields,
    /// The places of the columns.
    pub(super) leaves: Vec<usize>,
    pub(super) levels: FieldLevels,
}

/// The shapes that were made last, for one scan.
#[derive(Debug, Default)]
pub(super) struct Shapes(Mutex<Vec<Arc<Shape>>>);

impl Shapes {
    /// The shape of these columns of a file.
    ///
    /// # Errors
    /// They cannot be read as what they are said to be.
    pub(super) fn of(
        &self,
        footer: &ArrowReaderMetadata,
        columns: ProjectionMask,
    ) -> Result<Arc<Shape>> {
        let schema = footer.parquet_schema();
        let types = footer.schema().fields();
        let mut shapes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = shapes.iter().find(|known| {
            known.columns == columns
                && *known.stored == *schema.root_schema()
                && known.types == *types
        });
        if let Some(known) = known {
            return Ok(Arc::clone(known));
        }
        let leaves = (0..schema.num_columns()).filter(|leaf| columns.leaf_included(*leaf));
        let shape = Arc::new(Shape {
            leaves: leaves.collect(),
            levels: parquet_to_arrow_field_levels(schema, columns.clone(), Some(types))?,
            columns,
            stored: schema.root_schema_ptr(),
            types: types.clone(),
        });
        if shapes.len() >= SHAPES_MAX {
            shapes.remove(0);
        }
        shapes.push(Arc::clone(&shape));
        Ok(shape)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch};
    use bytes::Bytes;
    use datafusion::parquet::arrow::ArrowWriter;
    use datafusion::parquet::arrow::arrow_reader::ArrowReaderOptions;

    use super::*;

    /// The footer of a file with these columns, whose first one has integers or numbers with a fraction.
    pub(in super::super) fn footer(has_integers: bool, columns: [&str; 2]) -> ArrowReaderMetadata {
        let first: ArrayRef = match has_integers {
            true => Arc::new(Int64Array::from(vec![1])),
            false => Arc::new(Float64Array::from(vec![1.0])),
        };
        let second: ArrayRef = Arc::new(Int64Array::from(vec![1]));
        let columns = columns.into_iter().zip([first, second]);
        let batch = RecordBatch::try_from_iter(columns).expect("columns");
        let mut file = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut file, batch.schema(), None).expect("begun");
        writer.write(&batch).expect("written");
        writer.close().expect("ended");
        let options = ArrowReaderOptions::new();
        ArrowReaderMetadata::load(&Bytes::from(file), options).expect("a footer")
    }

    #[test]
    fn files_share_what_is_told_of_the_same_columns_and_of_no_others() {
        let shapes = Shapes::default();
        let of = |footer: &ArrowReaderMetadata, leaf: usize| {
            let columns = ProjectionMask::leaves(footer.parquet_schema(), [leaf]);
            let shape = shapes.of(footer, columns).expect("can be read");
            assert_eq!(shape.leaves, [leaf]);
            shape
        };
        let first = of(&footer(true, ["a", "b"]), 1);
        assert!(Arc::ptr_eq(&first, &of(&footer(true, ["a", "b"]), 1)));
        let others = [
            of(&footer(true, ["a", "b"]), 0),
            of(&footer(true, ["a", "c"]), 1),
            of(&footer(false, ["a", "b"]), 1),
        ];
        for other in &others {
            assert!(!Arc::ptr_eq(&first, other), "{other:?}");
        }
        assert!(Arc::ptr_eq(&first, &of(&footer(true, ["a", "b"]), 1)));
        // One more, and the first one is made anew.
        of(&footer(false, ["a", "b"]), 0);
        assert!(!Arc::ptr_eq(&first, &of(&footer(true, ["a", "b"]), 1)));
    }
}
