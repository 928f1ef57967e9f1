//! The memory of questions: lent by the program, shared among those that can spill to disk.

use std::fmt::{self, Debug};
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::{
    FairSpillPool, MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation,
};

use crate::error::QueryError;

/// Memory that the program lends to all questions together. The count is exact: what is taken is
/// given back.
pub trait Memory: Debug + Send + Sync {
    /// The most bytes that are ever lent.
    fn bytes_max(&self) -> usize;

    /// Takes this many bytes now.
    ///
    /// # Errors
    /// They are not free; the text says what limits them, for the person who asked.
    fn try_take(&self, bytes: usize) -> Result<(), String>;

    /// Takes this many bytes though they may not be free: they are in use already.
    fn take(&self, bytes: usize);

    /// Gives back this many bytes.
    fn give_back(&self, bytes: usize);

    /// What to say when the questions together have all that is lent.
    fn all_is_taken(&self) -> String;
}

/// So many bytes, which nobody else uses.
#[derive(Clone, Copy, Debug)]
pub struct FixedMemory {
    bytes: usize,
}

impl FixedMemory {
    /// Lends this many bytes.
    pub fn new(bytes: usize) -> Self {
        Self { bytes }
    }
}

impl Memory for FixedMemory {
    fn bytes_max(&self) -> usize {
        self.bytes
    }

    fn try_take(&self, _: usize) -> Result<(), String> {
        Ok(())
    }

    fn take(&self, _: usize) {}

    fn give_back(&self, _: usize) {}

    fn all_is_taken(&self) -> String {
        format!("questions may take {} bytes of memory together", self.bytes)
    }
}

/// Memory of questions for what is kept beside their plans, such as a part of an answer that cannot be
/// sent yet. It is given back when this is dropped.
#[derive(Debug)]
pub struct Holding(MemoryReservation);

impl Holding {
    /// Nothing yet of the memory of this pool.
    pub(crate) fn of(pool: &Arc<dyn MemoryPool>) -> Self {
        Self(MemoryConsumer::new("answer").register(pool))
    }

    /// Holds this many bytes from now on, whatever it held before.
    ///
    /// # Errors
    /// [`QueryError::Exhausted`] or [`QueryError::Crowded`] if they are not free. It holds what it held.
    pub fn hold(&self, bytes: usize) -> Result<(), QueryError> {
        Ok(self.0.try_resize(bytes)?)
    }

    /// Counts this many bytes beside it until what is returned is dropped. They are in use already: so it
    /// never fails, and others get less.
    #[must_use]
    pub fn in_use(&self, bytes: usize) -> Self {
        let held = self.0.new_empty();
        held.grow(bytes);
        Self(held)
    }
}

/// The most bytes of footers of files that are kept for the questions to come: a small part of what
/// is lent, kept beside the count of what questions take.
pub(crate) fn footer_bytes_max(memory: &dyn Memory) -> usize {
    memory.bytes_max() / 32
}

/// The divisor of a pool for the most bytes that are lent beyond it, against what is about to go to the disk.
const ADVANCE_SHARE: usize = 4;

/// A pool over memory of the program.
#[derive(Debug)]
pub(crate) struct Lent {
    memory: Arc<dyn Memory>,
    /// Divides it among those that can spill.
    shares: FairSpillPool,
    bytes_max: usize,
    /// Held while something is lent in advance.
    advancing: Mutex<()>,
}

impl Lent {
    /// A pool over it, without what footers of files take.
    pub(crate) fn new(memory: Arc<dyn Memory>) -> Self {
        let bytes_max = memory.bytes_max() - footer_bytes_max(&*memory);
        Self {
            memory,
            shares: FairSpillPool::new(bytes_max),
            bytes_max,
            advancing: Mutex::default(),
        }
    }

    /// Lends bytes that are not free to who could not go on without them, since others of the same question
    /// have had up to `most` bytes that they can put on disk. They do so when they ask for the next ones.
    ///
    /// So it is for readers of files: a sort above them takes what they give back with one file, and asks
    /// for no more before they have read the next one. What sorts have on its way to the disk is merged in
    /// memory that cannot spill.
    ///
    /// # Errors
    /// They are too many, or the program does not have them.
    pub(crate) fn advance(
        &self,
        reservation: &MemoryReservation,
        additional: usize,
        most: usize,
    ) -> Result<()> {
        let _advancing = self
            .advancing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let advance = most.min(self.bytes_max / ADVANCE_SHARE);
        let held = self.shares.reserved().saturating_add(additional);
        if advance == 0 || held > self.bytes_max.saturating_add(advance) {
            return Err(self.refused());
        }
        self.memory
            .try_take(additional)
            .map_err(DataFusionError::ResourcesExhausted)?;
        self.shares.grow(reservation, additional);
        Ok(())
    }

    fn refused(&self) -> DataFusionError {
        DataFusionError::ResourcesExhausted(self.memory.all_is_taken())
    }
}

impl MemoryPool for Lent {
    fn name(&self) -> &str {
        "lent"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.shares.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.shares.unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.shares.grow(reservation, additional);
        self.memory.take(additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.shares.shrink(reservation, shrink);
        self.memory.give_back(shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        self.shares
            .try_grow(reservation, additional)
            .map_err(|_| self.refused())?;
        self.memory.try_take(additional).map_err(|text| {
            self.shares.shrink(reservation, additional);
            DataFusionError::ResourcesExhausted(text)
        })
    }

    fn reserved(&self) -> usize {
        self.shares.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        self.shares.memory_limit()
    }
}

impl fmt::Display for Lent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({} bytes)", self.name(), self.memory.bytes_max())
    }
}
