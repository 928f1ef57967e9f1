//! Fields: each for itself, and all of them together.

use super::super::ast::{Call, Expression, Fill, Reference, Select};
use super::ValidateError;
use super::fold::{Folded, Folding};
use super::functions::{self, Kind, check_arguments, check_count, integer, is_math, refused};

/// The windows that the fields are computed in.
#[derive(Clone, Copy)]
pub(super) struct Windows {
    /// True if there are any.
    pub(super) any: bool,
    /// True if they are those of an outer query.
    pub(super) inherited: bool,
    /// True in a subquery, where the default fill is none.
    pub(super) inner: bool,
}

/// The results of the checks of the fields.
#[derive(Default)]
pub(super) struct Found {
    pub(super) functions: usize,
    pub(super) only_selectors: bool,
    pub(super) has_plain_fields: bool,
    pub(super) time_alias: Option<String>,
    has_distinct: bool,
    top_bottom: Option<String>,
    fields: usize,
}

/// Checks the fields of a statement.
pub(super) fn check(select: &Select, windows: Windows) -> Result<Found, ValidateError> {
    let mut checking = Checking {
        select,
        windows,
        found: Found {
            only_selectors: true,
            ..Found::default()
        },
        wildcards: true,
    };
    let folding = Folding {
        math: true,
        ..Folding::default()
    };
    for field in &select.fields {
        if let Expression::Reference(Reference { name, .. }) = &field.expression
            && name == "time"
        {
            if field.alias.is_some() {
                checking.found.time_alias.clone_from(&field.alias);
            }
            continue;
        }
        checking.found.fields += 1;
        checking.wildcards = true;
        match folding.fold(&field.expression) {
            Folded::Tree(tree) => checking.field(&tree)?,
            Folded::Value(_) => {
                return fields("field must contain at least one variable");
            }
        }
    }
    checking.together()?;
    Ok(checking.found)
}

fn fields<T>(text: &str) -> Result<T, ValidateError> {
    Err(ValidateError::Fields(text.to_owned()))
}

struct Checking<'a> {
    select: &'a Select,
    windows: Windows,
    found: Found,
    /// True where a wildcard may stand: not beside an operator.
    wildcards: bool,
}

