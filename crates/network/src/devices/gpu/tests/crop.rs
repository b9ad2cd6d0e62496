//! The kernels that cut boxes out beside a slow reference, on geometries without a pattern.

use std::rc::Rc;

use tch::{Kind, Tensor};

use super::{last, wave};
use crate::devices::gpu::crop::Crops;
use crate::devices::gpu::launch::emulated::Emulated;
use crate::graph::{Cut, Cutter, GROUPS, Patches};

/// Numbers without a pattern.
struct Numbers(u64);

impl Numbers {
    /// A number from `least` to `most`.
    fn upto(&mut self, least: i64, most: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        least + ((self.0 >> 33) % (most - least + 1) as u64) as i64
    }
}

/// Patches of one size: how many there are for each image, and the number of the first.
struct Group {
    values: Option<Tensor>,
    size: [i64; 2],
    first: i64,
    count: i64,
}

/// A geometry, and where each window's box lies.
struct Case {
    map: Tensor,
    images: i64,
    groups: Vec<Group>,
    rows: Vec<[i32; 6]>,
    size: [i64; 2],
    outside: f64,
}

impl Case {
    fn any(numbers: &mut Numbers) -> Self {
        let (images, channels) = (numbers.upto(1, 3), [1, 3, 4, 8, 9, 12, 17][numbers.upto(0, 6) as usize]);
        let [height, width] = [0; 2].map(|_| numbers.upto(1, 12));
        let whole = if numbers.upto(0, 3) == 0 { 1 } else { images };
        let map = wave(&[whole, channels, height, width], 0.37 + numbers.upto(0, 99) as f64 / 1e3);
        let groups: Vec<Group> = (0..numbers.upto(0, GROUPS as i64))
            .map(|at| {
                let (size, count) = ([0; 2].map(|_| numbers.upto(1, 6)), numbers.upto(0, 3));
                let values = wave(&[count * images, channels, size[0], size[1]], 0.61 + at as f64);
                Group { values: (count > 0).then_some(values), size, first: numbers.upto(0, 5), count }
            })
            .collect();
        let row = |_| {
            let group = numbers.upto(-1, groups.len() as i64 - 1);
            let of = usize::try_from(group).ok().map(|group| &groups[group]).filter(|group| group.count > 0);
            let [top, box_top] = [0; 2].map(|_| numbers.upto(-4, height + 2));
            let [left, box_left] = [0; 2].map(|_| numbers.upto(-4, width + 2));
            let number = of.map_or(-1, |group| group.first + numbers.upto(0, group.count - 1));
            [top, left, if of.is_some() { group } else { -1 }, number, box_top, box_left].map(|number| number as i32)
        };
        let rows = (0..5).map(row).collect();
        let outside = if numbers.upto(0, 1) == 0 { 0.0 } else { f64::NEG_INFINITY };
        Self { map, images, groups, rows, size: [0; 2].map(|_| numbers.upto(1, 9)), outside }
    }

    /// By the kernels, in launches of at most so many values.
    fn found(&self, is_last: bool, most: i64) -> Tensor {
        let laid = |values: &Tensor| if is_last { last(values) } else { values.shallow_clone() };
        let values: Vec<Option<Tensor>> = self.groups.iter().map(|group| group.values.as_ref().map(laid)).collect();
        let patches = self.groups.iter().zip(&values);
        let patches = patches.map(|(group, values)| Patches {
            values: values.as_ref(),
            size: group.size,
            first: group.first as usize,
        });
        let sources = Tensor::from_slice(&self.rows.concat()).view([-1, 6]);
        let mut crops = Crops::by(Rc::new(Emulated::default()));
        crops.most = most;
        let (map, patches) = (laid(&self.map), patches.collect());
        let (images, size, outside) = (self.images, self.size, self.outside);
        crops.cut(&Cut { map: &map, images, patches, sources: &sources, size, outside }).unwrap()
    }

