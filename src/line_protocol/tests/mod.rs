//! The proof: InfluxData's corpus, our own table of cases, and properties of any input.

mod corpus;
