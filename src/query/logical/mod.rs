//! Plans as they are said: what has to be said in other words before DataFusion plans how they run.
//!
//! Each file is a kind of statement of which the engine would make wrong rows, or more work than it needs
//! (`newest`, `rules`), or which nothing would bound (`grouping_sets`, `collected`, `literals`).

pub(crate) mod collected;
pub(crate) mod computed_keys;
pub(crate) mod computed_sides;
pub(crate) mod correlated;
pub(crate) mod each_expression;
pub(crate) mod equal_columns;
pub(crate) mod grouping_sets;
pub(crate) mod instants;
pub(crate) mod kept_above;
pub(crate) mod lists;
pub(crate) mod literals;
pub(crate) mod misread;
pub(crate) mod newest;
pub(crate) mod parameters;
pub(crate) mod quantified;
pub(crate) mod ranges;
pub(crate) mod recursive;
pub(crate) mod rowless;
pub(crate) mod rules;
pub(crate) mod sort_keys;
