//! What follows FROM: regular expressions become measurements, subqueries are analysed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::ast::{Expression, MeasurementName, Select, Source as Written};
use super::super::value::ValueType;
use super::condition::{self, Condition};
use super::model::{Analysed, Input, InputKind, MeasurementSource, Read, Source, SubquerySource};
use super::pattern::Pattern;
use super::schema::{Kind, Origin, readable};
use super::times::Outer;
use super::{Analysis, AnalysisError, Call};

/// One source whose names are known.
pub(super) enum Resolved {
    Measurement(Table),
    Subquery(Box<Analysed>),
}

/// A measurement and what its points may have.
pub(super) struct Table {
    pub(super) origin: Origin,
    pub(super) name: Arc<str>,
    pub(super) tags: BTreeSet<Arc<str>>,
    pub(super) fields: BTreeMap<Arc<str>, ValueType>,
}

/// All names of fields and tags, as wildcards see them.
#[derive(Default)]
pub(super) struct Names {
    /// The types of the fields; `None` for columns that are always null.
    pub(super) fields: BTreeMap<Arc<str>, Option<Kind>>,
    pub(super) tags: BTreeSet<Arc<str>>,
}

/// Finds the sources of a SELECT.
pub(super) fn resolve(
    analysis: &Analysis<'_>,
    select: &Select,
    outer: &Outer,
) -> Result<Vec<Resolved>, AnalysisError> {
    let mut resolved = Vec::new();
    for source in &select.sources {
        match source {
            Written::Subquery(subquery) => {
                let analysed = analysis.select(subquery, Some(outer))?;
                resolved.push(Resolved::Subquery(Box::new(analysed)));
            }
            Written::Measurement(measurement) => {
                let origin = Origin::of(measurement);
                let names = names_of(analysis, &origin, &measurement.name)?;
                analysis.count_sources(names.len())?;
                for name in names {
                    if let Some(table) = table(analysis, &origin, name)? {
                        resolved.push(Resolved::Measurement(table));
                    }
                }
            }
        }
    }
    Ok(resolved)
}

fn names_of(
    analysis: &Analysis<'_>,
    origin: &Origin,
    name: &MeasurementName,
) -> Result<Vec<Arc<str>>, AnalysisError> {
    match name {
        MeasurementName::Name(name) => Ok(vec![Arc::from(name.as_str())]),
        MeasurementName::Regex(regex) => {
            let pattern = Pattern::new(regex)?;
            let mut names = analysis.schema.measurements(origin)?;
            names.retain(|name| pattern.is_match(name));
            names.sort();
            Ok(names)
        }
        MeasurementName::OfSource => Ok(Vec::new()),
    }
}

/// Returns a measurement, if it has fields.
fn table(
    analysis: &Analysis<'_>,
    origin: &Origin,
    name: Arc<str>,
) -> Result<Option<Table>, AnalysisError> {
    let fields: BTreeMap<_, _> = analysis.schema.fields(origin, &name)?.into_iter().collect();
    if fields.is_empty() {
        return Ok(None);
    }
    let tags = analysis.schema.tags(origin, &name)?.into_iter().collect();
    Ok(Some(Table {
        origin: origin.clone(),
        name,
        tags,
        fields,
    }))
}

/// Returns the type of a name in all sources: the first of the types in the order of [`Kind`].
pub(super) fn kind_of(sources: &[Resolved], name: &str) -> Option<Kind> {
    sources.iter().filter_map(|source| source.kind(name)).min()
}

/// Returns all names that wildcards stand for.
pub(super) fn names(sources: &[Resolved]) -> Names {
    let mut names = Names::default();
    for source in sources {
        match source {
            Resolved::Measurement(table) => {
                names.tags.extend(table.tags.iter().cloned());
                for (name, value_type) in &table.fields {
                    names.add(name, Some(Kind::from(*value_type)));
                }
            }
            Resolved::Subquery(query) => {
                names.tags.extend(query.dimensions.iter().cloned());
                for column in query.columns.iter().filter(|column| !column.is_argument) {
                    names.add(&Arc::from(column.reference.as_str()), column.kind);
                }
            }
        }
    }
    names
}

/// The sources of a query, ready to be read.
#[derive(Default)]
pub(super) struct Bound {
    pub(super) sources: Vec<Source>,
    /// Whether there is anything that a function can be computed from, if the condition holds.
    pub(super) reads: bool,
    /// Why a subquery cannot be computed.
    pub(super) refusal: Option<AnalysisError>,
}