impl Checking<'_> {
    fn field(&mut self, expression: &Expression) -> Result<(), ValidateError> {
        match expression {
            Expression::Reference(_) => self.plain_field(),
            Expression::Wildcard(_) if self.wildcards => self.plain_field(),
            Expression::Wildcard(_) => fields("unable to use wildcard in a binary expression"),
            Expression::Regex(_) if self.wildcards => self.plain_field(),
            Expression::Regex(_) => fields("unable to use regex in a binary expression"),
            Expression::Call(call) => self.call(call),
            Expression::Distinct(_) => {
                self.found.functions += 1;
                self.distinct(None, false)
            }
            Expression::Parenthesised(inner) => self.field(inner),
            Expression::Signed { operand, .. } if is_literal(operand) => fields(TWO_LITERALS),
            Expression::Signed { operand, .. } => {
                self.wildcards = false;
                self.field(operand)
            }
            Expression::Binary { left, right, .. } => {
                self.wildcards = false;
                match (is_literal(left), is_literal(right)) {
                    (true, true) => fields(TWO_LITERALS),
                    (true, false) => self.field(right),
                    (false, true) => self.field(left),
                    (false, false) => {
                        self.field(left)?;
                        self.field(right)
                    }
                }
            }
            Expression::Logical { terms, .. } => terms.iter().try_for_each(|term| self.field(term)),
            Expression::Literal(_) => fields("field must contain at least one variable"),
        }
    }

    fn plain_field(&mut self) -> Result<(), ValidateError> {
        self.found.has_plain_fields = true;
        Ok(())
    }

    fn call(&mut self, call: &Call) -> Result<(), ValidateError> {
        if let Some(expected) = is_math(&call.name) {
            check_count(call, expected)?;
            let variables = call
                .arguments
                .iter()
                .filter(|argument| !is_literal(argument));
            return variables
                .into_iter()
                .try_for_each(|argument| self.field(argument));
        }
        self.found.functions += 1;
        let Some(kind) = functions::kind(&call.name) else {
            return refused(format!("undefined function {}()", call.name));
        };
        match kind {
            Kind::Distinct => return self.distinct(Some(call), false),
            Kind::TopBottom => return self.top_bottom(call),
            Kind::Selector | Kind::SelectorWithArgument => {}
            Kind::Aggregate
            | Kind::Count
            | Kind::Transformation
            | Kind::Integral
            | Kind::Forecast => self.found.only_selectors = false,
        }
        check_arguments(call)?;
        let Some(first) = call.arguments.first() else {
            return Ok(());
        };
        match (kind, first) {
            (Kind::Count, Expression::Call(inner)) if inner.name == "distinct" => {
                self.distinct(Some(inner), true)
            }
            (Kind::Count, Expression::Distinct(_)) => self.distinct(None, true),
            (Kind::Transformation, first) => self.transformed(&call.name, first),
            (Kind::Forecast, first) => self.forecast(&call.name, first),
            _ => self.argument(&call.name, first),
        }
    }

    /// Checks the argument of a transformation: a function within windows, or else a field.
    fn transformed(&mut self, name: &str, first: &Expression) -> Result<(), ValidateError> {
        let Expression::Call(inner) = first else {
            if self.windows.any && !self.windows.inherited {
                let text = format!("aggregate function required inside the call to {name}");
                return refused(text);
            }
            return self.argument(name, first);
        };
        if !self.windows.any {
            return refused(format!("{name} aggregate requires a GROUP BY interval"));
        }
        self.nested(inner)
    }

    fn forecast(&mut self, name: &str, first: &Expression) -> Result<(), ValidateError> {
        let Expression::Call(inner) = first else {
            return refused(format!("must use aggregate function with {name}"));
        };
        if !self.windows.any {
            return refused(format!("{name} aggregate requires a GROUP BY interval"));
        }
        self.nested(inner)
    }

    /// A function within a function.
    fn nested(&mut self, inner: &Call) -> Result<(), ValidateError> {
        if inner.name == "distinct" {
            self.distinct(Some(inner), true)
        } else {
            self.call(inner)
        }
    }

    /// The first argument of a function: a field, or a wildcard that stands for several.
    fn argument(&mut self, name: &str, argument: &Expression) -> Result<(), ValidateError> {
        let (found, wildcards) = (&mut self.found, self.wildcards);
        match argument {
            Expression::Reference(_) => Ok(()),
            Expression::Wildcard(_) if !wildcards => {
                refused(format!("unsupported expression with wildcard: {name}()"))
            }
            Expression::Regex(_) if !wildcards => {
                refused(format!("unsupported expression with regex field: {name}()"))
            }
            Expression::Wildcard(_) | Expression::Regex(_) => {
                found.only_selectors = false;
                Ok(())
            }
            _ => refused(format!("expected field argument in {name}()")),
        }
    }

    /// `distinct(…)`, or `DISTINCT name` if there is no call.
    fn distinct(&mut self, call: Option<&Call>, nested: bool) -> Result<(), ValidateError> {
        match call.map(|call| call.arguments.as_slice()) {
            None | Some([Expression::Reference(_)]) => {}
            Some([]) => {
                return refused("distinct function requires at least one argument".to_owned());
            }
            Some([_]) => return refused("expected field argument in distinct()".to_owned()),
            Some(_) => {
                return refused("distinct function can only have one argument".to_owned());
            }
        }
        self.found.has_distinct |= !nested;
        self.found.only_selectors = false;
        Ok(())
    }

    fn top_bottom(&mut self, call: &Call) -> Result<(), ValidateError> {
        let name = &call.name;
        if let Some(other) = &self.found.top_bottom {
            return alone(other);
        }
        let [first, tags @ .., last] = call.arguments.as_slice() else {
            let got = call.arguments.len();
            return refused(format!(
                "invalid number of arguments for {name}, expected at least 2, got {got}"
            ));
        };
        let Some(points) = integer(call, call.arguments.len() - 1) else {
            return refused(format!(
                "expected integer as last argument in {name}(), found {last}"
            ));
        };
        let limit = self.select.limit;
        if points <= 0 {
            return refused(format!(
                "limit ({points}) in {name} function must be at least 1"
            ));
        }
        if limit > 0 && points.unsigned_abs() > limit {
            return refused(format!(
                "limit ({points}) in {name} function can not be larger than the LIMIT ({limit}) \
                 in the select statement"
            ));
        }
        if !matches!(first, Expression::Reference(_)) {
            return refused(format!(
                "expected first argument to be a field in {name}(), found {first}"
            ));
        }
        for tag in tags {
            if !matches!(tag, Expression::Reference(_)) {
                let text = format!("only fields or tags are allowed in {name}(), found {tag}");
                return refused(text);
            }
            // Each of them becomes a column, unless the rows are written.
            self.found.has_plain_fields |= self.select.target.is_none();
        }
        self.found.top_bottom = Some(name.clone());
        Ok(())
    }

    /// Checks whether the fields go together.
    fn together(&self) -> Result<(), ValidateError> {
        let (found, windows) = (&self.found, self.windows);
        if found.fields == 0 {
            return fields("at least 1 non-time field must be queried");
        }
        if let Some(name) = found.top_bottom.as_ref().filter(|_| found.functions > 1) {
            return alone(name);
        }
        if found.functions == 0 {
            // In a subquery with windows of its own no fill is the same as fill(none).
            let own = windows.any && !windows.inherited;
            match self.select.fill {
                Fill::None => return fields("fill(none) must be used with a function"),
                Fill::Null if windows.inner && own => {
                    return fields("fill(none) must be used with a function");
                }
                Fill::Linear => return fields("fill(linear) must be used with a function"),
                _ if own => return fields("GROUP BY requires at least one aggregate function"),
                _ => {}
            }
        }
        if found.has_distinct && (found.functions != 1 || found.has_plain_fields) {
            return fields(
                "aggregate function distinct() cannot be combined with other functions or fields",
            );
        }
        if found.has_plain_fields && !found.only_selectors {
            return fields("mixing aggregate and non-aggregate queries is not supported");
        }
        if found.has_plain_fields && found.functions > 1 {
            return fields(
                "mixing multiple selector functions with tags or fields is not supported",
            );
        }
        Ok(())
    }
}

fn alone<T>(name: &str) -> Result<T, ValidateError> {
    fields(&format!(
        "selector function {name}() cannot be combined with other functions"
    ))
}

const TWO_LITERALS: &str = "cannot perform a binary expression on two literals";

/// Returns true if an expression is a value, to which 1.x counts regular expressions.
fn is_literal(expression: &Expression) -> bool {
    matches!(expression, Expression::Literal(_) | Expression::Regex(_))
}
