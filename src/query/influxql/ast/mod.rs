//! The tree of a query.
//!
//! A tree says what the text says and nothing more: names are not resolved, wildcards not expanded,
//! times not evaluated. Trees compare by value, and [`Display`](std::fmt::Display) prints a text
//! that parses to the same tree.

mod administration;
mod expression;
mod select;
mod show;
mod statement;

pub use administration::{
    Administration, ContinuousQuery, CreateUser, Destinations, Grant, Privilege, Subscription,
};
pub use expression::{
    Call, Cast, Expression, Literal, Logic, Operator, Reference, Regex, WildcardKind,
};
pub use select::{
    Explain, Field, Fill, FillValue, Measurement, MeasurementName, Order, Select, Source,
};
pub use show::{
    Cardinality, CardinalityOf, Page, Scope, Show, ShowFieldKeys, ShowMeasurements, ShowSeries,
    ShowTagKeys, ShowTagValues, TagKeyFilter, Wildcarded,
};
pub use statement::{
    AlterRetentionPolicy, CreateDatabase, CreateRetentionPolicy, Deletion, Policy, Query, Statement,
};
