//! The states of tables that are kept between flushes: the most recently used ones.
//!
//! A state can be read again at any time, so all of them together get a share of memory
//! ([`crate::memory::Marks::kept_bytes`]), and the least recently used state goes first. Kept states
//! count in the budget. The state that was used last always stays: a table that is larger than the
//! share is read again only after another table was used, not at every use.
//!
//! It is hand-written because its states are counted in our budget and go in strict order of use, and
//! because making room empties cells that others hold. The crates `quick_cache` and `moka` count
//! nothing in our budget and evict by policies of their own.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use crate::certain::Certain;
use crate::memory::{Budget, FlushShare, Reservation};

/// The place of a table's state; emptied to make room.
pub(in crate::lake) type Cell<T> = Arc<RwLock<Option<T>>>;

/// The states that are kept.
#[derive(Debug)]
pub(in crate::lake) struct Kept<T> {
    budget: Budget,
    bytes_max: u64,
    inner: Mutex<Inner<T>>,
}

#[derive(Debug)]
struct Inner<T> {
    cells: HashMap<u64, KeptCell<T>>,
    /// The cells in the order of their last use.
    by_use: BTreeMap<u64, u64>,
    uses: u64,
    names: u64,
    held: Reservation,
}

#[derive(Debug)]
struct KeptCell<T> {
    cell: Cell<T>,
    bytes: u64,
    used: u64,
}

impl<T> Kept<T> {
    /// Keeps nothing at first, and no more than this budget's share.
    pub(in crate::lake) fn new(budget: &Budget) -> Self {
        Self {
            budget: budget.clone(),
            bytes_max: budget.marks().kept_bytes(),
            inner: Mutex::new(Inner {
                cells: HashMap::new(),
                by_use: BTreeMap::new(),
                uses: 0,
                names: 0,
                held: budget.empty(),
            }),
        }
    }

    /// Memory for reading a state anew, of the memory set aside for flushing, as a flush may need it.
    /// Waits until others give it back.
    pub(in crate::lake) async fn room(&self, bytes: u64) -> FlushShare {
        self.budget.flush_share(bytes).await
    }

    /// A number for a new cell.
    pub(in crate::lake) fn name(&self) -> u64 {
        let mut inner = self.lock();
        inner.names += 1;
        inner.names
    }

    /// Notes that a cell was used and how many bytes it holds, and empties others if that is too much.
    pub(in crate::lake) fn used(&self, name: u64, cell: &Cell<T>, bytes: u64) {
        let emptied = self.lock().used(name, cell, bytes, self.bytes_max);
        for cell in emptied {
            *cell.write().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }

    /// Notes that a cell is empty or gone.
    pub(in crate::lake) fn gone(&self, name: u64) {
        self.lock().remove(name);
    }

    fn lock(&self) -> MutexGuard<'_, Inner<T>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Inner<T> {
    fn used(&mut self, name: u64, cell: &Cell<T>, bytes: u64, bytes_max: u64) -> Vec<Cell<T>> {
        self.remove(name);
        self.uses += 1;
        let entry = KeptCell {
            cell: Arc::clone(cell),
            bytes,
            used: self.uses,
        };
        self.by_use.insert(entry.used, name);
        self.cells.insert(name, entry);
        self.held.force_grow(bytes);
        let mut emptied = Vec::new();
        while self.held.bytes() > bytes_max && self.cells.len() > 1 {
            let oldest = self.by_use.values().next().copied();
            let oldest = oldest.and_then(|oldest| self.remove(oldest));
            emptied.push(oldest.certain("each cell has a last use"));
        }
        emptied
    }

    fn remove(&mut self, name: u64) -> Option<Cell<T>> {
        let entry = self.cells.remove(&name)?;
        self.by_use.remove(&entry.used);
        let rest = self.held.bytes().saturating_sub(entry.bytes);
        self.held.shrink_to(rest);
        Some(entry.cell)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, RwLock};

    use super::{Cell, Kept};
    use crate::memory::{Budget, Marks};

    #[test]
    fn what_was_not_used_for_the_longest_time_makes_room_and_all_of_it_is_counted() {
        let budget = Budget::new(Marks {
            budget_bytes: 1600,
            soft_bytes: 700,
            hard_bytes: 1300,
        });
        let kept = Kept::new(&budget);
        assert_eq!(budget.marks().kept_bytes(), 100);
        let cells: Vec<(u64, Cell<u8>)> = (0..3)
            .map(|value| (kept.name(), Arc::new(RwLock::new(Some(value)))))
            .collect();
        let there = || -> Vec<bool> {
            let cells = cells.iter();
            cells
                .map(|(_, cell)| cell.read().expect("lock").is_some())
                .collect()
        };
        for (name, cell) in &cells[..2] {
            kept.used(*name, cell, 50);
        }
        kept.used(cells[0].0, &cells[0].1, 40);
        assert_eq!((there(), budget.used_bytes()), (vec![true; 3], 90));
        kept.used(cells[2].0, &cells[2].1, 60);
        assert_eq!(
            (there(), budget.used_bytes()),
            (vec![true, false, true], 100)
        );
        // One that is larger than the share stays, alone.
        kept.used(cells[0].0, &cells[0].1, 500);
        assert_eq!(
            (there(), budget.used_bytes()),
            (vec![true, false, false], 500)
        );
        kept.gone(cells[0].0);
        assert_eq!(budget.used_bytes(), 0);
    }
}
