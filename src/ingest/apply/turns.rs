//! The order of turns: frames of one bucket one after the other, those of different buckets in turn.
//!
//! Frames come in the order of their sequence. A bucket's line hands out its first frame, and the
//! next only once that one is done, so at most one frame per bucket is out. A frame may come back
//! before it is done: then the first frames of other buckets come before it continues.

use std::collections::{HashMap, VecDeque};

use crate::certain::Certain;
use crate::id::{BucketId, Sequence};

/// The amount of work in a frame. Each weight has a thread of its own, so that a light frame never
/// waits for a heavy one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    /// Applied in a moment.
    Light,
    /// Frames after it would be delayed noticeably.
    Heavy,
}

/// A frame with its bucket, its place in the log and its weight.
#[derive(Debug)]
pub(super) struct Turn<T> {
    pub(super) bucket: BucketId,
    pub(super) sequence: Sequence,
    pub(super) weight: Weight,
    pub(super) work: T,
}

/// All frames that are not done.
#[derive(Debug)]
pub(super) struct Turns<T> {
    /// The frames of each bucket that has some: its first one is out, or the bucket is in one of the
    /// lists below.
    lines: HashMap<BucketId, VecDeque<Turn<T>>>,
    light: VecDeque<BucketId>,
    heavy: VecDeque<BucketId>,
    /// Every frame from the first that is not done, and whether it is done.
    order: VecDeque<(Sequence, bool)>,
}

impl<T> Default for Turns<T> {
    fn default() -> Self {
        Self {
            lines: HashMap::new(),
            light: VecDeque::new(),
            heavy: VecDeque::new(),
            order: VecDeque::new(),
        }
    }
}

/// The consequences of a finished frame.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Next {
    /// The last frame up to which all are done, if this frame has moved it.
    pub(super) done_up_to: Option<Sequence>,
    /// The weight for which a turn has come.
    pub(super) ready: Option<Weight>,
}

impl<T> Turns<T> {
    /// Adds a frame; sequences ascend. Returns its weight if its turn has come.
    pub(super) fn push(&mut self, turn: Turn<T>) -> Option<Weight> {
        debug_assert!(
            self.order
                .back()
                .is_none_or(|(last, _)| *last < turn.sequence),
            "frames come in order"
        );
        self.order.push_back((turn.sequence, false));
        let (bucket, weight) = (turn.bucket, turn.weight);
        if let Some(line) = self.lines.get_mut(&bucket) {
            line.push_back(turn);
            return None;
        }
        self.lines.insert(bucket, VecDeque::from([turn]));
        self.ready(weight).push_back(bucket);
        Some(weight)
    }

    /// Hands out the next frame of this weight.
    pub(super) fn take(&mut self, weight: Weight) -> Option<Turn<T>> {
        let bucket = self.ready(weight).pop_front()?;
        let line = self.lines.get_mut(&bucket);
        let turn = line.and_then(VecDeque::pop_front);
        Some(turn.certain("a bucket that is ready has a frame"))
    }

    /// Takes back a frame that is not done: other frames of its weight come first.
    pub(super) fn put_back(&mut self, turn: Turn<T>) {
        let (bucket, weight) = (turn.bucket, turn.weight);
        self.lines.entry(bucket).or_default().push_front(turn);
        self.ready(weight).push_back(bucket);
    }

    /// Notes that a frame which was handed out is done.
    pub(super) fn finish(&mut self, bucket: BucketId, sequence: Sequence) -> Next {
        let mut next = Next::default();
        let place = self
            .order
            .binary_search_by_key(&sequence, |(known, _)| *known);
        let found = place.ok().and_then(|place| self.order.get_mut(place));
        let (_, is_done) = found.certain("it was pushed, and not finished");
        *is_done = true;
        while let Some((done, _)) = self.order.pop_front_if(|(_, is_done)| *is_done) {
            next.done_up_to = Some(done);
        }
        let waiting = self.lines.get(&bucket).and_then(VecDeque::front);
        match waiting.map(|turn| turn.weight) {
            Some(weight) => {
                self.ready(weight).push_back(bucket);
                next.ready = Some(weight);
            }
            None => drop(self.lines.remove(&bucket)),
        }
        next
    }

