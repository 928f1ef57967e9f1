//! Opening the engine: the data folder, the catalog, the log. It takes as long as the log is long
//! and runs on a thread of its own, while the server already answers that it is starting.

use std::io;

use thiserror::Error;
use tokio::sync::oneshot;

use crate::api::{App, Engine};
use crate::catalog::{Catalog, CatalogError, Secret};
use crate::config::Config;
use crate::ingest::Ingest;
use crate::read::Reader;

/// What is done with the operator token that the very first start makes up: it is shown once.
pub type OnOperatorToken = Box<dyn FnOnce(&Secret) + Send>;

/// Why the engine was not opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// Buckets and tokens.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// No thread to open it on.
    #[error("no thread for opening the data folder: {0}")]
    Thread(#[source] io::Error),
    /// The thread ended without a word.
    #[error("opening the data folder was cut off by a fault of ours, see the log")]
    Lost,
}

/// Opens the engine and makes the application ready.
pub(super) async fn open(app: App, on_operator_token: OnOperatorToken) -> Result<(), OpenError> {
    let (tx, rx) = oneshot::channel();
    let opening = app.clone();
    let thread = std::thread::Builder::new().name("open".to_owned());
    let open = move || {
        // Nobody listens any more if the server was stopped meanwhile.
        let _ = tx.send(engine(&opening, on_operator_token));
    };
    thread.spawn(open).map_err(OpenError::Thread)?;
    let engine = rx.await.map_err(|_| OpenError::Lost)??;
    app.set_ready(engine);
    tracing::info!("ready");
    Ok(())
}

fn engine(app: &App, on_operator_token: OnOperatorToken) -> Result<Engine, OpenError> {
    let config: &Config = app.config();
    let catalog = Catalog::default();
    let chosen = config.init_token.as_ref().map(crate::config::InitToken::secret);
    if let Some(secret) = catalog.ensure_operator(chosen)? {
        on_operator_token(&secret);
    }
    Ok(Engine { ingest: Ingest { catalog: catalog.clone() }, catalog, reader: Reader })
}
