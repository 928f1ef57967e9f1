//! The shares of a file that several threads read side by side.

use std::ops::Range;

use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::ParquetRowSelection;

/// About the size of a share, in bytes: some row groups, whose reading takes far longer than looking up
/// what to read.
const SHARE_BYTES: u64 = 1 << 20;

/// The shares of a file. One of which only some rows are read is not divided.
pub(super) fn of(file: PartitionedFile) -> impl Iterator<Item = PartitionedFile> {
    let bytes = match file.extension::<ParquetRowSelection>() {
        Some(_) => 0,
        None => file.object_meta.size,
    };
    ranges(bytes).map(move |range| match range {
        Some(range) => file.clone().with_range(range.start, range.end),
        None => file.clone(),
    })
}

/// Ranges that cover a file of so many bytes; a single one, which need not be named, if it is small.
///
/// A row group belongs to the range in which it starts, so that each is read once.
fn ranges(bytes: u64) -> impl Iterator<Item = Option<Range<i64>>> {
    let count = (bytes / SHARE_BYTES).max(1);
    // The last one ends after the file, whatever the division leaves.
    let share = bytes.div_ceil(count);
    (0..count).map(move |place| {
        let bound = |place: u64| i64::try_from(place * share).ok();
        let range = bound(place)?..bound(place + 1)?;
        (count > 1).then_some(range)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_of_a_file_is_in_one_share() {
        for bytes in [
            1,
            SHARE_BYTES - 1,
            SHARE_BYTES,
            5 * SHARE_BYTES / 2 + 1,
            7 * SHARE_BYTES,
        ] {
            let shares: Vec<_> = ranges(bytes).collect();
            let end = i64::try_from(bytes).expect("small");
            match shares.as_slice() {
                [None] => assert!(bytes < 2 * SHARE_BYTES, "{bytes}"),
                shares => {
                    let mut next = 0;
                    for share in shares.iter().map(|share| share.as_ref().expect("named")) {
                        assert_eq!(share.start, next, "{bytes}");
                        next = share.end;
                    }
                    assert!(next >= end, "{bytes}: {next}");
                }
            }
        }
    }
}
