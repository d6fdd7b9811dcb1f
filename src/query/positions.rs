//! Sets of positions of one source: a bitmap, or everything but a bitmap.
//!
//! The complement is a form of its own, so that "everything" and "not this" cost nothing, however
//! many events a source holds. Only [`len`](PositionSet::len) needs to know how many there are.

use std::ops::Range;

use roaring::RoaringBitmap;

use crate::storage::Zone;

/// A set of positions.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PositionSet {
    listed: RoaringBitmap,
    /// Whether the set is everything but what is listed.
    complement: bool,
}

impl PositionSet {
    pub(super) fn nothing() -> Self {
        Self::of(RoaringBitmap::new())
    }

    pub(super) fn everything() -> Self {
        Self { listed: RoaringBitmap::new(), complement: true }
    }

    pub(super) fn of(listed: RoaringBitmap) -> Self {
        Self { listed, complement: false }
    }

    pub(super) fn complement(self) -> Self {
        Self { listed: self.listed, complement: !self.complement }
    }

    pub(super) fn and(mut self, other: &Self) -> Self {
        match (self.complement, other.complement) {
            (false, false) => self.listed &= &other.listed,
            (false, true) => self.listed -= &other.listed,
            (true, false) => return Self::of(&other.listed - &self.listed),
            (true, true) => self.listed |= &other.listed,
        }
        self
    }

    pub(super) fn or(self, other: &Self) -> Self {
        // The law of De Morgan, with the complements folded in.
        match (self.complement, other.complement) {
            (false, false) => Self::of(self.listed | &other.listed),
            (false, true) => Self { listed: &other.listed - &self.listed, complement: true },
            (true, false) => Self { listed: self.listed - &other.listed, complement: true },
            (true, true) => Self { listed: self.listed & &other.listed, complement: true },
        }
    }

    /// What is in this set and not in another.
    pub(super) fn without(self, other: &Self) -> Self {
        match (self.complement, other.complement) {
            (false, false) => Self::of(self.listed - &other.listed),
            (false, true) => Self::of(self.listed & &other.listed),
            (true, false) => Self { listed: self.listed | &other.listed, complement: true },
            (true, true) => Self::of(&other.listed - &self.listed),
        }
    }

    /// How many positions of `0..universe` are in the set.
    pub(super) fn len(&self, universe: u32) -> u64 {
        let listed = self.listed.len();
        if self.complement { u64::from(universe).saturating_sub(listed) } else { listed }
    }

    /// Whether no position of `0..universe` is in the set.
    pub(super) fn is_empty(&self, universe: u32) -> bool {
        if self.complement { self.listed.len() >= u64::from(universe) } else { self.listed.is_empty() }
    }

    pub(super) fn contains(&self, position: u32) -> bool {
        self.listed.contains(position) != self.complement
    }

    /// How many of these positions are in the set.
    pub(super) fn len_in(&self, positions: Range<u32>) -> u64 {
        let listed = self.listed.range_cardinality(positions.clone());
        if self.complement { u64::from(positions.end - positions.start).saturating_sub(listed) } else { listed }
    }

    /// How many positions of a bitmap are in the set.
    pub(super) fn len_within(&self, bitmap: &RoaringBitmap) -> u64 {
        let listed = self.listed.intersection_len(bitmap);
        if self.complement { bitmap.len() - listed } else { listed }
    }

    /// Appends those of these positions that are in the set, in order.
    pub(super) fn extend_with(&self, positions: Range<u32>, out: &mut Vec<u32>) {
        if !self.complement {
            out.extend(self.listed.range(positions));
        } else if self.listed.range_cardinality(positions.clone()) == 0 {
            out.extend(positions);
        } else {
            out.extend(positions.filter(|&position| !self.listed.contains(position)));
        }
    }

    /// The blocks that hold a position of the set, in order.
    pub(super) fn blocks(&self, zones: &[Zone]) -> Vec<usize> {
        if self.complement {
            let holds_any = |zone: &Zone| self.len_in(positions_of(zone)) > 0;
            return zones.iter().enumerate().filter(|(_, zone)| holds_any(zone)).map(|(block, _)| block).collect();
        }
        let mut blocks = Vec::new();
        let mut positions = self.listed.iter();
        while let Some(position) = positions.next() {
            let Some(block) = block_of(zones, position) else { continue };
            blocks.push(block);
            positions.advance_to(zones[block].first + zones[block].count);
        }
        blocks
    }
}

