//! Reading the log: frame by frame ([`reader`]), as a start does ([`chain`], [`replay`]), and in
//! whatever state it is ([`inspect`]).
//!
//! Nothing here changes the data folder, and nothing here knows how frames are written.

pub(super) mod chain;
pub(super) mod inspect;
pub(super) mod reader;
pub(super) mod replay;
