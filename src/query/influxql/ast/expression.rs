//! Expressions: of fields, conditions, dimensions and arguments.

/// An expression of any place.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    /// A field, a tag, the time, or a column of a subquery.
    Reference(Reference),
    /// `*`, `*::field` or `*::tag`.
    Wildcard(Option<WildcardKind>),
    /// A regular expression: of names in a list of fields, of values after `=~`.
    Regex(Regex),
    /// A function of arguments.
    Call(Call),
    /// `DISTINCT name`, the same as `distinct(name)`.
    Distinct(String),
    /// A value.
    Literal(Literal),
    /// An expression in parentheses.
    Parenthesised(Box<Expression>),
    /// `-x` or `+x` of a reference, a call or parentheses, which is `-1 * x` or `1 * x`; a sign
    /// before a number is a part of the number.
    Signed {
        /// True for a minus.
        negative: bool,
        /// The operand after the sign.
        operand: Box<Expression>,
    },
    /// Two operands and an arithmetic or comparing operator; chains lean to the left.
    Binary {
        /// The operator.
        operator: Operator,
        /// The operand before it.
        left: Box<Expression>,
        /// The operand after it.
        right: Box<Expression>,
    },
    /// Two or more operands joined by one logical operator. None of them is itself a bare
    /// `Logical` of the same operator, so that a list of 10,000 alternatives is flat.
    Logical {
        /// The operator.
        operator: Logic,
        /// The operands in the order of the text.
        terms: Vec<Expression>,
    },
}

/// A name, with a cast or without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The name; `a.b.c` in the text is the one name `a.b.c`.
    pub name: String,
    /// The type after `::`.
    pub cast: Option<Cast>,
}

/// A type that is forced by `::`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cast {
    /// `::float`
    Float,
    /// `::integer`
    Integer,
    /// `::unsigned`
    Unsigned,
    /// `::string`
    String,
    /// `::boolean`
    Boolean,
    /// `::field`: any field, no tag.
    Field,
    /// `::tag`: a tag, no field.
    Tag,
}

/// The columns that a typed wildcard stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WildcardKind {
    /// `*::field`
    Field,
    /// `*::tag`
    Tag,
}

/// A regular expression in the syntax of RE2, without its slashes and with `\/` as `/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Regex(pub String);

/// A function and its arguments.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The name in lower case.
    pub name: String,
    /// The arguments in order.
    pub arguments: Vec<Expression>,
}

/// A value in the text, or one that was bound to a parameter.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// A number with a full stop.
    Float(f64),
    /// A whole number.
    Integer(i64),
    /// A whole number too large for `i64`.
    Unsigned(u64),
    /// A text in single quotes; a time where it stands beside `time`.
    String(String),
    /// `true` or `false`.
    Boolean(bool),
    /// Nanoseconds: `1h30m`.
    Duration(i64),
}

/// An operator that joins exactly two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Modulo,
    /// `&`
    BitAnd,
    /// `|`
    BitOr,
    /// `^`
    BitXor,
    /// `=`
    Equal,
    /// `!=` or `<>`
    NotEqual,
    /// `=~`; the right operand is a regular expression.
    Matches,
    /// `!~`; the right operand is a regular expression.
    MatchesNot,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// An operator that joins conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logic {
    /// `AND`
    And,
    /// `OR`
    Or,
}

impl Operator {
    /// Returns the operator as it is written.
    pub fn text(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Modulo => "%",
            Self::BitAnd => "&",
            Self::BitOr => "|",
            Self::BitXor => "^",
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Matches => "=~",
            Self::MatchesNot => "!~",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }

    /// Returns how tightly the operator binds: 5 for `*`, 4 for `+`, 3 for comparisons.
    pub fn precedence(self) -> u8 {
        match self {
            Self::Multiply | Self::Divide | Self::Modulo | Self::BitAnd => 5,
            Self::Add | Self::Subtract | Self::BitOr | Self::BitXor => 4,
            _ => 3,
        }
    }

    /// Returns true if the result of the operator is a condition.
    pub fn compares(self) -> bool {
        self.precedence() == 3
    }

    /// Returns true if the right operand must be a regular expression.
    pub fn takes_regex(self) -> bool {
        matches!(self, Self::Matches | Self::MatchesNot)
    }
}

impl Logic {
    /// Returns the operator as it is written.
    pub fn text(self) -> &'static str {
        match self {
            Self::And => "AND",
            Self::Or => "OR",
        }
    }

    /// Returns how tightly the operator binds: 2 for `AND`, 1 for `OR`.
    pub fn precedence(self) -> u8 {
        match self {
            Self::And => 2,
            Self::Or => 1,
        }
    }
}

impl Expression {
    /// Returns a reference without a cast.
    pub fn name(name: impl Into<String>) -> Self {
        Self::Reference(Reference {
            name: name.into(),
            cast: None,
        })
    }

    /// Returns the parts directly below this one, in the order of the text.
    pub fn children(&self) -> Vec<&Expression> {
        match self {
            Self::Call(call) => call.arguments.iter().collect(),
            Self::Parenthesised(inner) => vec![inner],
            Self::Signed { operand, .. } => vec![operand],
            Self::Binary { left, right, .. } => vec![left, right],
            Self::Logical { terms, .. } => terms.iter().collect(),
            Self::Reference(_)
            | Self::Wildcard(_)
            | Self::Regex(_)
            | Self::Distinct(_)
            | Self::Literal(_) => Vec::new(),
        }
    }

    /// Returns true if `test` holds for this part or one below it.
    pub fn any(&self, test: &dyn Fn(&Expression) -> bool) -> bool {
        test(self) || self.children().iter().any(|child| child.any(test))
    }
}
