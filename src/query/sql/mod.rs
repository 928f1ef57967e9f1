//! The text of a question in SQL, to the one statement that it is.
//!
//! ```text
//! text > numbered placeholders > parsed, in the right order of its parts > one statement, or a refusal
//! ```
//!
//! What the parser reads and then passes over is refused by its name here, and who writes another
//! dialect gets a hint.

pub(crate) mod branches;
pub(crate) mod casts;
pub(crate) mod describe;
pub(crate) mod dialects;
pub(crate) mod exact;
pub(crate) mod hints;
pub(crate) mod orders;
pub(crate) mod own;
pub(crate) mod placeholders;
pub(crate) mod precedence;
pub(crate) mod statement;
pub(crate) mod unread;
