//! The authorities whose certificates are trusted.

/// The certificates that are trusted if the address is `https`.
#[derive(Clone, Debug, Default)]
pub enum Roots {
    /// Those of the system.
    #[default]
    System,
    /// Those in this PEM text, and no others.
    Pem(Vec<u8>),
}
