//! The choice of the files of a day that a compaction joins.
//!
//! # What may be joined
//!
//! The files that a compaction writes have the highest number of those that it joins (its inputs).
//! This must not change which of two equal points wins. So the inputs are *closed*: a file that is
//! not among them, and may have a point in common with one of them, is either older than every
//! input that it meets, or its number is above all of theirs. Older files stay below, newer ones
//! stay above, and all others have no point in common with the inputs.
//!
//! Two files may have a point in common if their times overlap and their rows, from the first to the
//! last, do too. If the rows are not known (the file was written by an older tidegate, or by another
//! program), the times alone decide. Parts of one compaction by an older tidegate look as if they met
//! then. As they rarely do, the routine leaves them alone until another file meets one of them; a
//! compaction that somebody asks for joins them.
//!
//! Others may commit between the plan and the commit of a compaction, so [`is_closed`] is checked
//! again with the files that the table has then.
//!
//! # What is worth it
//!
//! * On a day that still gets points: the newest files, once there are enough of them. Going back from
//!   the newest, an older file is included as long as it is not much larger than all those after it:
//!   so a point is rewritten only a few times, however many flushes there are.
//! * On a day that is over, or if somebody asks: files that meet, with all files in the smallest
//!   rectangle (of rows and times) around them. Files that meet none of them are left alone: one late
//!   point costs the rewriting of one file, not of the day. After that, small files with nothing
//!   between them.
//!
//! # It comes to rest
//!
//! Every join takes files of at least two numbers, or files whose rows are not known, and leaves
//! files of the highest of these numbers whose rows are known. So after each join there are fewer
//! files of a lower number, or fewer of unknown rows, and no new number: there is a last join,
//! whatever the sizes of the files that are written, and after it every plan is empty.

use crate::certain::Certain;
use crate::lake::parquet::KeyRange;
use crate::lake::state::data_file::DataFile;
use crate::lake::state::table_state::TableState;
use crate::merge::day_start_ns;

/// The reason why a file is always found.
const PLACED: &str = "places are those of the files that are looked at";

/// A day that ended longer ago than this is over: few points arrive for it now.
const LATE_NS: i64 = 3_600_000_000_000;

/// The rules for joining files.
#[derive(Clone, Copy, Debug)]
pub(in crate::lake) struct JoinRules {
    /// The smallest number of files to join on a day that is not over.
    pub(in crate::lake) files_min: usize,
    /// The size from which on a file that is written is full.
    pub(in crate::lake) file_bytes_max: u64,
    /// Sorted runs that are merged at once: each keeps a file open.
    pub(in crate::lake) runs_max: usize,
    /// The time, in nanoseconds since the epoch.
    pub(in crate::lake) now_ns: i64,
    /// True if every day is treated as if it were over.
    pub(in crate::lake) is_asked: bool,
}

/// Files of one day that are to become one sequence of files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::lake) struct JoinPlan {
    pub(in crate::lake) day: i32,
    /// In the order of writing.
    pub(in crate::lake) inputs: Vec<DataFile>,
}

impl JoinRules {
    /// The first join of every day that needs one.
    pub(in crate::lake) fn plans(&self, state: &TableState) -> Vec<JoinPlan> {
        let days = state.by_day().into_iter();
        days.filter_map(|(day, files)| self.plan(day, &files))
            .collect()
    }

    /// Chooses the files to join of a day's files, which are in the order of writing. Returns nothing if
    /// there is nothing to join.
    pub(in crate::lake) fn plan(&self, day: i32, files: &[&DataFile]) -> Option<JoinPlan> {
        let mut places = if self.is_asked || self.is_over(day) {
            let meeting =
                meeting(files, !self.is_asked).map(|places| window(files, places, self.runs_max));
            meeting.or_else(|| self.small_neighbours(files))?
        } else {
            newest(files, self.files_min, self.file_bytes_max)?
        };
        close(files, &mut places);
        places.sort_unstable();
        let inputs = places.iter().map(|place| files.get(*place).certain(PLACED));
        let inputs: Vec<DataFile> = inputs.map(|file| DataFile::clone(file)).collect();
        debug_assert!(is_closed(&inputs, files.iter().copied()), "{inputs:?}");
        (inputs.len() > 1).then_some(JoinPlan { day, inputs })
    }

