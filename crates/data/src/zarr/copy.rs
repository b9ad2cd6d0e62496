//! Copies of boxes of elements between arrays of any order of axes.

use std::ops::Range;

/// Distances in elements from one index to the next, of each axis of an array of `shape` whose axes are stored in `order`, the
/// slowest first.
pub(super) fn strides(shape: &[u64], order: Option<&[usize]>) -> Vec<usize> {
    let mut strides = vec![0; shape.len()];
    let mut stride = 1;
    for place in (0..shape.len()).rev() {
        let axis = order.map_or(place, |order| order[place]);
        strides[axis] = stride;
        stride *= shape[axis] as usize;
    }
    strides
}

/// Elements of one side of a copy.
pub(super) struct Side<'a> {
    /// Distances in elements from one index to the next.
    pub(super) strides: &'a [usize],
    /// Index in the whole array at which this part of the array begins, for each axis.
    pub(super) origin: &'a [u64],
}

impl Side<'_> {
    fn at(&self, index: &[u64]) -> usize {
        let axes = index.iter().zip(self.origin).zip(self.strides);
        axes.map(|((at, origin), stride)| (at - origin) as usize * stride).sum()
    }
}

/// Copies the elements, `width` bytes each, with the indices `region` from one part of an array to another part.
pub(super) fn copy(
    region: &[Range<u64>],
    width: usize,
    (from, source): (&[u8], Side<'_>),
    (to, target): (&mut [u8], Side<'_>),
) {
    if region.iter().any(Range::is_empty) {
        return;
    }
    let last = region.len() - 1;
    let run = (region[last].end - region[last].start) as usize;
    let straight = source.strides[last] == 1 && target.strides[last] == 1;
    let mut index: Vec<u64> = region.iter().map(|range| range.start).collect();
    loop {
        let (a, b) = (source.at(&index) * width, target.at(&index) * width);
        if straight {
            to[b..b + run * width].copy_from_slice(&from[a..a + run * width]);
        } else {
            let (step, other) = (source.strides[last] * width, target.strides[last] * width);
            for at in 0..run {
                let (a, b) = (a + at * step, b + at * other);
                to[b..b + width].copy_from_slice(&from[a..a + width]);
            }
        }
        let Some(axis) = (0..last).rev().find(|axis| index[*axis] + 1 < region[*axis].end) else { return };
        index[axis] += 1;
        for behind in axis + 1..last {
            index[behind] = region[behind].start;
        }
    }
}
