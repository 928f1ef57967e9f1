//! Chance that can be repeated.

use crate::narrow;

/// A small generator of random numbers (Steele et al., "Fast splittable pseudorandom number
/// generators", 2014): the same seed gives the same numbers on every machine.
#[derive(Clone, Debug)]
pub struct SplitMix(u64);

impl SplitMix {
    /// A generator whose numbers follow from `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    #[allow(
        clippy::should_implement_trait,
        reason = "an endless iterator helps nobody here"
    )]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = narrow::to_u64(bound).max(1);
        narrow::to_usize(self.next() % bound)
    }

    /// One chance in `of`.
    pub fn chance(&mut self, of: usize) -> bool {
        self.below(of) == 0
    }
}