    /// Small files, next to each other by rows or by times, whose rectangle no other file meets.
    fn small_neighbours(&self, files: &[&DataFile]) -> Option<Vec<usize>> {
        let mut line: Vec<Neighbour> = files
            .iter()
            .enumerate()
            .map(|(place, file)| Neighbour {
                place,
                order: file.order,
                is_small: file.bytes < self.file_bytes_max / 2,
                extent: Extent::of(file),
            })
            .collect();
        line.sort_by(|a, b| a.extent.first_row().cmp(&b.extent.first_row()));
        neighbours(&line, self.runs_max).or_else(|| {
            line.sort_by_key(|file| file.extent.min_ns);
            neighbours(&line, self.runs_max)
        })
    }

    /// The time at which the next of a table's days will be over.
    pub(in crate::lake) fn over_next_ns(&self, state: &TableState) -> i64 {
        let days = state.files.values().map(|file| file.day);
        let running = days.filter(|day| !self.is_over(*day));
        running.map(over_ns).min().unwrap_or(i64::MAX)
    }

    fn is_over(&self, day: i32) -> bool {
        over_ns(day) < self.now_ns
    }
}

fn over_ns(day: i32) -> i64 {
    day_start_ns(day + 1).saturating_add(LATE_NS)
}

/// Returns whether inputs are closed among these files of their day: see the module's documentation.
pub(in crate::lake) fn is_closed<'a>(
    inputs: &[DataFile],
    files: impl IntoIterator<Item = &'a DataFile>,
) -> bool {
    let highest = inputs.iter().map(|file| file.order).max().unwrap_or(0);
    let is_input = |file: &DataFile| inputs.iter().any(|input| input.path == file.path);
    let mut files = files.into_iter();
    !files.any(|file| is_between(file, inputs.iter(), highest) && !is_input(file))
}

/// Returns whether a file that is left out would change its order to an input that it meets.
fn is_between<'a>(
    file: &DataFile,
    mut inputs: impl Iterator<Item = &'a DataFile>,
    highest: u64,
) -> bool {
    file.order <= highest
        && inputs.any(|input| {
            let would_change = input.place() < file.place() || file.order == highest;
            would_change && file.meets(input)
        })
}

/// Adds the files that must not be left out.
fn close(files: &[&DataFile], places: &mut Vec<usize>) {
    loop {
        let inputs = || {
            places
                .iter()
                .map(|place| *files.get(*place).certain(PLACED))
        };
        let highest = inputs().map(|file| file.order).max().unwrap_or(0);
        let missing = files
            .iter()
            .enumerate()
            .filter(|(place, file)| is_between(file, inputs(), highest) && !places.contains(place));
        let missing: Vec<usize> = missing.map(|(place, _)| place).collect();
        if missing.is_empty() {
            return;
        }
        places.extend(missing);
    }
}

/// The newest files, back to one that is full or much larger than all those after it. Files with one
/// number count as one, as they were written together.
fn newest(files: &[&DataFile], files_min: usize, file_bytes_max: u64) -> Option<Vec<usize>> {
    let (mut taken, mut bytes, mut start) = (0, 0_u64, files.len());
    for unit in units(files).rev() {
        let unit_bytes = unit.iter().map(|file| file.bytes).sum::<u64>();
        let is_full = unit_bytes >= file_bytes_max / 2;
        let is_much = taken >= files_min && unit_bytes > bytes.saturating_mul(2);
        if is_full || is_much {
            break;
        }
        taken += 1;
        bytes += unit_bytes;
        start -= unit.len();
    }
    (taken >= files_min.max(2)).then(|| (start..files.len()).collect())
}