/// The positions of a block.
pub(super) fn positions_of(zone: &Zone) -> Range<u32> {
    zone.first..zone.first + zone.count
}

/// The block that holds a position.
pub(super) fn block_of(zones: &[Zone], position: u32) -> Option<usize> {
    zones.partition_point(|zone| zone.first <= position).checked_sub(1)
}

/// Builds a bitmap from ranges that come in order, joining those that touch.
#[derive(Default)]
pub(super) struct RangeJoiner {
    joined: RoaringBitmap,
    open: Range<u32>,
}

impl RangeJoiner {
    pub(super) fn push(&mut self, range: Range<u32>) {
        if self.open.end == range.start {
            self.open.end = range.end;
        } else {
            self.joined.insert_range(std::mem::replace(&mut self.open, range));
        }
    }

    pub(super) fn finish(mut self) -> RoaringBitmap {
        self.joined.insert_range(self.open);
        self.joined
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    const UNIVERSE: u32 = 24;

    fn any_set() -> impl Strategy<Value = (PositionSet, BTreeSet<u32>)> {
        (proptest::collection::btree_set(0..UNIVERSE, 0..20), any::<bool>()).prop_map(|(model, complement)| {
            let set = PositionSet::of(model.iter().copied().collect());
            if complement {
                (set.complement(), (0..UNIVERSE).filter(|position| !model.contains(position)).collect())
            } else {
                (set, model)
            }
        })
    }

    fn listed(set: &PositionSet) -> BTreeSet<u32> {
        let mut positions = Vec::new();
        set.extend_with(0..UNIVERSE, &mut positions);
        positions.into_iter().collect()
    }

    proptest! {
        #[test]
        fn the_algebra_is_that_of_sets(
            (a, a_model) in any_set(),
            (b, b_model) in any_set(),
            cuts in proptest::collection::btree_set(1..UNIVERSE, 0..6),
        ) {
            prop_assert_eq!(listed(&a.clone().and(&b)), &a_model & &b_model);
            prop_assert_eq!(listed(&a.clone().or(&b)), &a_model | &b_model);
            prop_assert_eq!(listed(&a.clone().without(&b)), &a_model - &b_model);
            prop_assert_eq!(a.len(UNIVERSE), a_model.len() as u64);
            prop_assert_eq!(a.is_empty(UNIVERSE), a_model.is_empty());
            prop_assert!((0..UNIVERSE).all(|position| a.contains(position) == a_model.contains(&position)));
            let bitmap: RoaringBitmap = b_model.iter().copied().collect();
            prop_assert_eq!(a.len_within(&bitmap), a_model.intersection(&b_model).count() as u64);

            let bounds: Vec<u32> = [0].into_iter().chain(cuts).chain([UNIVERSE]).collect();
            let zones: Vec<Zone> = bounds
                .windows(2)
                .map(|pair| Zone { first: pair[0], count: pair[1] - pair[0], min_us: 0, max_us: 0 })
                .collect();
            let filled = |zone: &Zone| a_model.range(positions_of(zone)).count() as u64;
            let expected: Vec<usize> = (0..zones.len()).filter(|&block| filled(&zones[block]) > 0).collect();
            prop_assert_eq!(a.blocks(&zones), expected);
            prop_assert!(zones.iter().all(|zone| a.len_in(positions_of(zone)) == filled(zone)));
        }

        #[test]
        fn joined_ranges_are_their_union(cuts in proptest::collection::vec((0u32..4, 0u32..4), 0..8)) {
            let (mut joiner, mut expected, mut at) = (RangeJoiner::default(), RoaringBitmap::new(), 0);
            for (gap, length) in cuts {
                let range = at + gap..at + gap + length;
                at = range.end;
                expected.insert_range(range.clone());
                joiner.push(range);
            }
            prop_assert_eq!(joiner.finish(), expected);
        }
    }
}
