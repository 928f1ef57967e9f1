//! The analysed query, apart from its functions and its conditions.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono_tz::Tz;

use super::super::ast::{Fill, Operator};
use super::super::validate::TimeRange;
use super::super::value::{Value, ValueType};
use super::schema::{Kind, Origin};
use super::{AnalysisError, Call, Condition, RowTime};

/// A SELECT in which every name has a meaning.
#[derive(Clone, Debug, PartialEq)]
pub struct Analysed {
    /// What is read: one entry per measurement or subquery, in the order of FROM. A measurement
    /// that stands there twice is there twice. Those that have nothing the query asks for are left
    /// out.
    pub sources: Vec<Source>,
    /// The times that are asked for, intersected with those of the queries around this one. With
    /// windows the end is at most the time of the request, unless the text has one.
    pub range: TimeRange,
    /// The zone of `tz(…)`, which is the one of the windows and of the printed times.
    pub zone: Option<Tz>,
    /// The windows of GROUP BY time(…), own or of the query around this one.
    pub window: Option<Window>,
    /// The tags of GROUP BY that are written in this query, sorted, each once.
    pub dimensions: Arc<[Arc<str>]>,
    /// The tags by which rows are grouped: the dimensions and those of the queries around this one,
    /// sorted, each once. A tag that a point does not have is "" here.
    pub tags: Arc<[Arc<str>]>,
    /// What stands in windows without points. A subquery with functions has no rows there by
    /// default.
    pub fill: Fill,
    /// Whether the newest rows come first.
    pub descending: bool,
    /// Rows per series; 0 for all.
    pub limit: u64,
    /// Rows left out at the start of each series.
    pub offset: u64,
    /// SLIMIT as it was written; what applies is [`MeasurementSource::cut`].
    pub(super) series_limit: u64,
    /// SOFFSET as it was written.
    pub(super) series_offset: u64,
    /// The fields and tags that are used, each once per kind of use.
    pub inputs: Vec<Input>,
    /// The functions that the columns use, each once.
    pub calls: Vec<Call>,
    /// The name of the first column, which has the times.
    pub time_name: String,
    /// The columns after the time.
    pub columns: Vec<Column>,
    /// Why the query cannot be computed: a function that does not take the type of its argument,
    /// here or in a subquery. It is no error where the queries around it do not read it.
    pub(super) refusal: Option<AnalysisError>,
}

/// The windows that rows are combined in: from `floor((t - offset) / interval)` in the time of the
/// zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The length, in nanoseconds; more than 0.
    pub interval_ns: i64,
    /// The start of the window that starts latest before the epoch or at it, shifted to be at least
    /// 0 and less than the length.
    pub offset_ns: i64,
    /// The zone; `None` for UTC.
    pub zone: Option<Tz>,
}

/// What is read.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// The points of a measurement.
    Measurement(MeasurementSource),
    /// The rows of a subquery.
    Subquery(Box<SubquerySource>),
}

/// A measurement and what is asked of its points.
#[derive(Clone, Debug, PartialEq)]
pub struct MeasurementSource {
    /// The database and the retention policy.
    pub origin: Origin,
    /// The measurement.
    pub name: Arc<str>,
    /// What a point must be like, apart from its time.
    pub condition: Condition,
    /// What each of the [inputs](Analysed::inputs) is here, in their order; `None` for null.
    pub reads: Vec<Option<Read>>,
    /// Which series are read; `None` for all.
    pub cut: Option<SeriesCut>,
}

/// A subquery and what is asked of its rows.
///
/// Every row of it is a row, even if all of its inputs are null, and whatever its time: the start of
/// a window may be before the [range](Analysed::range). Rows of a subquery with
/// functions and without windows come series by series, in the order of its tags, those of others in
/// the order of their times, series by series where times are equal; so does 1.x, and it matters to
/// queries without functions.
#[derive(Clone, Debug, PartialEq)]
pub struct SubquerySource {
    /// The subquery.
    pub query: Analysed,
    /// What a row must be like.
    pub condition: Condition,
    /// What each of the [inputs](Analysed::inputs) is here, in their order; `None` for null.
    pub reads: Vec<Option<Read>>,
}

