//! Facts that a text does not contain: the values of its parameters, and which regular expressions
//! and time zones exist.

use std::collections::{HashMap, HashSet};

use super::duration::format_duration;
use super::lexer;
use super::token::{Keyword, Kind, Symbol};

/// The surroundings of a parser.
#[derive(Clone)]
pub struct Environment {
    /// The values of `$name`, by name without the dollar.
    pub parameters: HashMap<String, Binding>,
    /// Says whether a regular expression is one, or why not.
    pub check_regex: fn(&str) -> Result<(), String>,
    /// Says whether there is a time zone of this name.
    pub knows_zone: fn(&str) -> bool,
}

impl Default for Environment {
    /// Returns an environment without parameters, in which the regular expressions of RE2 and all
    /// zones are accepted.
    fn default() -> Self {
        Self {
            parameters: HashMap::new(),
            check_regex: super::regex::check,
            knows_zone: |_| true,
        }
    }
}

impl Environment {
    /// Returns the environment of a request: with these parameters, and with the zones that there are.
    pub fn of_request(parameters: HashMap<String, Binding>) -> Self {
        Self {
            parameters,
            knows_zone: |zone| super::analysis::find_zone(zone).is_some(),
            ..Self::default()
        }
    }
}

/// Returns the names of the parameters of a text without their dollars, each once, as they first stand
/// there. The text may be wrong: it is not parsed, which takes the values of its parameters.
pub fn parameters(text: &str) -> Vec<String> {
    let (mut names, mut known) = (Vec::new(), HashSet::new());
    let (mut offset, mut follows_operand) = (0, false);
    loop {
        let (token, _) = lexer::read(text, offset);
        // A slash that follows no operand begins a regular expression, in which a dollar is the end.
        let (token, _) = match token.is_symbol(Symbol::Slash) && !follows_operand {
            true => lexer::read_regex(text, offset),
            false => (token, false),
        };
        offset = token.end;
        match token.kind {
            Kind::End => return names,
            Kind::Space | Kind::Comment => continue,
            Kind::Parameter => {
                let name = token.text.strip_prefix('$').unwrap_or_default();
                if !name.is_empty() && known.insert(name.to_owned()) {
                    names.push(name.to_owned());
                }
            }
            _ => {}
        }
        follows_operand = matches!(
            token.kind,
            Kind::Identifier
                | Kind::Parameter
                | Kind::Number
                | Kind::Integer
                | Kind::Duration
                | Kind::String
                | Kind::Symbol(Symbol::ParenRight)
        );
    }
}

/// The value of a parameter. It may stand wherever a token of its kind may.
#[derive(Clone, Debug, PartialEq)]
pub enum Binding {
    /// A name.
    Identifier(String),
    /// A string literal.
    String(String),
    /// A regular expression, without slashes.
    Regex(String),
    /// A number literal.
    Float(f64),
    /// An integer literal.
    Integer(i64),
    /// `true` or `false`.
    Boolean(bool),
    /// A duration literal as it would be written.
    Duration(String),
    /// No value, and why; an error where the parameter is used.
    Invalid(String),
}

impl Binding {
    /// Returns a duration of this many nanoseconds.
    pub fn duration_ns(duration_ns: i64) -> Self {
        Self::Duration(format_duration(duration_ns))
    }

    /// Returns the value of the object `{kind: value}`, where `value` is what the plain value in
    /// it would be bound to.
    pub fn of_object(kind: &str, value: Self) -> Self {
        let invalid = |text: &str| Self::Invalid(text.to_owned());
        match (kind, value) {
            ("ident" | "identifier", Self::String(text)) => Self::Identifier(text),
            ("ident" | "identifier", _) => invalid("identifier must be a string value"),
            ("regex", Self::String(text)) => Self::Regex(text),
            ("regex", _) => invalid("regex literal must be a string value"),
            ("string", Self::String(text)) => Self::String(text),
            ("string", _) => invalid("string literal must be a string value"),
            ("float" | "number", Self::Float(value)) => Self::Float(value),
            ("float" | "number", Self::Integer(value)) => Self::Float(approximate(value)),
            ("float" | "number", _) => invalid("number literal must be a float value"),
            ("int" | "integer", Self::Integer(value)) => Self::Integer(value),
            ("int" | "integer", _) => invalid("integer literal must be an integer value"),
            ("duration", Self::String(text)) => Self::Duration(text),
            ("duration", Self::Integer(value)) => Self::duration_ns(value),
            ("duration", _) => invalid("duration literal must be a string or integer value"),
            (kind, _) => Self::Invalid(format!("unknown bind object type: {kind}")),
        }
    }

    /// Returns the value of an object that has not exactly one entry.
    pub fn of_wrong_object() -> Self {
        Self::Invalid("bound object parameter value must have exactly one entry".to_owned())
    }

    /// Returns the length of the text that the value is read as.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Identifier(text)
            | Self::String(text)
            | Self::Regex(text)
            | Self::Duration(text)
            | Self::Invalid(text) => text.len(),
            Self::Float(_) | Self::Integer(_) | Self::Boolean(_) => 0,
        }
    }

    /// Returns the token that stands for the parameter.
    pub(super) fn token(&self) -> (Kind, String) {
        match self {
            Self::Identifier(text) => (Kind::Identifier, text.clone()),
            Self::String(text) => (Kind::String, text.clone()),
            Self::Regex(text) => (Kind::Regex, text.clone()),
            Self::Float(value) => (Kind::Number, value.to_string()),
            Self::Integer(value) => (Kind::Integer, value.to_string()),
            Self::Boolean(true) => (Kind::Keyword(Keyword::True), String::new()),
            Self::Boolean(false) => (Kind::Keyword(Keyword::False), String::new()),
            Self::Duration(text) => (Kind::Duration, text.clone()),
            Self::Invalid(reason) => (Kind::Parameter, reason.clone()),
        }
    }
}

/// Returns the float nearest to an integer.
#[allow(
    clippy::cast_precision_loss,
    reason = "a number of JSON, which has floats only"
)]
fn approximate(value: i64) -> f64 {
    value as f64
}
