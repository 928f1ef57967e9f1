//! SELECT and what it reads from.

use super::{Expression, Regex};

/// A SELECT statement or a subquery.
#[derive(Clone, Debug, PartialEq)]
pub struct Select {
    /// The columns; at least one.
    pub fields: Vec<Field>,
    /// The measurement after INTO.
    pub target: Option<Measurement>,
    /// The sources after FROM; at least one.
    pub sources: Vec<Source>,
    /// The expression after WHERE.
    pub condition: Option<Expression>,
    /// The expressions after GROUP BY: `time(…)`, tags, `*`, regular expressions.
    pub dimensions: Vec<Expression>,
    /// The values of windows without points.
    pub fill: Fill,
    /// The order of the rows, if it was written; else the oldest come first.
    pub order: Option<Order>,
    /// Rows per series; 0 for all.
    pub limit: u64,
    /// Rows left out at the start of each series.
    pub offset: u64,
    /// Series; 0 for all.
    pub series_limit: u64,
    /// Series left out at the start.
    pub series_offset: u64,
    /// The name within `tz('…')`.
    pub zone: Option<String>,
}

/// An order of rows by their time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The oldest rows come first.
    Ascending,
    /// The newest rows come first.
    Descending,
}

/// One entry of the list of fields.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// The expression that is selected.
    pub expression: Expression,
    /// The name after AS; never empty.
    pub alias: Option<String>,
}

/// The value of a window without points.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Fill {
    /// Null; the same whether written or not.
    #[default]
    Null,
    /// No row.
    None,
    /// The value before.
    Previous,
    /// A value on the line between the neighbours.
    Linear,
    /// This number.
    Value(FillValue),
}

/// The number of `fill(number)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FillValue {
    /// A whole number.
    Integer(i64),
    /// A number with a full stop.
    Float(f64),
}

/// One entry of FROM.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// Measurements by name or by regular expression.
    Measurement(Measurement),
    /// A subquery in parentheses.
    Subquery(Box<Select>),
}

/// A measurement in any of its forms: `m`, `rp.m`, `db.rp.m`, `db..m`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measurement {
    /// The database; `None` for the one of the request.
    pub database: Option<String>,
    /// The retention policy; `None` for the default one.
    pub retention_policy: Option<String>,
    /// The last part.
    pub name: MeasurementName,
}

/// The last part of a measurement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MeasurementName {
    /// A name.
    Name(String),
    /// All measurements whose names match.
    Regex(Regex),
    /// `:MEASUREMENT` after INTO: the name of the source.
    OfSource,
}

impl Select {
    /// Returns true if the newest rows come first.
    pub fn is_descending(&self) -> bool {
        self.order == Some(Order::Descending)
    }
}

/// EXPLAIN of a SELECT.
#[derive(Clone, Debug, PartialEq)]
pub struct Explain {
    /// True if the query is run and measured.
    pub analyze: bool,
    /// The query.
    pub select: Box<Select>,
}
