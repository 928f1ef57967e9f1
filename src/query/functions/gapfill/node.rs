//! The node of a logical plan that adds the missing rows to those of an aggregate.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use arrow_schema::{Field, Schema};
use datafusion::common::{DFSchema, DFSchemaRef, internal_datafusion_err};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, Extension, LogicalPlan, UserDefinedLogicalNodeCore};

use super::bins::Bins;
use super::calls::Fill;

/// The columns of the rows on both sides of the node: first those of the groups, one of which is the
/// bin; then the others.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Layout {
    /// The place of the bin, which is less than `groups`.
    pub bin: usize,
    /// How many columns make a group, the bin included.
    pub groups: usize,
    /// How each column after those of the groups is filled.
    pub fills: Vec<Fill>,
}

/// The node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct GapFill {
    pub input: LogicalPlan,
    pub layout: Layout,
    /// None before the question's parameters have values.
    pub bins: Option<Bins>,
    schema: DFSchemaRef,
}

impl GapFill {
    /// Puts the node above rows.
    ///
    /// # Errors
    /// The rows have other columns.
    pub(super) fn new(input: LogicalPlan, layout: Layout, bins: Option<Bins>) -> Result<Self> {
        let below = input.schema();
        if below.fields().len() != layout.groups + layout.fills.len() {
            return Err(internal_datafusion_err!(
                "gaps are filled in other columns: {below}"
            ));
        }
        let fields = below.iter().enumerate().map(|(place, (relation, field))| {
            let is_nullable = field.is_nullable() || place >= layout.groups;
            let field = Field::clone(field).with_nullable(is_nullable);
            (relation.cloned(), Arc::new(field))
        });
        let schema = DFSchema::new_with_metadata(fields.collect(), below.metadata().clone())?;
        Ok(Self {
            schema: Arc::new(schema),
            input,
            layout,
            bins,
        })
    }

    /// The node as a plan.
    pub(super) fn plan(self) -> LogicalPlan {
        LogicalPlan::Extension(Extension {
            node: Arc::new(self),
        })
    }

    /// The node that a plan is, if it is one.
    pub(super) fn of(plan: &LogicalPlan) -> Option<&Self> {
        match plan {
            LogicalPlan::Extension(extension) => extension.node.as_any().downcast_ref(),
            _ => None,
        }
    }
}

impl PartialOrd for GapFill {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (self == other).then_some(Ordering::Equal)
    }
}

impl UserDefinedLogicalNodeCore for GapFill {
    fn name(&self) -> &'static str {
        "GapFill"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    /// A filter on a tag may go below: it takes whole groups away.
    fn prevent_predicate_push_down_columns(&self) -> HashSet<String> {
        let fields = self.schema.fields().iter().enumerate();
        let is_filled = |place: usize| place == self.layout.bin || place >= self.layout.groups;
        fields
            .filter(|(place, _)| is_filled(*place))
            .map(|(_, field)| field.name().clone())
            .collect()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "GapFill: {}",
            self.layout.describe(self.schema.as_arrow())
        )?;
        match &self.bins {
            Some(bins) => write!(f, ", {bins}"),
            None => Ok(()),
        }
    }

    fn with_exprs_and_inputs(&self, _exprs: Vec<Expr>, inputs: Vec<LogicalPlan>) -> Result<Self> {
        let mut inputs = inputs.into_iter();
        match (inputs.next(), inputs.next()) {
            (Some(input), None) => Self::new(input, self.layout.clone(), self.bins.clone()),
            _ => Err(internal_datafusion_err!("gaps are filled in one input")),
        }
    }
}

impl Layout {
    /// The bin and the filled columns by their names in a schema.
    pub(super) fn describe(&self, schema: &Schema) -> String {
        let names: Vec<&String> = schema.fields().iter().map(|field| field.name()).collect();
        let name = |place: usize| names.get(place).map_or("?", |name| name.as_str());
        let fills = self.fills.iter().enumerate();
        let filled = fills
            .filter(|(_, fill)| **fill != Fill::Null)
            .map(|(place, _)| name(place + self.groups));
        let filled: Vec<&str> = filled.collect();
        format!("bin={}, filled=[{}]", name(self.bin), filled.join(", "))
    }
}
