//! A database that cannot list its tables.

use std::sync::Arc;

use futures_core::future::BoxFuture;
use futures_util::{FutureExt, future};

use super::ask::of;
use super::limits;
use super::points::{Point, Points};
use crate::{Database, DatabaseError, QueryEngine, QueryError, Table};

#[derive(Debug)]
struct Nameless(Arc<Points>);

impl Database for Nameless {
    fn tables(&self) -> BoxFuture<'_, Result<Vec<String>, DatabaseError>> {
        let cause = std::io::Error::other("the list is not there");
        future::err(DatabaseError::Unreachable(Arc::new(cause))).boxed()
    }

    fn table<'a>(
        &'a self,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Option<Arc<dyn Table>>, DatabaseError>> {
        self.0.table(name)
    }
}

/// From a review: what was wrong with the question was told as that.
#[tokio::test]
async fn a_mistake_is_told_though_the_tables_cannot_be_listed() {
    let points = of([Point::new("m", &[], 1, &[("v", 1.0)])]);
    let database = Arc::new(Nameless(points)) as Arc<dyn Database>;
    let engine = QueryEngine::new(limits()).expect("an engine");
    for (text, names) in [("SELECT nope FROM m", "nope"), ("SELECT * FROM n", "n")] {
        let error = engine.sql(Arc::clone(&database), text).await;
        let error = error.expect_err("it is wrong");
        assert!(matches!(error, QueryError::Invalid(_)), "{error:?}");
        assert!(error.to_string().contains(names), "{error}");
    }
    let listing = "SELECT * FROM information_schema.tables";
    let error = engine.sql(database, listing).await;
    let error = error.expect_err("it cannot be listed");
    assert!(
        matches!(error, QueryError::Database(DatabaseError::Unreachable(_))),
        "{error:?}"
    );
}
