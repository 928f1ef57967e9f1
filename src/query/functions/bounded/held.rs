//! Memory of what functions make, counted until it is dropped.

use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::{Array, ArrayRef, make_array};
use bytes::Bytes;
use datafusion::arrow::buffer::Buffer;
use datafusion::common::DataFusionError;
use datafusion::error::Result;
use datafusion::execution::memory_pool::{
    MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation,
};

use super::sizes::Made;

/// The most bytes of one value, in a large memory.
const VALUE_BYTES_MAX: usize = 16 << 20;

/// The least bytes that are counted. Less is made in every batch of every question.
const COUNTED_BYTES_MIN: u64 = 64 << 10;

/// Lends memory to the functions of one question.
#[derive(Debug)]
pub(crate) struct Lender {
    pool: Arc<dyn MemoryPool>,
    /// The text of a refusal.
    all_is_taken: Arc<str>,
    /// The memory of constants, which are kept as long as the question.
    constants: Mutex<Vec<Held>>,
}

/// Memory that a call has.
#[derive(Debug)]
pub(super) struct Held {
    reservation: Option<MemoryReservation>,
}

/// A buffer of an array, and what the array has.
struct Counted {
    buffer: Buffer,
    _reservation: MemoryReservation,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        self.buffer.as_slice()
    }
}

impl Lender {
    /// Lends what the pool has; `all_is_taken` says what limits it.
    pub(crate) fn new(pool: Arc<dyn MemoryPool>, all_is_taken: Arc<str>) -> Self {
        Self {
            pool,
            all_is_taken,
            constants: Mutex::default(),
        }
    }

    /// Lends a call what it is about to make.
    ///
    /// # Errors
    /// [`DataFusionError::ResourcesExhausted`] if that is more than a value may have, or than a call
    /// or all questions together may have.
    pub(super) fn lend(&self, name: &str, made: Made) -> Result<Held> {
        let pool_bytes = match self.pool.memory_limit() {
            MemoryLimit::Finite(bytes) => bytes,
            MemoryLimit::Infinite | MemoryLimit::Unknown => usize::MAX,
        };
        let refused = |what: String| {
            let text = format!("{name} would make {what}: {}", self.all_is_taken);
            Err(DataFusionError::ResourcesExhausted(text))
        };
        let value_bytes_max = VALUE_BYTES_MAX.min(pool_bytes / 32);
        if usize::try_from(made.value_bytes).map_or(true, |bytes| bytes > value_bytes_max) {
            let bytes = made.value_bytes;
            return refused(format!(
                "a value of up to {bytes} bytes, and the most is {value_bytes_max}"
            ));
        }
        if made.bytes < COUNTED_BYTES_MIN {
            return Ok(Held { reservation: None });
        }
        let call_bytes_max = pool_bytes / 4;
        let bytes = usize::try_from(made.bytes).unwrap_or(usize::MAX);
        if bytes > call_bytes_max {
            return refused(format!(
                "up to {bytes} bytes of one batch of rows, and the most is {call_bytes_max}"
            ));
        }
        let reservation = MemoryConsumer::new("functions").register(&self.pool);
        reservation.try_grow(bytes)?;
        Ok(Held {
            reservation: Some(reservation),
        })
    }

    /// Memory of the question of which nothing is taken yet.
    pub(super) fn taken(&self) -> MemoryReservation {
        MemoryConsumer::new("functions").register(&self.pool)
    }

    /// Keeps it until the question is over.
    pub(super) fn keep(&self, held: Held) {
        if held.reservation.is_some() {
            let mut constants = self
                .constants
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            constants.push(held);
        }
    }
}

impl Held {
    /// The array, which has this memory until its last copy is dropped.
    ///
    /// # Errors
    /// The array is none that Arrow would make.
    pub(super) fn with(self, array: ArrayRef) -> Result<ArrayRef> {
        let Some(reservation) = self.reservation else {
            return Ok(array);
        };
        // It may be less than it could have been.
        let bytes = array.get_array_memory_size();
        if bytes < reservation.size() {
            reservation.resize(bytes);
        }
        let data = array.to_data();
        let mut buffers = data.buffers().to_vec();
        // An array without buffers has no memory of its own.
        let Some(first) = buffers.first_mut() else {
            return Ok(array);
        };
        let counted = Counted {
            buffer: first.clone(),
            _reservation: reservation,
        };
        *first = Buffer::from(Bytes::from_owner(counted));
        let data = data.into_builder().buffers(buffers).build()?;
        Ok(make_array(data))
    }
}
