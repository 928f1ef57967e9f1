//! Leaves out the rows that were rejected.

use super::batch::Batch;
use super::bits::Bits;
use super::builder::BatchBuilder;
use super::column::{FieldColumn, Values};
use super::strings::Strings;
use crate::certain::Certain;
use crate::narrow;

/// The reason why there is a value.
const RANKED: &str = "a column has as many values as rows that have one";

impl Batch {
    /// The rows for which `keep` is true (rows past its end are dropped). Series, dictionary
    /// entries, tags and columns that no kept row uses are gone: a rejected row leaves no trace.
    pub fn retain(&self, keep: &[bool]) -> Self {
        let kept = |row: usize| keep.get(row).copied().unwrap_or(false);
        let mut builder = BatchBuilder::new(&self.measurement);
        let mut series_map = vec![None; self.series_count()];
        let mut row_map = Vec::with_capacity(self.rows());
        for (row, (time_ns, series)) in self.times.iter().zip(&self.row_series).enumerate() {
            row_map.push(kept(row).then(|| narrow::id(builder.rows())));
            if !kept(row) {
                continue;
            }
            let known = series_map.get_mut(*series as usize);
            let known = known.certain("ids of series are below their number");
            let id = *known.get_or_insert_with(|| {
                builder.series(&self.series_tags(*series).collect::<Vec<_>>())
            });
            builder.push_row(id, *time_ns, &[]);
        }
        let fields = self.fields.iter().map(|field| gather(field, &row_map));
        builder.batch.fields = fields.filter(|field| field.present_count() > 0).collect();
        builder.finish()
    }
}

/// The column with its rows renumbered; those without a new number are left out.
fn gather(field: &FieldColumn, row_map: &[Option<u32>]) -> FieldColumn {
    let mut kept = FieldColumn::new(&field.name, field.field_type());
    let ranks: Vec<usize> = field
        .presence
        .rows()
        .enumerate()
        .filter_map(|(rank, row)| {
            let row = row_map.get(row).certain("every row was looked at");
            kept.presence.push((*row)?);
            Some(rank)
        })
        .collect();
    kept.values = pick(&field.values, &ranks);
    kept
}

fn pick(values: &Values, ranks: &[usize]) -> Values {
    fn copied<T: Copy>(values: &[T], ranks: &[usize]) -> Vec<T> {
        ranks
            .iter()
            .map(|rank| *values.get(*rank).certain(RANKED))
            .collect()
    }
    match values {
        Values::Float(values) => Values::Float(copied(values, ranks)),
        Values::Integer(values) => Values::Integer(copied(values, ranks)),
        Values::Unsigned(values) => Values::Unsigned(copied(values, ranks)),
        Values::Boolean(values) => {
            let mut bits = Bits::default();
            ranks
                .iter()
                .map(|rank| values.get(*rank).certain(RANKED))
                .for_each(|bit| bits.push(bit));
            Values::Boolean(bits)
        }
        Values::String(values) => {
            let mut texts = Strings::default();
            let ids = ranks.iter().map(|rank| narrow::id(*rank));
            ids.map(|id| values.get(id).certain(RANKED))
                .for_each(|text| texts.push(text));
            Values::String(texts)
        }
    }
}
