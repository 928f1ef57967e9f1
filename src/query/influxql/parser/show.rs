//! SHOW in all its forms.

use super::super::ast::{
    CardinalityOf, Regex, Show, ShowFieldKeys, ShowMeasurements, ShowSeries, ShowTagKeys,
    ShowTagValues, TagKeyFilter, Wildcarded,
};
use super::super::token::{Keyword, Kind, Symbol};
use super::{Parsed, Parser};

impl Parser<'_> {
    /// The rest of a statement after SHOW.
    pub(super) fn show(&mut self) -> Parsed<Show> {
        let token = self.cursor.next();
        let Kind::Keyword(keyword) = token.kind else {
            return Err(self.cursor.unexpected(&token, SHOWN));
        };
        match keyword {
            Keyword::Continuous => {
                self.cursor.expect(Keyword::Queries)?;
                Ok(Show::ContinuousQueries)
            }
            Keyword::Databases => Ok(Show::Databases),
            Keyword::Diagnostics => self.module().map(Show::Diagnostics),
            Keyword::Field => self.show_field(),
            Keyword::Grants => {
                self.cursor.expect(Keyword::For)?;
                self.identifier().map(Show::Grants)
            }
            Keyword::Measurement => self.show_measurement(),
            Keyword::Measurements => self.show_measurements().map(Show::Measurements),
            Keyword::Queries => Ok(Show::Queries),
            Keyword::Retention => {
                self.cursor.expect(Keyword::Policies)?;
                self.optional_identifier(Keyword::On)
                    .map(Show::RetentionPolicies)
            }
            Keyword::Series => self.show_series(),
            Keyword::Shard => {
                self.cursor.expect(Keyword::Groups)?;
                Ok(Show::ShardGroups)
            }
            Keyword::Shards => Ok(Show::Shards),
            Keyword::Stats => self.module().map(Show::Stats),
            Keyword::Subscriptions => Ok(Show::Subscriptions),
            Keyword::Tag => self.show_tag(),
            Keyword::Users => Ok(Show::Users),
            _ => Err(self.cursor.unexpected(&token, SHOWN)),
        }
    }

    /// [FOR 'module']
    fn module(&mut self) -> Parsed<Option<String>> {
        if self.cursor.accept(Keyword::For) {
            self.string().map(Some)
        } else {
            Ok(None)
        }
    }

    /// FIELD KEYS … or FIELD KEY [EXACT] CARDINALITY …
    fn show_field(&mut self) -> Parsed<Show> {
        let token = self.cursor.next();
        match token.kind {
            Kind::Keyword(Keyword::Key) => self.cardinality_of_key(CardinalityOf::FieldKeys),
            Kind::Keyword(Keyword::Keys) => {
                let (database, sources) = self.on_and_from()?;
                let scope = super::super::ast::Scope {
                    database,
                    sources,
                    condition: None,
                };
                Ok(Show::FieldKeys(ShowFieldKeys {
                    scope,
                    page: self.page()?,
                }))
            }
            _ => Err(self.cursor.unexpected(&token, &["KEY", "KEYS"])),
        }
    }

    /// MEASUREMENT [EXACT] CARDINALITY …
    fn show_measurement(&mut self) -> Parsed<Show> {
        self.cardinality_of_key(CardinalityOf::Measurements)
    }

    /// MEASUREMENTS [ON database[.policy]] [WITH MEASUREMENT = name] …
    fn show_measurements(&mut self) -> Parsed<ShowMeasurements> {
        let mut database = None;
        let mut retention_policy = None;
        if self.cursor.accept(Keyword::On) {
            database = Some(self.wildcarded(&["identifier"])?);
            if self.cursor.accept_symbol(Symbol::Dot) {
                retention_policy = Some(self.wildcarded(&["identifier or *"])?);
            }
        }
        let with = if self.cursor.accept(Keyword::With) {
            self.cursor.expect(Keyword::Measurement)?;
            let token = self.cursor.next();
            if !token.is_symbol(Symbol::Equal) && !token.is_symbol(Symbol::Matches) {
                return Err(self.cursor.unexpected(&token, &["=", "=~"]));
            }
            Some(self.measurement()?)
        } else {
            None
        };
        let condition = self.condition()?;
        Ok(ShowMeasurements {
            database,
            retention_policy,
            with,
            condition,
            page: self.page()?,
        })
    }

    /// name | *
    fn wildcarded(&mut self, expected: &[&'static str]) -> Parsed<Wildcarded> {
        let token = self.cursor.next();
        match token.kind {
            Kind::Identifier => Ok(Wildcarded::Name(token.text.into_owned())),
            Kind::Symbol(Symbol::Star) => Ok(Wildcarded::All),
            _ => Err(self.cursor.unexpected(&token, expected)),
        }
    }

    /// SERIES … or SERIES [EXACT] CARDINALITY …; 1.x reads past EXACT alone.
    fn show_series(&mut self) -> Parsed<Show> {
        let exact = self.cursor.accept(Keyword::Exact);
        if self.cursor.accept(Keyword::Cardinality) {
            return self.cardinality(CardinalityOf::Series, exact);
        }
        Ok(Show::Series(ShowSeries {
            scope: self.scope()?,
            page: self.page()?,
        }))
    }

    /// TAG KEYS …, TAG VALUES … and their cardinalities
    fn show_tag(&mut self) -> Parsed<Show> {
        let token = self.cursor.next();
        match token.kind {
            Kind::Keyword(Keyword::Key) => self.cardinality_of_key(CardinalityOf::TagKeys),
            Kind::Keyword(Keyword::Keys) => self.show_tag_keys().map(Show::TagKeys),
            Kind::Keyword(Keyword::Values) => self.show_tag_values(),
            _ => Err(self.cursor.unexpected(&token, &["KEY", "KEYS", "VALUES"])),
        }
    }

    fn show_tag_keys(&mut self) -> Parsed<ShowTagKeys> {
        let (database, sources) = self.on_and_from()?;
        let token = self.cursor.next();
        self.cursor.back(&token);
        let keys = if token.is(Keyword::With) {
            Some(self.tag_keys()?)
        } else {
            None
        };
        let condition = self.condition()?;
        Ok(ShowTagKeys {
            scope: super::super::ast::Scope {
                database,
                sources,
                condition,
            },
            keys,
            page: self.page()?,
            series_limit: self.count_after(Keyword::Slimit)?,
            series_offset: self.count_after(Keyword::Soffset)?,
        })
    }

    fn show_tag_values(&mut self) -> Parsed<Show> {
        if self.cursor.accept(Keyword::Exact) {
            self.cursor.expect(Keyword::Cardinality)?;
            return self.tag_values_cardinality(true);
        }
        if self.cursor.accept(Keyword::Cardinality) {
            return self.tag_values_cardinality(false);
        }
        let (database, sources) = self.on_and_from()?;
        let keys = self.tag_keys()?;
        let condition = self.condition()?;
        let scope = super::super::ast::Scope {
            database,
            sources,
            condition,
        };
        Ok(Show::TagValues(ShowTagValues {
            scope,
            keys,
            page: self.page()?,
        }))
    }

    /// WITH KEY = key | != key | =~ regex | !~ regex | IN (key, …)
    pub(super) fn tag_keys(&mut self) -> Parsed<TagKeyFilter> {
        self.cursor.expect(Keyword::With)?;
        self.cursor.expect(Keyword::Key)?;
        let token = self.cursor.next();
        match token.kind {
            Kind::Keyword(Keyword::In) => {
                self.cursor.expect_symbol(Symbol::ParenLeft)?;
                let keys = self.identifiers()?;
                self.cursor.expect_symbol(Symbol::ParenRight)?;
                Ok(TagKeyFilter::In(keys))
            }
            Kind::Symbol(Symbol::Equal) => self.identifier().map(TagKeyFilter::Equal),
            Kind::Symbol(Symbol::NotEqual) => self.identifier().map(TagKeyFilter::NotEqual),
            Kind::Symbol(Symbol::Matches) => self.key_regex().map(TagKeyFilter::Matches),
            Kind::Symbol(Symbol::MatchesNot) => self.key_regex().map(TagKeyFilter::MatchesNot),
            _ => Err(self.cursor.unexpected(&token, &["IN", "=", "=~"])),
        }
    }

    fn key_regex(&mut self) -> Parsed<Regex> {
        match self.cursor.accept_regex()? {
            Some(regex) => Ok(Regex(regex)),
            None => {
                let token = self.cursor.next();
                Err(self.cursor.unexpected(&token, &["regex"]))
            }
        }
    }
}

/// The words that may follow SHOW, in the order of 1.x.
const SHOWN: &[&str] = &[
    "CONTINUOUS",
    "DATABASES",
    "DIAGNOSTICS",
    "FIELD",
    "GRANTS",
    "MEASUREMENT",
    "MEASUREMENTS",
    "QUERIES",
    "RETENTION",
    "SERIES",
    "SHARD",
    "SHARDS",
    "STATS",
    "SUBSCRIPTIONS",
    "TAG",
    "USERS",
];
