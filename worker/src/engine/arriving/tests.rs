//! Tests of arriving.

use std::fs;

use store::attribution;
use sweep::unit::Part;

use super::*;
use crate::device::pinned::Pinned;
use crate::device::tests::ALONE;
use crate::example;
use crate::libtorch::copy::copy;
use crate::stages::computed::Computed;
use crate::stages::writer::Writer;

/// A device that puts what leaves elsewhere at once.
fn away() -> Traffic {
    let memory = Pinned::of(Device::Cpu, |bytes, _| Tensor::f_empty([bytes], (Kind::Uint8, Device::Cpu)));
    Traffic { away: Some(Away { memory, carry: Box::new(copy) }), ..Traffic::of(Device::Cpu) }
}

/// Bytes of a file, and shares of underflow by key.
type Stored = (Vec<u8>, Vec<(String, f32)>);

/// What is stored of `map` `[5, 1, 2, 2]`, which has left by `traffic`.
fn stored(map: &Tensor, dtype: Dtype, traffic: &Traffic) -> Result<Stored, UnitError> {
    let folder = tempfile::tempdir().unwrap();
    let group = example::group(folder.path(), dtype);
    example::store_of(&group);
    let mut writer = Writer::new(&group, "t".into(), Arc::default(), 2);
    let (key, mut all) = ("Saliency".to_owned(), Vec::new());
    Maps::leave(map, dtype, traffic)?.give(&key, 0, &mut |values| all.push(values))?;
    for values in all {
        writer.write(&group, Part::Shard(0), Computed::Map { key: key.clone(), values })?;
    }
    writer.write(&group, Part::Shard(0), Computed::MapsEnd { key: key.clone(), completeness: None })?;
    let file = |array: &str| fs::read(group.store.join(array).join("c.0.0.0.0")).unwrap_or_default();
    Ok((file(&attribution(&key)), writer.underflow))
}

/// Halves are 2^-24 apart near zero, and end at 65504: ties, values below all halves, and the last one that fits.
const VALUES: [f32; 20] = [
    1.0,
    -0.0,
    2.9e-8,
    3e-8,
    0.0,
    0.0,
    0.0,
    0.0,
    65504.0,
    65519.996,
    -65519.996,
    6.1e-5,
    2049.0,
    2051.0,
    -1e-9,
    1e-9,
    0.1,
    -0.333_333_34,
    5.960_464_5e-8,
    8.940_697e-8,
];

#[test]
fn what_a_device_rounds_is_stored_as_what_is_rounded_here_to_the_bit() {
    let _alone = ALONE.lock();
    let map = Tensor::from_slice(&VALUES).view([5, 1, 2, 2]);
    // As methods may give it: in another order in memory, or in double precision.
    let turned = map.transpose(2, 3).contiguous().transpose(2, 3);
    for map in [map.to_kind(Kind::Double), turned, map] {
        for dtype in [Dtype::Float16, Dtype::Float32] {
            let expected = stored(&map, dtype, &Traffic::of(Device::Cpu)).unwrap();
            assert!(!expected.0.is_empty() && expected.1.is_empty() == (dtype == Dtype::Float32));
            assert_eq!(stored(&map, dtype, &away()).unwrap(), expected, "{dtype:?}");
        }
    }
}

#[test]
fn what_cannot_be_stored_is_told_as_it_is_here() {
    let _alone = ALONE.lock();
    // The first value that does not fit is told, not the largest; and NaN or infinity before that, wherever in the image it is.
    let cases: [(&[(usize, f32)], &str); 6] = [
        (&[(13, -65520.0), (14, 1e9)], "image 3"),
        (&[(9, 1e5), (17, 1e6)], "image 2"),
        (&[(5, f32::NAN)], "image 1 holds NaN"),
        (&[(4, 1e6), (6, f32::NEG_INFINITY)], "image 1 holds NaN"),
        (&[(0, f32::INFINITY)], "image 0 holds NaN"),
        (&[(18, f32::NAN), (19, 1e9)], "image 4 holds NaN"),
    ];
    for (changes, part) in cases {
        let mut values = VALUES;
        for (at, value) in changes {
            values[*at] = *value;
        }
        let map = Tensor::from_slice(&values).view([5, 1, 2, 2]);
        let told = |traffic: &Traffic| stored(&map, Dtype::Float16, traffic).unwrap_err().text();
        let expected = told(&Traffic::of(Device::Cpu));
        assert!(expected.contains(part), "{expected}");
        assert_eq!(told(&away()), expected);
    }
}

#[test]
fn half_the_bytes_leave_and_without_kernels_of_ours_six_of_libtorch_say_what_is_lost() {
    let map = Tensor::ones([4, 3, 8, 8], (Kind::Float, Device::Cpu));
    let sizes = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
    let seen = std::rc::Rc::clone(&sizes);
    let mut traffic = away();
    let carry = move |to: &Tensor, from: &Tensor| {
        seen.borrow_mut().push(from.numel() * from.kind().elt_size_in_bytes());
        copy(to, from)
    };
    traffic.away.as_mut().unwrap().carry = Box::new(carry);
    let (maps, asked) = network::Operators::of(|| Maps::leave(&map, Dtype::Float16, &traffic));
    assert!(maps.is_ok());
    // Three numbers an image, and two bytes a value.
    assert_eq!(*sizes.borrow(), [4 * 3 * 4, 4 * 3 * 64 * 2]);
    // Six kernels, of which one is a copy that rounds, and the two copies that leave.
    assert_eq!((asked.computing() + asked.copies(), asked.read()), (6 + 2, 0), "{asked:?}");
}