/// A part of the series of a measurement: those that the tags in its condition leave are grouped by
/// tags, sorted by [`SeriesCut::key`], and counted, whatever times they have points at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesCut {
    /// The tags by which series are grouped: those of the outermost query.
    pub tags: Arc<[Arc<str>]>,
    /// How many groups are read; 0 for all.
    pub limit: u64,
    /// How many groups are left out at the start.
    pub offset: u64,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Read {
    /// A field of a measurement.
    Field {
        /// The field.
        name: Arc<str>,
        /// The type that it is stored with.
        stored: ValueType,
        /// The type that it is read as: the same, or both are numbers. Floats are cut off.
        read_as: ValueType,
    },
    /// A tag of a measurement, null if the point does not have it.
    Tag {
        /// The key of the tag.
        key: Arc<str>,
    },
    /// A column of a subquery.
    Column {
        /// Its index among [the columns](Analysed::columns), without the time.
        index: usize,
        /// The type that it is read as, as for fields.
        read_as: ValueType,
    },
    /// A tag by which the rows of a subquery are grouped. It is never null: "" if the point does
    /// not have the tag, or if the rows are not grouped by it.
    Group {
        /// The key of the tag.
        key: Arc<str>,
    },
}

/// A field or tag that is used.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// The name in the text.
    pub name: Arc<str>,
    /// What it is; `None` for what is nowhere, which is always null.
    pub kind: Option<InputKind>,
    /// Whether it is selected as it is, alone, in arithmetic or beside a selector; else it is what
    /// a function is computed from.
    ///
    /// In a query without functions a point of a measurement has a row if at least one of its
    /// plain inputs that are fields is not null.
    pub is_plain: bool,
}

/// What an input is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputKind {
    /// A field of this type, also where a measurement has it with another one.
    Field(ValueType),
    /// A tag, which is a text.
    Tag,
}

/// A column of the answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// The name, which another column may have too.
    pub name: String,
    /// How the values are computed.
    pub formula: Formula,
    /// The type of the values; `None` if all are null.
    pub value_type: Option<ValueType>,
    /// The name by which queries around this one know the column.
    pub(super) reference: String,
    /// The type that queries around this one see.
    pub(super) kind: Option<Kind>,
    /// Whether the column is a tag of `top` or `bottom`, which wildcards do not see.
    pub(super) is_argument: bool,
}

/// An expression over inputs and functions. Where an operand is null, so is the result.
#[derive(Clone, Debug, PartialEq)]
pub enum Formula {
    /// Always null.
    Null,
    /// The input with this index; beside a selector, the one of the chosen point.
    Input(usize),
    /// The result of the call with this index.
    Call(usize),
    /// A value.
    Literal(Value),
    /// A function of numbers; one of the result types of [`MathFunction::result`].
    Math {
        /// The function.
        function: MathFunction,
        /// Its arguments.
        arguments: Vec<Formula>,
    },
    /// Two operands joined by arithmetic; integers divide to a float (contract 11.11).
    Binary {
        /// The operator; never a comparing one.
        operator: Operator,
        /// The operand before it.
        left: Box<Formula>,
        /// The operand after it.
        right: Box<Formula>,
    },
}

/// A mathematical function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it all")]
pub enum MathFunction {
    Abs,
    Acos,
    Asin,
    Atan,
    Atan2,
    Ceil,
    Cos,
    Exp,
    Floor,
    Ln,
    /// The logarithm to the base of the second argument.
    Log,
    Log2,
    Log10,
    /// The first argument to the power of the second.
    Pow,
    Round,
    Sin,
    Sqrt,
    Tan,
}

impl MathFunction {
    /// Returns the function of a name in lower case.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "abs" => Self::Abs,
            "acos" => Self::Acos,
            "asin" => Self::Asin,
            "atan" => Self::Atan,
            "atan2" => Self::Atan2,
            "ceil" => Self::Ceil,
            "cos" => Self::Cos,
            "exp" => Self::Exp,
            "floor" => Self::Floor,
            "ln" => Self::Ln,
            "log" => Self::Log,
            "log2" => Self::Log2,
            "log10" => Self::Log10,
            "pow" => Self::Pow,
            "round" => Self::Round,
            "sin" => Self::Sin,
            "sqrt" => Self::Sqrt,
            "tan" => Self::Tan,
            _ => return None,
        })
    }

    /// Returns the type of the result for a first argument that is a number of this type.
    pub fn result(self, first: ValueType) -> ValueType {
        match self {
            Self::Abs | Self::Ceil | Self::Floor | Self::Round => first,
            _ => ValueType::Float,
        }
    }
}