/// Groups of files with the same number.
fn units<'f, 'a>(files: &'f [&'a DataFile]) -> impl DoubleEndedIterator<Item = &'f [&'a DataFile]> {
    files.chunk_by(|a, b| a.order == b.order)
}

/// A rectangle of rows and times.
#[derive(Clone, Debug)]
struct Extent {
    min_ns: i64,
    max_ns: i64,
    /// The range of rows; all possible rows if absent.
    keys: Option<KeyRange>,
}

impl Extent {
    fn of(file: &DataFile) -> Self {
        Self {
            min_ns: file.min_ns,
            max_ns: file.max_ns,
            keys: file.keys.clone(),
        }
    }

    fn first_row(&self) -> Option<&[u8]> {
        self.keys.as_ref().map(KeyRange::first)
    }

    fn meets(&self, other: &Self) -> bool {
        let keys = self.keys.as_ref().zip(other.keys.as_ref());
        self.min_ns <= other.max_ns
            && other.min_ns <= self.max_ns
            && keys.is_none_or(|(a, b)| a.meets(b))
    }

    fn around(&self, other: &Self) -> Self {
        let keys = self.keys.as_ref().zip(other.keys.as_ref());
        Self {
            min_ns: self.min_ns.min(other.min_ns),
            max_ns: self.max_ns.max(other.max_ns),
            keys: keys.map(|(a, b)| a.around(b)),
        }
    }
}

/// Files that meet, with the rectangle around them.
struct Group {
    extent: Extent,
    places: Vec<usize>,
}

/// Some files that meet, and all files in the rectangle around them. If `trusts_old_parts`, parts of
/// one compaction by an older tidegate do not call for a join.
fn meeting(files: &[&DataFile], trusts_old_parts: bool) -> Option<Vec<usize>> {
    let mut groups: Vec<Group> = files
        .iter()
        .enumerate()
        .map(|(place, file)| Group {
            extent: Extent::of(file),
            places: vec![place],
        })
        .collect();
    loop {
        let before = groups.len();
        groups = gather(files, groups, trusts_old_parts);
        if groups.len() == before {
            break;
        }
    }
    let meeting = groups.into_iter().find(|group| group.places.len() > 1);
    meeting.map(|group| group.places)
}

/// Unites groups that meet.
fn gather(files: &[&DataFile], groups: Vec<Group>, trusts_old_parts: bool) -> Vec<Group> {
    let calls_for_join =
        |a: &DataFile, b: &DataFile| a.meets(b) && !(trusts_old_parts && a.is_old_part_beside(b));
    let mut gathered: Vec<Group> = Vec::with_capacity(groups.len());
    for group in groups {
        match gathered
            .iter_mut()
            .find(|other| other.meets(&group, files, &calls_for_join))
        {
            Some(other) => {
                other.extent = other.extent.around(&group.extent);
                other.places.extend(group.places);
            }
            None => gathered.push(group),
        }
    }
    gathered
}

impl Group {
    fn meets(
        &self,
        other: &Self,
        files: &[&DataFile],
        calls_for_join: &impl Fn(&DataFile, &DataFile) -> bool,
    ) -> bool {
        match (self.places.as_slice(), other.places.as_slice()) {
            ([a], [b]) => {
                let of = |place: usize| files.get(place).certain(PLACED);
                calls_for_join(of(*a), of(*b))
            }
            _ => self.extent.meets(&other.extent),
        }
    }
}

