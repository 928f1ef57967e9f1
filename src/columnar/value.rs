//! The types a field may have, and a single value on its way in or out.

/// The five types of line protocol. The order and the codes are part of the log's format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FieldType {
    /// A double.
    Float,
    /// A signed 64-bit integer.
    Integer,
    /// An unsigned 64-bit integer.
    Unsigned,
    /// True or false.
    Boolean,
    /// UTF-8 text.
    String,
}

impl FieldType {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Float,
        Self::Integer,
        Self::Unsigned,
        Self::Boolean,
        Self::String,
    ];

    /// The word used in messages: `float`, `integer`, `unsigned`, `boolean`, `string`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Float => "float",
            Self::Integer => "integer",
            Self::Unsigned => "unsigned",
            Self::Boolean => "boolean",
            Self::String => "string",
        }
    }

    /// The code that stands for this type on disk.
    pub fn code(self) -> u8 {
        match self {
            Self::Float => 0,
            Self::Integer => 1,
            Self::Unsigned => 2,
            Self::Boolean => 3,
            Self::String => 4,
        }
    }

    /// The type that a code on disk stands for.
    pub fn from_code(code: u8) -> Option<Self> {
        let mut types = Self::ALL.into_iter();
        types.find(|field_type| field_type.code() == code)
    }
}

impl std::fmt::Display for FieldType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One field's value, borrowed from the text it was parsed from or from a column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FieldValue<'a> {
    /// A double; never NaN or infinite when it comes from line protocol.
    Float(f64),
    /// A signed 64-bit integer.
    Integer(i64),
    /// An unsigned 64-bit integer.
    Unsigned(u64),
    /// True or false.
    Boolean(bool),
    /// Text, unescaped.
    String(&'a str),
}

impl FieldValue<'_> {
    /// The type of this value.
    pub fn field_type(&self) -> FieldType {
        match self {
            Self::Float(_) => FieldType::Float,
            Self::Integer(_) => FieldType::Integer,
            Self::Unsigned(_) => FieldType::Unsigned,
            Self::Boolean(_) => FieldType::Boolean,
            Self::String(_) => FieldType::String,
        }
    }
}
