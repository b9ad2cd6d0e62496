//! Boxes of values: how they grow, and which are computed together.

use std::collections::BTreeMap;

use crate::graph::Reach;

/// Number of different sizes along one axis on CPUs, where the environment gives no other number.
pub(super) const SIZES: usize = 4;
/// Pixels that cost as much as one more group: its weights are read once more, at 2 operations for each product
/// of a pixel against 4 bytes for each weight.
const GROUP: i64 = 32;

/// A box of a map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Area {
    pub(crate) top: i64,
    pub(crate) left: i64,
    pub(crate) height: i64,
    pub(crate) width: i64,
}

impl From<[i64; 4]> for Area {
    /// The box `[top, left, height, width]`.
    fn from([top, left, height, width]: [i64; 4]) -> Self {
        Self { top, left, height, width }
    }
}

impl Area {
    pub(super) fn pixels(self) -> usize {
        (self.height * self.width) as usize
    }

    fn axes(self) -> [(i64, i64); 2] {
        [(self.top, self.height), (self.left, self.width)]
    }

    fn from_axes([(top, height), (left, width)]: [(i64, i64); 2]) -> Self {
        Self { top, left, height, width }
    }

    /// The outputs, of a map of `size`, that see any pixel of the box.
    pub(super) fn reaching(self, reach: Reach, size: [i64; 2]) -> Self {
        let Reach::Window { kernel, stride, padding, dilation } = reach else { return self };
        let axes = self.axes();
        Self::from_axes([0, 1].map(|axis| {
            let (start, length) = axes[axis];
            let whole = dilation[axis] * (kernel[axis] - 1);
            let first = (start + padding[axis] - whole + stride[axis] - 1).div_euclid(stride[axis]);
            let last = (start + length - 1 + padding[axis]).div_euclid(stride[axis]);
            let (first, last) = (first.clamp(0, size[axis] - 1), last.clamp(0, size[axis] - 1));
            (first, (last + 1 - first).max(1))
        }))
    }

    /// The area of the input that these outputs see, which may go beyond the border.
    pub(super) fn seen(self, reach: Reach) -> Self {
        let Reach::Window { kernel, stride, padding, dilation } = reach else { return self };
        let axes = self.axes();
        Self::from_axes([0, 1].map(|axis| {
            let (start, length) = axes[axis];
            let size = (length - 1) * stride[axis] + dilation[axis] * (kernel[axis] - 1) + 1;
            (start * stride[axis] - padding[axis], size)
        }))
    }

    /// The smallest box that holds both boxes.
    pub(super) fn with(self, other: Self) -> Self {
        let (ours, theirs) = (self.axes(), other.axes());
        Self::from_axes([0, 1].map(|axis| {
            let ((a, b), (c, d)) = (ours[axis], theirs[axis]);
            (a.min(c), (a + b).max(c + d) - a.min(c))
        }))
    }

    /// The smallest box of whole tiles with this one in it, counted from the first pixel of a map of `size`; all of
    /// the map along an axis that tiles do not divide.
    pub(super) fn in_tiles(self, tile: i64, size: [i64; 2]) -> Self {
        let axes = self.axes();
        Self::from_axes([0, 1].map(|axis| {
            let (start, length) = axes[axis];
            if size[axis] % tile != 0 {
                return (0, size[axis]);
            }
            let first = start / tile * tile;
            (first, (start + length - first + tile - 1) / tile * tile)
        }))
    }

    /// The box made larger, to `length` along each axis, inside of a map of `size`.
    fn grown(self, length: [i64; 2], size: [i64; 2]) -> Self {
        let axes = self.axes();
        Self::from_axes([0, 1].map(|axis| (axes[axis].0.min(size[axis] - length[axis]), length[axis])))
    }
}

/// The areas in groups of one size each, with their numbers, which rise. Along each axis there are up to `most` sizes: areas
/// grow to the next size, and the sizes are those that cost least.
pub(super) fn groups(areas: &[Area], size: [i64; 2], most: usize) -> Vec<Vec<(usize, Area)>> {
    let heights: Vec<i64> = areas.iter().map(|area| area.height).collect();
    let widths: Vec<i64> = areas.iter().map(|area| area.width).collect();
    let choices = (1..=most).flat_map(|down| (1..=most).map(move |across| (down, across)));
    let grouped = choices.map(|(down, across)| grouped(areas, size, [&steps(&heights, down), &steps(&widths, across)]));
    let cost = |groups: &Vec<Vec<(usize, Area)>>| {
        let pixels: i64 = groups.iter().flatten().map(|(_, area)| area.height * area.width).sum();
        pixels + GROUP * groups.len() as i64
    };
    grouped.min_by_key(cost).unwrap_or_default()
}