    /// Returns whether all frames are done.
    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    fn ready(&mut self, weight: Weight) -> &mut VecDeque<BucketId> {
        match weight {
            Weight::Light => &mut self.light,
            Weight::Heavy => &mut self.heavy,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::Weight::{Heavy, Light};
    use super::{Next, Turn, Turns, Weight};
    use crate::id::{BucketId, Sequence};

    fn turn(bucket: u64, sequence: u64, weight: Weight) -> Turn<u32> {
        Turn {
            bucket: BucketId(bucket),
            sequence: Sequence(sequence),
            weight,
            work: 0,
        }
    }

    #[test]
    fn a_light_frame_of_another_bucket_is_done_before_a_heavy_one_that_came_first() {
        let mut turns = Turns::default();
        assert_eq!(turns.push(turn(1, 1, Heavy)), Some(Heavy));
        assert_eq!(turns.push(turn(2, 2, Light)), Some(Light));
        assert_eq!(turns.push(turn(1, 3, Light)), None, "its bucket waits");
        let heavy = turns.take(Heavy).expect("its turn");
        let light = turns.take(Light).expect("its turn");
        assert_eq!(light.sequence, Sequence(2));
        // Done, but the log still needs the one before it.
        assert_eq!(turns.finish(light.bucket, light.sequence), Next::default());
        assert!(turns.take(Light).is_none());
        let next = turns.finish(heavy.bucket, heavy.sequence);
        let expected = Next {
            done_up_to: Some(Sequence(2)),
            ready: Some(Light),
        };
        assert_eq!(next, expected);
        assert_eq!(turns.take(Light).expect("now").sequence, Sequence(3));
    }

    #[test]
    fn heavy_frames_of_several_buckets_go_on_in_turn() {
        let mut turns = Turns::default();
        turns.push(turn(1, 1, Heavy));
        turns.push(turn(2, 2, Heavy));
        let mut seen = Vec::new();
        for _ in 0..6 {
            let turn = turns.take(Heavy).expect("both go on");
            seen.push(turn.sequence.0);
            turns.put_back(turn);
        }
        assert_eq!(seen, [1, 2, 1, 2, 1, 2]);
    }

    proptest! {
        /// Two threads that take, put back and finish at random.
        #[test]
        fn every_bucket_keeps_its_order_and_nothing_counts_as_done_before_it_is(
            steps in prop::collection::vec((0_u8..6, 1_u64..4, any::<bool>()), 1..200),
        ) {
            let weigh = |heavy| if heavy { Heavy } else { Light };
            let mut turns = Turns::default();
            let mut out: [Option<Turn<u32>>; 2] = [None, None];
            let (mut last, mut done_up_to) = (0, 0);
            let mut undone: BTreeMap<u64, u64> = BTreeMap::new();
            let mut step = |step, bucket, heavy| {
                let place = usize::from(heavy);
                match (step, out[place].take()) {
                    (0..2, held) => {
                        last += 1;
                        undone.insert(last, bucket);
                        turns.push(turn(bucket, last, weigh(step == 0)));
                        out[place] = held;
                    }
                    (_, None) => out[place] = turns.take(weigh(heavy)),
                    (2, Some(held)) => turns.put_back(held),
                    (_, Some(held)) => {
                        let of_bucket = undone.iter().find(|(_, bucket)| **bucket == held.bucket.0);
                        assert_eq!(of_bucket.map(|(first, _)| *first), Some(held.sequence.0));
                        undone.remove(&held.sequence.0);
                        let next = turns.finish(held.bucket, held.sequence);
                        done_up_to = next.done_up_to.map_or(done_up_to, |done| done.0);
                        let first = undone.keys().next();
                        let expected = first.map_or(last, |first| first - 1);
                        assert_eq!(done_up_to, expected);
                    }
                }
                undone.is_empty()
            };
            for (kind, bucket, heavy) in steps {
                step(kind, bucket, heavy);
            }
            let mut rounds = 0;
            while !step(5, 0, rounds % 2 == 0) {
                rounds += 1;
                prop_assert!(rounds < 2000, "somebody waits for ever");
            }
            prop_assert!(turns.is_empty());
        }
    }
}