/// Gives the sources their conditions, and drops those that cannot have a row.
pub(super) fn bind(
    sources: Vec<Resolved>,
    inputs: &[Input],
    calls: &[Call],
    predicate: Option<&Expression>,
) -> Result<Bound, AnalysisError> {
    let resolving = condition::Resolving::new(&sources);
    let conditions = sources
        .iter()
        .map(|source| resolving.of(predicate, source))
        .collect::<Result<Vec<_>, _>>()?;
    let mut bound = Bound::default();
    for (source, condition) in sources.into_iter().zip(conditions) {
        let reads: Vec<_> = inputs.iter().map(|input| source.read(input)).collect();
        if !has_rows(&source, inputs, &reads, calls) {
            continue;
        }
        bound.reads = true;
        if let (Resolved::Subquery(query), None) = (&source, &bound.refusal) {
            bound.refusal.clone_from(&query.refusal);
        }
        if condition != Condition::Constant(false) {
            bound.sources.push(source.bound(reads, condition));
        }
    }
    Ok(bound)
}

/// Returns true if a source may have what the query asks for.
fn has_rows(source: &Resolved, inputs: &[Input], reads: &[Option<Read>], calls: &[Call]) -> bool {
    if !calls.is_empty() {
        let mut read = calls.iter().map(|call| reads.get(call.input()));
        return read.any(|read| matches!(read, Some(Some(_))));
    }
    match source {
        Resolved::Measurement(_) => reads
            .iter()
            .any(|read| matches!(read, Some(Read::Field { .. }))),
        Resolved::Subquery(query) => {
            let has_rows = !query.is_empty() || query.refusal.is_some();
            has_rows && inputs.iter().any(|input| input.kind.is_some())
        }
    }
}

impl Names {
    fn add(&mut self, name: &Arc<str>, kind: Option<Kind>) {
        let known = self.fields.entry(Arc::clone(name)).or_insert(kind);
        *known = match (*known, kind) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }
}

impl Resolved {
    /// Returns the type of a name here.
    fn kind(&self, name: &str) -> Option<Kind> {
        match self {
            Self::Measurement(table) => match table.fields.get(name) {
                Some(value_type) => Some(Kind::from(*value_type)),
                None => table.tags.contains(name).then_some(Kind::Tag),
            },
            Self::Subquery(query) => {
                let column = query.columns.iter().find(|column| column.reference == name);
                let of_column = column.and_then(|column| column.kind);
                of_column.or_else(|| query.has_dimension(name).then_some(Kind::Tag))
            }
        }
    }

    /// Returns what an input is read from here; `None` for null.
    pub(super) fn read(&self, input: &Input) -> Option<Read> {
        let kind = input.kind?;
        let wanted = kind.value_type();
        match self {
            Self::Measurement(table) => match kind {
                InputKind::Field(_) => table.field(&input.name, wanted),
                // A function of a tag has no points.
                InputKind::Tag if input.is_plain && table.tags.contains(&input.name) => {
                    Some(Read::Tag {
                        key: Arc::clone(&input.name),
                    })
                }
                InputKind::Tag => None,
            },
            Self::Subquery(query) => {
                let mut columns = query.columns.iter();
                if let Some(index) = columns.position(|column| column.reference == *input.name) {
                    return query.column(index, wanted);
                }
                let is_group = wanted == ValueType::String && query.has_dimension(&input.name);
                is_group.then(|| Read::Group {
                    key: Arc::clone(&input.name),
                })
            }
        }
    }

    fn bound(self, reads: Vec<Option<Read>>, condition: Condition) -> Source {
        match self {
            Self::Measurement(table) => Source::Measurement(MeasurementSource {
                origin: table.origin,
                name: table.name,
                condition,
                reads,
                cut: None,
            }),
            Self::Subquery(query) => Source::Subquery(Box::new(SubquerySource {
                query: *query,
                condition,
                reads,
            })),
        }
    }
}

impl Table {
    /// Returns how a field is read as a type.
    pub(super) fn field(&self, name: &str, wanted: ValueType) -> Option<Read> {
        let (name, stored) = self.fields.get_key_value(name)?;
        Some(Read::Field {
            name: Arc::clone(name),
            stored: *stored,
            read_as: readable(*stored, wanted)?,
        })
    }
}

impl Analysed {
    fn has_dimension(&self, name: &str) -> bool {
        self.dimensions.iter().any(|tag| **tag == *name)
    }

    /// Returns how a column is read as a type.
    pub(super) fn column(&self, index: usize, wanted: ValueType) -> Option<Read> {
        let stored = self.columns.get(index)?.value_type?;
        let read_as = readable(stored, wanted)?;
        Some(Read::Column { index, read_as })
    }
}
