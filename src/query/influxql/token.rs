//! Tokens and the words that are reserved.

use std::borrow::Cow;

/// One token of a text.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token<'a> {
    /// The kind of token.
    pub(super) kind: Kind,
    /// The value of a name, a string, a number; empty for what its kind tells.
    pub(super) text: Cow<'a, str>,
    /// The byte at which it starts.
    pub(super) start: usize,
    /// The byte after it.
    pub(super) end: usize,
    /// The place that an error about it names.
    pub(super) at: Place,
}

/// A place in the text, as bytes: lines and characters are counted only for an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The character at this byte.
    Byte(usize),
    /// The character before this byte, or the first one.
    Before(usize),
    /// The end of the text, or one character after it if a token has already run into the end.
    End {
        /// True if one more character is counted.
        passed: bool,
    },
}

/// The kind of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Illegal,
    End,
    Space,
    Comment,
    Identifier,
    Parameter,
    Number,
    Integer,
    Duration,
    String,
    BadString,
    BadEscape,
    Regex,
    BadRegex,
    Symbol(Symbol),
    Keyword(Keyword),
}

impl Kind {
    /// Returns the text of a token that has no value of its own.
    fn text(self) -> &'static str {
        match self {
            Self::Illegal => "ILLEGAL",
            Self::End => "EOF",
            Self::Space => "WS",
            Self::Identifier => "IDENT",
            Self::Number => "NUMBER",
            Self::Duration => "DURATIONVAL",
            Self::String => "STRING",
            Self::BadString => "BADSTRING",
            Self::BadEscape => "BADESCAPE",
            Self::Regex => "REGEX",
            Self::Comment | Self::Parameter | Self::Integer | Self::BadRegex => "",
            Self::Symbol(symbol) => symbol.text(),
            Self::Keyword(keyword) => keyword.text(),
        }
    }
}

impl Token<'_> {
    /// Returns the token as an error shows it.
    pub(super) fn shown(&self) -> &str {
        if self.text.is_empty() {
            self.kind.text()
        } else {
            &self.text
        }
    }

    /// Returns true if the token is this keyword.
    pub(super) fn is(&self, keyword: Keyword) -> bool {
        self.kind == Kind::Keyword(keyword)
    }

    /// Returns true if the token is this symbol.
    pub(super) fn is_symbol(&self, symbol: Symbol) -> bool {
        self.kind == Kind::Symbol(symbol)
    }
}

/// Defines an enum of words that are written as they are listed.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum $name { $($variant,)* }

        impl $name {
            /// All of them, in the order of their list.
            pub(super) const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Returns the word as errors show it.
            pub(super) fn text(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

words! {
    /// Punctuation and operators, longer ones before their beginnings.
    Symbol {
        DoubleColon = "::", Colon = ":", MatchesNot = "!~", NotEqual = "!=", Matches = "=~",
        Equal = "=", GreaterOrEqual = ">=", Greater = ">", LessOrEqual = "<=", NotEqualOld = "<>",
        Less = "<", Plus = "+", Minus = "-", Star = "*", Slash = "/", Percent = "%",
        Ampersand = "&", Pipe = "|", Caret = "^", ParenLeft = "(", ParenRight = ")", Comma = ",",
        Semicolon = ";", Dot = ".",
    }
}

words! {
    /// The reserved words, sorted.
    Keyword {
        All = "ALL", Alter = "ALTER", Analyze = "ANALYZE", And = "AND", Any = "ANY", As = "AS",
        Asc = "ASC", Begin = "BEGIN", By = "BY", Cardinality = "CARDINALITY",
        Continuous = "CONTINUOUS", Create = "CREATE", Database = "DATABASE",
        Databases = "DATABASES", Default = "DEFAULT", Delete = "DELETE", Desc = "DESC",
        Destinations = "DESTINATIONS", Diagnostics = "DIAGNOSTICS", Distinct = "DISTINCT",
        Drop = "DROP", Duration = "DURATION", End = "END", Every = "EVERY", Exact = "EXACT",
        Explain = "EXPLAIN", False = "FALSE", Field = "FIELD", For = "FOR", From = "FROM",
        Grant = "GRANT", Grants = "GRANTS", Group = "GROUP", Groups = "GROUPS", In = "IN",
        Inf = "INF", Insert = "INSERT", Into = "INTO", Key = "KEY", Keys = "KEYS", Kill = "KILL",
        Limit = "LIMIT", Measurement = "MEASUREMENT", Measurements = "MEASUREMENTS",
        Name = "NAME", Offset = "OFFSET", On = "ON", Or = "OR", Order = "ORDER",
        Password = "PASSWORD", Policies = "POLICIES", Policy = "POLICY",
        Privileges = "PRIVILEGES", Queries = "QUERIES", Query = "QUERY", Read = "READ",
        Replication = "REPLICATION", Resample = "RESAMPLE", Retention = "RETENTION",
        Revoke = "REVOKE", Select = "SELECT", Series = "SERIES", Set = "SET", Shard = "SHARD",
        Shards = "SHARDS", Show = "SHOW", Slimit = "SLIMIT", Soffset = "SOFFSET",
        Stats = "STATS", Subscription = "SUBSCRIPTION", Subscriptions = "SUBSCRIPTIONS",
        Tag = "TAG", To = "TO", True = "TRUE", User = "USER", Users = "USERS",
        Values = "VALUES", Where = "WHERE", With = "WITH", Write = "WRITE",
    }
}

impl Keyword {
    /// Returns the keyword that a word is, in any case of letters.
    pub(super) fn of(word: &str) -> Option<Self> {
        let upper = word.to_ascii_uppercase();
        let index = Self::ALL
            .binary_search_by(|keyword| keyword.text().cmp(&upper))
            .ok()?;
        Self::ALL.get(index).copied()
    }
}