impl Analysed {
    /// Returns true if the answer has no rows, whatever is stored.
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty() || self.columns.is_empty()
    }

    /// Returns the times of the rows of a call.
    pub fn row_time(&self, call: &Call) -> RowTime {
        call.row_time(self.window.is_some(), self.calls.len() == 1)
    }

    /// Returns the names of the measurements that are read, here and in subqueries, sorted. They are the
    /// names of the series.
    pub fn measurements(&self) -> BTreeSet<Arc<str>> {
        let names = self.sources.iter().map(|source| match source {
            Source::Measurement(source) => BTreeSet::from([Arc::clone(&source.name)]),
            Source::Subquery(source) => source.query.measurements(),
        });
        names.flatten().collect()
    }

    /// Returns the query over one of its measurements, of which no series needs another one.
    #[must_use]
    pub fn of_measurement(&self, name: &str) -> Self {
        let sources = self.sources.iter().filter_map(|source| match source {
            Source::Measurement(source) if *source.name == *name => {
                Some(Source::Measurement(source.clone()))
            }
            Source::Measurement(_) => None,
            Source::Subquery(source) => {
                let query = source.query.of_measurement(name);
                let (condition, reads) = (source.condition.clone(), source.reads.clone());
                (!query.sources.is_empty()).then(|| {
                    Source::Subquery(Box::new(SubquerySource {
                        query,
                        condition,
                        reads,
                    }))
                })
            }
        });
        Self {
            sources: sources.collect(),
            range: self.range,
            zone: self.zone,
            window: self.window,
            dimensions: Arc::clone(&self.dimensions),
            tags: Arc::clone(&self.tags),
            fill: self.fill,
            descending: self.descending,
            limit: self.limit,
            offset: self.offset,
            series_limit: self.series_limit,
            series_offset: self.series_offset,
            inputs: self.inputs.clone(),
            calls: self.calls.clone(),
            time_name: self.time_name.clone(),
            columns: self.columns.clone(),
            refusal: self.refusal.clone(),
        }
    }

    /// Passes on to the subqueries what the queries around them want: the tags of their groups, and
    /// how many series are read.
    pub(super) fn settle(&mut self, outer_tags: &[Arc<str>], outer: &SeriesCut) {
        let mut tags: Vec<_> = self.tags.iter().chain(outer_tags).cloned().collect();
        tags.sort();
        tags.dedup();
        self.tags = tags.into();
        let cut = SeriesCut {
            tags: Arc::clone(&outer.tags),
            limit: outer.limit.saturating_add(self.series_limit),
            offset: outer.offset.saturating_add(self.series_offset),
        };
        for source in &mut self.sources {
            match source {
                Source::Measurement(source) if cut.limit > 0 || cut.offset > 0 => {
                    source.cut = Some(cut.clone());
                }
                Source::Measurement(_) => {}
                Source::Subquery(source) => source.query.settle(&self.tags, &cut),
            }
        }
    }
}

impl SeriesCut {
    /// Returns the text by which 1.x sorts groups before it counts them: the keys of the tags that
    /// are there, and then their values. `values` are in the order of the tags, "" for a missing one.
    pub fn key<'a>(&self, values: impl IntoIterator<Item = &'a str>) -> String {
        let pairs = self.tags.iter().map(|key| &**key).zip(values);
        let present = pairs.filter(|(_, value)| !value.is_empty());
        let (mut keys, values): (Vec<_>, Vec<_>) = present.unzip();
        keys.extend(values);
        keys.join("|")
    }
}

impl InputKind {
    /// Returns the type of the values.
    pub fn value_type(self) -> ValueType {
        match self {
            Self::Field(value_type) => value_type,
            Self::Tag => ValueType::String,
        }
    }
}