/// The smallest window of these files, in the order of writing, that has as many neighbours as can be
/// merged at once. The others follow later, before the files of this join are joined again.
fn window(files: &[&DataFile], mut places: Vec<usize>, runs_max: usize) -> Vec<usize> {
    places.sort_unstable();
    let inputs = places
        .iter()
        .map(|place| *files.get(*place).certain(PLACED));
    let inputs: Vec<&DataFile> = inputs.collect();
    if runs(&inputs).len() <= runs_max {
        return places;
    }
    let units: Vec<JoinWindow> = units(&inputs).map(JoinWindow::of).collect();
    let mut start = 0;
    let mut windows = Vec::new();
    for first in 0..units.len() {
        let later = units.get(first..).certain(PLACED);
        windows.push((start, JoinWindow::first_of(later, runs_max)));
        start += later.first().certain(PLACED).files;
    }
    // Windows at the end are short.
    let most = windows.iter().map(|(_, window)| window.runs).max();
    let least = (most.certain("files that meet are some") * 3).div_ceil(4);
    let long = windows
        .into_iter()
        .filter(|(_, window)| window.units > 1 && window.runs >= least);
    match long.min_by_key(|(_, window)| window.bytes) {
        Some((start, window)) => places.into_iter().skip(start).take(window.files).collect(),
        None => places,
    }
}

/// Neighbours in the order of writing.
#[derive(Clone, Copy, Default)]
struct JoinWindow {
    units: usize,
    files: usize,
    runs: usize,
    bytes: u64,
}

impl JoinWindow {
    fn of(unit: &[&DataFile]) -> Self {
        Self {
            units: 1,
            files: unit.len(),
            runs: runs(unit).len(),
            bytes: unit.iter().map(|file| file.bytes).sum(),
        }
    }

    /// The first units, as many as can be merged at once, but at least two.
    fn first_of(units: &[Self], runs_max: usize) -> Self {
        let mut all = Self::default();
        for unit in units {
            if all.units > 1 && all.runs + unit.runs > runs_max {
                break;
            }
            all.units += 1;
            all.files += unit.files;
            all.runs += unit.runs;
            all.bytes += unit.bytes;
        }
        all
    }
}

/// Inputs, in the order of writing, as sorted runs in the same order. The files of a run follow one
/// another, so that only one of them is open at a time.
pub(in crate::lake) fn runs<'a>(inputs: &[&'a DataFile]) -> Vec<Vec<&'a DataFile>> {
    let mut runs: Vec<Vec<&DataFile>> = Vec::new();
    for file in inputs {
        let place = runs.last().and_then(|run| place_in(run, file));
        match (runs.last_mut(), place) {
            (Some(run), Some(place)) => run.insert(place, file),
            _ => runs.push(vec![file]),
        }
    }
    runs
}

/// The place of a file in a run, if it meets none of its files.
fn place_in(run: &[&DataFile], file: &DataFile) -> Option<usize> {
    let keys = file.keys.as_ref()?;
    let is_before = |other: &&DataFile| {
        let others = other.keys.as_ref();
        others.is_some_and(|others| others.is_before(keys))
    };
    let place = run.partition_point(is_before);
    match run.get(place) {
        Some(next) => keys.is_before(next.keys.as_ref()?).then_some(place),
        None => run
            .iter()
            .all(|other| other.keys.is_some())
            .then_some(place),
    }
}

/// A file in a line.
struct Neighbour {
    place: usize,
    order: u64,
    is_small: bool,
    extent: Extent,
}

/// The first small files in a line whose rectangle no other file meets, at most `runs_max`. Parts of
/// one compaction are left as they are.
fn neighbours(line: &[Neighbour], runs_max: usize) -> Option<Vec<usize>> {
    let mut start = 0;
    while let Some(first) = line.get(start) {
        let mut end = start + 1;
        let mut extent = first.extent.clone();
        while let Some(next) = line.get(end)
            && first.is_small
            && next.is_small
            && end - start < runs_max
        {
            let wider = extent.around(&next.extent);
            let before = line.iter().take(start);
            let mut others = before.chain(line.iter().skip(end + 1));
            if others.any(|other| other.extent.meets(&wider)) {
                break;
            }
            extent = wider;
            end += 1;
        }
        let joined = line.get(start..end).certain(PLACED);
        if joined.iter().any(|file| file.order != first.order) {
            return Some(joined.iter().map(|file| file.place).collect());
        }
        start = end;
    }
    None
}