    /// The value of a row, a channel and a pixel.
    fn expected(&self, row: i64, channel: i64, [y, x]: [i64; 2]) -> f64 {
        let [top, left, group, number, box_top, box_left] = self.rows[(row / self.images) as usize].map(i64::from);
        let (image, y, x) = (row % self.images, top + y, left + x);
        let is_in = |y: i64, x: i64, [height, width]: [i64; 2]| (0..height).contains(&y) && (0..width).contains(&x);
        if let Ok(group) = usize::try_from(group) {
            let group = &self.groups[group];
            if is_in(y - box_top, x - box_left, group.size) {
                let row = (number - group.first) * self.images + image;
                return group.values.as_ref().unwrap().double_value(&[row, channel, y - box_top, x - box_left]);
            }
        }
        let size = self.map.size();
        if !is_in(y, x, [size[2], size[3]]) {
            return self.outside;
        }
        self.map.double_value(&[if size[0] == 1 { 0 } else { image }, channel, y, x])
    }
}

#[test]
pub(super) fn a_box_has_the_patch_where_it_lies_and_the_map_around_it() {
    let mut numbers = Numbers(7);
    for round in 0..60 {
        let case = Case::any(&mut numbers);
        let parts = [(false, 1 << 31), (true, 1 << 31), (false, 70), (true, 70)];
        let found = parts.map(|(is_last, most)| case.found(is_last, most));
        let [rows, channels, height, width] = found[0].size()[..] else { panic!("four dimensions") };
        assert_eq!((rows, [height, width]), (5 * case.images, case.size));
        let found: Vec<Vec<f32>> = found.iter().map(super::kernels::values).collect();
        let mut at = 0;
        for row in 0..rows {
            for (channel, pixel) in (0..channels).flat_map(|c| (0..height * width).map(move |pixel| (c, pixel))) {
                let expected = case.expected(row, channel, [pixel / width, pixel % width]);
                for (found, how) in found.iter().zip(parts) {
                    // The same bits: a box is a copy.
                    assert!(f64::from(found[at]) == expected, "{round}, {how:?}: row {row}, {channel}, {pixel}");
                }
                at += 1;
            }
        }
    }
}

/// Four channels at once are read where memory begins at a multiple of sixteen bytes, and nowhere else.
#[test]
fn memory_may_begin_anywhere() {
    let moved = wave(&[1 + 2 * 5 * 5 * 8], 0.37).narrow(0, 1, 2 * 5 * 5 * 8);
    let map = moved.view([2, 5, 5, 8]).permute([0, 3, 1, 2]);
    let sources = Tensor::from_slice(&[-1, 2, -1, -1, 0, 0]).view([1, 6]);
    let launch = Rc::new(Emulated::default());
    let cut = Cut { map: &map, images: 2, patches: Vec::new(), sources: &sources, size: [3, 3], outside: 0.0 };
    let found = Crops::by(Rc::clone(&launch) as Rc<_>).cut(&cut).unwrap();
    assert_eq!(launch.launches.borrow().keys().map(|name| name.to_str().unwrap()).collect::<Vec<_>>(), ["crop_last"]);
    let expected = Tensor::zeros([2, 8, 3, 3], (Kind::Float, tch::Device::Cpu));
    expected.narrow(2, 1, 2).copy_(&map.narrow(2, 0, 2).narrow(3, 2, 3));
    assert!(found.equal(&expected));
}

#[test]
fn what_does_not_fit_together_is_refused_with_its_shapes() {
    let (map, sources) = (wave(&[2, 3, 5, 5], 0.37), Tensor::from_slice(&[0, 0, 0, 0, 0, 0]).view([1, 6]));
    let of = |values: &Tensor, images: i64| {
        let patches = vec![Patches { values: Some(values), size: [2, 2], first: 0 }];
        Crops::by(Rc::new(Emulated::default()))
            .cut(&Cut { map: &map, images, patches, sources: &sources, size: [3, 3], outside: 0.0 })
            .map_err(|error| error.to_string())
    };
    assert!(of(&wave(&[2, 3, 2, 2], 0.1), 2).is_ok());
    let double = wave(&[2, 3, 2, 2], 0.1).to_kind(Kind::Double);
    for (values, images) in
        [(wave(&[2, 4, 2, 2], 0.1), 2), (wave(&[2, 3, 2, 3], 0.1), 2), (double, 2), (wave(&[2, 3, 2, 2], 0.1), 3)]
    {
        let error = of(&values, images).unwrap_err();
        assert!(error.contains("boxes of") && error.contains("[2, 3, 5, 5]"), "{error}");
    }
}