fn grouped(areas: &[Area], size: [i64; 2], steps: [&[i64]; 2]) -> Vec<Vec<(usize, Area)>> {
    let up = |length: i64, steps: &[i64]| steps.iter().copied().find(|step| *step >= length).unwrap_or(length);
    let mut groups: BTreeMap<[i64; 2], Vec<(usize, Area)>> = BTreeMap::new();
    for (at, area) in areas.iter().enumerate() {
        let length = [up(area.height, steps[0]), up(area.width, steps[1])];
        groups.entry(length).or_default().push((at, area.grown(length, size)));
    }
    groups.into_values().collect()
}

/// Lengths, up to `most` of the `lengths` in rising order and the largest among them, so that rounding all `lengths` up to the
/// next length adds as little as possible: a dynamic programme over the distinct lengths.
fn steps(lengths: &[i64], most: usize) -> Vec<i64> {
    let mut lengths = lengths.to_vec();
    lengths.sort_unstable();
    let mut distinct = lengths.clone();
    distinct.dedup();
    let count = |upto: i64| lengths.partition_point(|length| *length <= upto) as i64;
    // Of the first n distinct lengths: the least sum of rounded lengths, and the steps that give it.
    let mut best: Vec<(i64, Vec<i64>)> = distinct.iter().map(|&last| (last * count(last), vec![last])).collect();
    for _ in 1..most {
        let longer = distinct.iter().enumerate().map(|(at, &last)| {
            let split = (0..at).map(|before| {
                let (sum, steps) = &best[before];
                (sum + last * (count(last) - count(distinct[before])), [&steps[..], &[last]].concat())
            });
            split.chain([best[at].clone()]).min_by_key(|(sum, _)| *sum).unwrap_or_default()
        });
        best = longer.collect();
    }
    best.pop().map(|(_, steps)| steps).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A window of three with stride 2 and padding 1 sees some of the pixels 4 to 6 of ten as output 2 (pixels 3 to 5)
    /// and as output 3 (5 to 7). Both outputs together see pixels 3 to 7.
    #[test]
    fn a_box_reaches_the_windows_that_hold_it() {
        let reach = Reach::Window { kernel: [3; 2], stride: [2; 2], padding: [1; 2], dilation: [1; 2] };
        let area = Area { top: 4, left: 4, height: 3, width: 3 };
        let outputs = area.reaching(reach, [5, 5]);
        assert_eq!(outputs, Area { top: 2, left: 2, height: 2, width: 2 });
        assert_eq!(outputs.seen(reach), Area { top: 3, left: 3, height: 5, width: 5 });
    }

    #[test]
    fn every_output_that_sees_a_pixel_is_reached_whatever_the_window() {
        for (kernel, stride, padding, dilation) in
            [(3, 1, 1, 1), (7, 2, 3, 1), (2, 2, 0, 1), (3, 2, 1, 2), (1, 3, 0, 1)]
        {
            let reach = Reach::Window {
                kernel: [kernel; 2],
                stride: [stride; 2],
                padding: [padding; 2],
                dilation: [dilation; 2],
            };
            let outputs = (30 + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1;
            for start in 0..30 {
                let area = Area { top: start, left: 3, height: 2, width: 4 }.reaching(reach, [outputs; 2]);
                for output in 0..outputs {
                    let taps = (0..kernel).map(|tap| output * stride - padding + dilation * tap);
                    let sees = taps.into_iter().any(|pixel| pixel == start || pixel == start + 1);
                    let inside = (area.top..area.top + area.height).contains(&output);
                    assert!(inside || !sees, "kernel {kernel} stride {stride}, pixel {start}, output {output}");
                }
            }
        }
    }

    /// Lengths 3, 4, 7, 8, 20 of which four may stay: 3 and 4 cost least together.
    #[test]
    fn lengths_are_rounded_up_where_it_costs_least() {
        assert_eq!(steps(&[3, 4, 7, 7, 7, 8, 8, 20], 4), [4, 7, 8, 20]);
    }

    #[test]
    fn areas_grow_to_the_size_of_their_group_inside_of_the_map() {
        let lengths = [3, 4, 5, 6, 7];
        let areas: Vec<Area> =
            lengths.iter().map(|&length| Area { top: 10 - length, left: 0, height: length, width: 2 }).collect();
        let groups = groups(&areas, [10, 10], SIZES);
        assert_eq!(groups.iter().map(Vec::len).sum::<usize>(), lengths.len());
        for (at, area) in groups.into_iter().flatten() {
            assert!(area.top + area.height <= 10 && area.top <= areas[at].top, "{area:?}");
            assert!(area.with(areas[at]) == area, "{area:?} holds {:?}", areas[at]);
        }
    }
}
