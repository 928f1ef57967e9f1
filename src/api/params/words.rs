//! Parameters that take one of a few words.

use super::error::{ParamError, echo};

/// The words that an endpoint accepts for a value, each with its meaning, and their list in errors.
pub(super) struct Words<T: 'static> {
    pub(super) meanings: &'static [(&'static str, T)],
    pub(super) told: &'static str,
}

/// A yes or a no.
pub(super) const YES_OR_NO: Words<bool> = Words {
    meanings: &[("true", true), ("false", false)],
    told: "`true` or `false`",
};

impl<T: Copy> Words<T> {
    /// Returns the meaning of a value.
    pub(super) fn read(&self, value: &str, fields: &'static str) -> Result<T, ParamError> {
        let meaning = self.meanings.iter().find(|(word, _)| *word == value);
        meaning
            .map(|(_, meaning)| *meaning)
            .ok_or_else(|| ParamError::UnknownVariant {
                fields,
                found: echo(value),
                expected: self.told,
            })
    }
}
