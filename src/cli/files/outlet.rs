//! Writing to what may keep its writer waiting: a pipe whose reader sleeps, a terminal that is
//! stopped.
//!
//! It is done beside the command, so that a signal is heard meanwhile. A command that ends before
//! its write leaves that to the end of the process.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::AsFd as _;
use std::sync::Arc;

use tokio::task::spawn_blocking;

/// Something open that bytes are written to.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Outlet {
    file: Arc<File>,
}

impl Outlet {
    pub(super) fn new(file: File) -> Self {
        Self {
            file: Arc::new(file),
        }
    }

    /// Standard output. Nothing is held back: what was written is there.
    pub(in crate::cli) fn standard() -> io::Result<Self> {
        let own = io::stdout().as_fd().try_clone_to_owned()?;
        Ok(Self::new(own.into()))
    }

    /// Writes all of these bytes.
    pub(in crate::cli) async fn write(
        &self,
        bytes: impl AsRef<[u8]> + Send + 'static,
    ) -> io::Result<()> {
        let file = Arc::clone(&self.file);
        spawn_blocking(move || (&*file).write_all(bytes.as_ref())).await?
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }
}
