//! Arrow Flight on the port of everything else: the service as a route of its own, behind the door
//! that asks for a token. It has no row in the table of routes, which are HTTP's.

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::post_service;
use futures_util::TryStreamExt;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tonic_web::GrpcWebLayer;
use tower::ServiceBuilder;

use super::layers::{Door, Refusals};
use crate::api::AppState;
use crate::api::asker::asker;
use crate::api::error::{ApiError, Code};
use crate::api::influxql::{Names, Session, Tabled, one};
use crate::auth::{AuthLayer, Forms};
use crate::body::{BodyError, Limits, arriving};
use crate::catalog::Bucket;
use crate::flight::{
    Asking, Asks, Bindings, Compression, GrpcBody, Holding, Presence, QueryError, Question, Rows,
    Starting, Waiter, broken_message, service, slow_sender,
};

/// The paths of the service's methods.
pub(super) const PATTERN: &str = "/arrow.flight.protocol.FlightService/{method}";

/// The beginning of the content types of gRPC-Web.
const WEB: &str = "application/grpc-web";

/// The beginning of the paths whose errors have the form of gRPC.
pub(super) const PATHS: &str = "/arrow.flight.protocol.FlightService/";

/// Adds the service to the routes. Its calls end as a stop no longer waits for them (`cut`).
pub(super) fn mount(
    router: Router<AppState>,
    app: &AppState,
    cut: CancellationToken,
) -> Router<AppState> {
    let refusals = Refusals::default();
    // A stream of rows is no request like others, and one call asks as much as many.
    let door = Door::new(app, &refusals, Forms::Header, false).without_rate();
    let limits = app.body_limits();
    let compression = match app.config().query.grpc_gzip {
        true => Compression::Gzip,
        false => Compression::Off,
    };
    let service = ServiceBuilder::new()
        .map_request(move |request: Request<Body>| request.map(|body| in_time(body, &limits)))
        .service(service(Program(app.clone()), cut, compression));
    let service = post_service(service);
    let service = service.route_layer(AuthLayer::new(door));
    let service = match app.config().query.grpc_web {
        // Outside of the door, whose refusals are gRPC too.
        true => service.route_layer(
            ServiceBuilder::new()
                .layer(GrpcWebLayer::new())
                .map_request(|request: Request<GrpcBody>| request.map(Body::new)),
        ),
        false => service.route_layer(from_fn(without_web)),
    };
    router.route(PATTERN, service)
}

/// A body whose messages arrive as fast as other bodies must (contract section 6). What gRPC-Web
/// cannot decode is broken by then.
fn in_time(body: Body, limits: &Limits) -> Body {
    let data = arriving(body, limits).map_err(|error| match error {
        BodyError::Broken => broken_message(format!(
            "{error} ({WEB}-text: it must be base64 with its padding)"
        )),
        error => slow_sender(error.to_string()),
    });
    Body::from_stream(data)
}

/// Refuses gRPC-Web where it is off, in its own form. Taken for gRPC, it would have an answer without
/// a status: over HTTP/1.1 a page reads no trailers.
async fn without_web(request: Request<Body>, next: Next) -> Response {
    let kind = request.headers().get(CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.as_bytes().get(..WEB.len()));
    if !kind.is_some_and(|kind| kind.eq_ignore_ascii_case(WEB.as_bytes())) {
        return next.run(request).await;
    }
    let text = "gRPC-Web is off: set query.grpc_web = true, and name the origin of the page in \
                server.cors_origins";
    let mut refused = ApiError::new(Code::NotImplemented, text).into_response();
    let kind = HeaderValue::from_static("application/grpc-web+proto");
    refused.headers_mut().insert(CONTENT_TYPE, kind);
    refused
}

/// The program, as the service asks it.
#[derive(Debug)]
struct Program(AppState);

#[async_trait]
impl Asks for Program {
    type Bucket = Arc<Bucket>;

    fn threads(&self) -> Handle {
        let engine = self.0.engine();
        engine.map_or_else(Handle::current, |engine| engine.queries.threads())
    }

    fn memory(&self) -> Option<Holding> {
        let engine = self.0.engine()?;
        Some(engine.queries.holding())
    }

    fn bucket(&self, name: &str) -> Result<Option<Arc<Bucket>>, Starting> {
        let engine = self.0.engine().ok_or(Starting)?;
        Ok(engine.catalog.bucket_named(name))
    }

    async fn ask(&self, bucket: &Arc<Bucket>, asking: Asking<'_>) -> Result<Question, QueryError> {
        let Asking {
            sender,
            protocol,
            text,
            ..
        } = asking;
        let asker = asker(sender, &bucket.name, protocol.as_str(), Presence::default());
        let engine = self.0.engine().ok_or_else(starting)?;
        engine.queries.ask(bucket, text, asker).await
    }

    async fn influxql(
        &self,
        database: &str,
        asking: Asking<'_>,
        values: Bindings,
    ) -> Result<Rows, QueryError> {
        let protocol = asking.protocol.as_str();
        let session = Session::new(&self.0, asking.sender, Names::Buckets, protocol);
        let session = session.map_err(|_| starting())?;
        let waiter = Waiter::default();
        let session = session
            .within(Some(database.to_owned()), None)
            .attended(waiter.presence())
            .wanting(asking.columns_only);
        let statement = one(asking.text, values)?;
        let Tabled {
            schema,
            batches,
            told,
        } = session.table(&statement).await?;
        Ok(Rows {
            schema,
            batches,
            told,
            waiter,
        })
    }

    async fn sql(&self, bucket: &Arc<Bucket>, text: &str) -> Result<Question, QueryError> {
        let engine = self.0.engine().ok_or_else(starting)?;
        engine.queries.sql(bucket, text).await
    }
}

fn starting() -> QueryError {
    QueryError::Internal("a bucket was found before the engine".to_owned())
}
