//! SELECT to text.

use std::fmt::{self, Display, Formatter};

use super::super::ast::{
    Explain, Field, Fill, FillValue, Literal, Measurement, MeasurementName, Order, Select, Source,
};
use super::{List, Name, Text, count, list, optional};

impl Display for Select {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(out, "SELECT {}", List(&self.fields))?;
        optional(out, "INTO", self.target.as_ref())?;
        list(out, "FROM", &self.sources)?;
        optional(out, "WHERE", self.condition.as_ref())?;
        list(out, "GROUP BY", &self.dimensions)?;
        write!(out, "{}", self.fill)?;
        optional(out, "ORDER BY time", self.order)?;
        count(out, "LIMIT", self.limit)?;
        count(out, "OFFSET", self.offset)?;
        count(out, "SLIMIT", self.series_limit)?;
        count(out, "SOFFSET", self.series_offset)?;
        self.zone
            .as_ref()
            .map_or(Ok(()), |zone| write!(out, " tz({})", Text(zone)))
    }
}

impl Display for Field {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.expression)?;
        optional(out, "AS", self.alias.as_deref().map(Name))
    }
}

impl Display for Order {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Ascending => "ASC",
            Self::Descending => "DESC",
        })
    }
}

/// The clause with a space before it, or nothing for null.
impl Display for Fill {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => Ok(()),
            Self::None => out.write_str(" fill(none)"),
            Self::Previous => out.write_str(" fill(previous)"),
            Self::Linear => out.write_str(" fill(linear)"),
            Self::Value(FillValue::Integer(value)) => write!(out, " fill({value})"),
            Self::Value(FillValue::Float(value)) => {
                write!(out, " fill({})", Literal::Float(*value))
            }
        }
    }
}

impl Display for Source {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Measurement(measurement) => write!(out, "{measurement}"),
            Self::Subquery(select) => write!(out, "({select})"),
        }
    }
}

impl Display for Measurement {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        if let Some(database) = &self.database {
            write!(out, "{}.", Name(database))?;
        }
        match &self.retention_policy {
            Some(policy) => write!(out, "{}.", Name(policy))?,
            None if self.database.is_some() => out.write_str(".")?,
            None => {}
        }
        match &self.name {
            MeasurementName::Name(name) => write!(out, "{}", Name(name)),
            MeasurementName::Regex(regex) => write!(out, "{regex}"),
            MeasurementName::OfSource => out.write_str(":MEASUREMENT"),
        }
    }
}

impl Display for Explain {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "EXPLAIN {}{}",
            if self.analyze { "ANALYZE " } else { "" },
            self.select
        )
    }
}
