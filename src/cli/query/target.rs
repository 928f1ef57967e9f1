//! The place where an answer goes, and how it is written there.

use std::io::{self, IsTerminal as _};
use std::mem;
use std::path::{Path, PathBuf};

use arrow_schema::ArrowError;

use super::asker::{Answer, Rows};
use super::cells::{zoned, zoned_schema};
use super::documents::Documents;
use super::format::Format;
use super::parts::{Parts, Shown};
use super::series::Tables;
use super::waiting::Waiting;
use crate::cli::CliError;
use crate::cli::files::{Outlet, Unfinished};
use crate::cli::output::remark;
use crate::cli::terminal;
use crate::narrow;
use crate::render::{self, RenderError, renderer, slices};

/// The place where an answer goes.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// The format there.
    pub(super) format: Format,
    /// The file; standard output if there is none.
    pub(super) file: Option<PathBuf>,
    /// The most rows of a table; all of them if there is none.
    pub(super) rows_max: Option<u64>,
    /// True for what is asked at a prompt, where flags come too late.
    pub(super) is_at_prompt: bool,
}

/// A function that says that writing has failed.
type Failed<'a> = &'a (dyn Fn(io::Error) -> CliError + Sync);

impl Target {
    /// Writes an answer to its end. A file with the wanted name is always whole.
    pub(super) async fn write(
        &self,
        answer: &mut Answer,
        waiting: &Waiting,
    ) -> Result<Shown, CliError> {
        let Some(path) = &self.file else {
            if io::stdout().is_terminal() {
                // The answer itself shows how far it is.
                waiting.end();
            }
            let out = Outlet::standard().map_err(CliError::Output)?;
            return self
                .write_to(answer, &out, &CliError::Output, waiting)
                .await;
        };
        self.write_file(answer, path, waiting).await
    }

    async fn write_file(
        &self,
        answer: &mut Answer,
        path: &Path,
        waiting: &Waiting,
    ) -> Result<Shown, CliError> {
        let file = Unfinished::create(path).await?;
        let failed = |error| CliError::file("write", path, error);
        let shown = self
            .write_to(answer, file.outlet(), &failed, waiting)
            .await?;
        file.finish()?;
        Ok(shown)
    }

    async fn write_to(
        &self,
        answer: &mut Answer,
        out: &Outlet,
        failed: Failed<'_>,
        waiting: &Waiting,
    ) -> Result<Shown, CliError> {
        match (answer, self.format.rendered()) {
            (Answer::Rows(rows), Some(format)) => {
                write_rendered(rows, format, out, failed, waiting).await
            }
            (Answer::Rows(rows), None) => self.write_table(rows, out, failed, waiting).await,
            (Answer::Series(documents), _) => {
                self.write_series(documents, out, failed, waiting).await
            }
        }
    }

    /// Writes the series of an answer up to the first failure, which is told.
    async fn write_series(
        &self,
        documents: &mut Documents,
        out: &Outlet,
        failed: Failed<'_>,
        waiting: &Waiting,
    ) -> Result<Shown, CliError> {
        let mut tables = Tables::new(self.rows_max);
        while let Some(document) = documents.next().await? {
            let error = document.error().map(str::to_owned);
            for message in document.results.iter().flat_map(|one| &one.messages) {
                remark(&format!("{}: {}", message.level, message.text));
            }
            let text = tables.add(document);
            out.write(text).await.map_err(failed)?;
            waiting.rows(tables.shown().rows);
            if let Some(error) = error {
                return Err(CliError::Failed(error));
            }
            if tables.shown().is_cut {
                break;
            }
        }
        Ok(tables.shown())
    }

    async fn write_table(
        &self,
        rows: &mut Rows,
        out: &Outlet,
        failed: Failed<'_>,
        waiting: &Waiting,
    ) -> Result<Shown, CliError> {
        let columns = match self.file {
            None => terminal::columns(),
            Some(_) => None,
        };
        let schema = zoned_schema(rows.schema());
        let mut parts = Parts::new(&schema, columns, self.rows_max);
        while let Some(batch) = rows.next().await? {
            for slice in slices(&batch) {
                let slice = zoned(&slice, &schema).map_err(unwritable)?;
                let text = parts.add(&slice).map_err(unwritable)?;
                out.write(text).await.map_err(failed)?;
            }
            waiting.rows(parts.shown().rows);
            if parts.shown().is_cut {
                break;
            }
        }
        out.write(parts.end()).await.map_err(failed)?;
        Ok(parts.shown())
    }
}

async fn write_rendered(
    rows: &mut Rows,
    format: render::Format,
    out: &Outlet,
    failed: Failed<'_>,
    waiting: &Waiting,
) -> Result<Shown, CliError> {
    // Formats with types have one for a time without a zone; a text has only its zone.
    let is_typed = matches!(format, render::Format::Parquet | render::Format::Arrow);
    let schema = match is_typed {
        true => rows.schema().clone(),
        false => zoned_schema(rows.schema()),
    };
    let wrong = |error: RenderError| CliError::Failed(error.to_string());
    let mut renderer = renderer(format, &schema).map_err(wrong)?;
    let mut shown = Shown::default();
    let mut bytes = Vec::new();
    while let Some(batch) = rows.next().await? {
        for slice in slices(&batch) {
            let slice = zoned(&slice, &schema).map_err(unwritable)?;
            renderer.write(&slice, &mut bytes).map_err(wrong)?;
            out.write(mem::take(&mut bytes)).await.map_err(failed)?;
        }
        shown.rows += narrow::to_u64(batch.num_rows());
        waiting.rows(shown.rows);
    }
    renderer.finish(&mut bytes).map_err(wrong)?;
    if format == render::Format::Json {
        // A text of lines ends with one, where people and shells go on.
        bytes.push(b'\n');
    }
    out.write(bytes).await.map_err(failed)?;
    Ok(shown)
}

fn unwritable(error: ArrowError) -> CliError {
    CliError::Failed(format!("the rows cannot be shown: {error}"))
}
