//! Maps that kernels round to half precision, beside libtorch's rounding.

use std::rc::Rc;

use tch::{Device, Kind, Tensor};

use crate::devices::gpu::launch::Launch;
use crate::devices::gpu::launch::emulated::Emulated;
use crate::devices::gpu::rounding::by_kernels;

/// Rounds one map of such values and gives the bits of the halves and the three facts.
fn rounded(maps: &[&[f32]]) -> (Vec<u16>, Vec<f32>) {
    let launch: Rc<dyn Launch> = Rc::new(Emulated::default());
    let values = Tensor::from_slice(&maps.concat()).view([maps.len() as i64, -1]);
    let found = by_kernels(&launch, &values).unwrap();
    (bits(&found.values), Vec::try_from(found.facts.view([-1])).unwrap())
}

fn bits(halves: &Tensor) -> Vec<u16> {
    let bits: Vec<i16> = Vec::try_from(halves.view_dtype(Kind::Int16).view([-1])).unwrap();
    bits.into_iter().map(i16::cast_unsigned).collect()
}

/// All halves that are finite, what lies in the middle between two and beside that, and more, in both signs.
#[test]
pub(super) fn every_half_and_every_middle_between_two_is_rounded_as_libtorch_does() {
    let bits = Tensor::arange(0x7c00, (Kind::Int16, Device::Cpu));
    let halves: Vec<f32> = Vec::try_from(bits.view_dtype(Kind::Half).to_kind(Kind::Float)).unwrap();
    let middles = halves.windows(2).map(|two| f32::midpoint(two[0], two[1])).chain([65520.0]);
    let beside = middles.flat_map(|middle| [middle.to_bits() - 1, middle.to_bits(), middle.to_bits() + 1]);
    let more = [f32::MAX, f32::INFINITY, f32::MIN_POSITIVE, f32::from_bits(1)];
    let mut values: Vec<f32> = halves.iter().copied().chain(beside.map(f32::from_bits)).chain(more).collect();
    values.extend(values.clone().into_iter().map(|value| -value));
    let (bits, facts) = rounded(&[&values]);
    let expected: Vec<u16> = self::bits(&Tensor::from_slice(&values).to_kind(Kind::Half));
    for ((bits, expected), value) in bits.iter().zip(&expected).zip(&values) {
        assert_eq!(bits, expected, "{value} ({:x})", value.to_bits());
    }
    let others = values.iter().filter(|value| **value != 0.0).count();
    assert_eq!(facts, [f32::INFINITY, others as f32, 65520.0]);
    // Not a number, and not infinite.
    assert!(rounded(&[&[f32::NAN]]).0[0] & 0x7fff > 0x7c00);
}

/// Maps of fewer values than threads share one, of as many, and of more.
#[test]
pub(super) fn what_is_told_of_a_map_is_told_of_that_map_wherever_the_value_lies() {
    for values in [1, 5, 1023, 1024, 1025, 3000] {
        for at in [0, values / 2, values - 1] {
            let mut maps = vec![vec![0.0_f32; values]; 4];
            maps[0].fill(0.25);
            maps[1][at] = -7e4;
            maps[2][at] = f32::NAN;
            maps[3][at] = -65519.0;
            maps[0][at] = -2.0;
            let maps: Vec<&[f32]> = maps.iter().map(Vec::as_slice).collect();
            let (bits, facts) = rounded(&maps);
            assert_eq!(bits.len(), 4 * values);
            assert!(facts[2].is_nan(), "{facts:?}");
            assert_eq!([facts[0], facts[1], facts[3]], [2.0, 7e4, 65519.0]);
            assert_eq!(facts[4..8], [values as f32, 1.0, 1.0, 1.0]);
            assert_eq!(facts[8..], [0.0, -7e4, 0.0, 0.0], "{values} {at}");
        }
    }
}
