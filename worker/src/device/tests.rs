//! Memory of this process, counted and resident.

use std::sync::Mutex;

use machine::this_process;
use tch::{Device, Kind, Tensor};

use super::allocator;
use super::host_memory::{forget_peak, limit, peak, settle, used};

/// The counts are those of the whole process: tests of them do not run side by side.
pub(crate) static ALONE: Mutex<()> = Mutex::new(());

#[test]
fn tensors_and_vectors_are_counted_and_tensors_beyond_the_limit_refused() {
    const SIZE: usize = 256 << 20;
    let _alone = ALONE.lock();
    allocator::count();
    settle();
    // What is resident besides changes a little, and other tests run.
    let near = |found: u64, expected: usize| found.abs_diff(expected as u64) < SIZE as u64 / 4;
    let before = used();
    let tensor = Tensor::f_zeros([SIZE as i64], (Kind::Uint8, Device::Cpu)).unwrap();
    let vector = std::hint::black_box(vec![1_u8; SIZE]);
    assert!(near(used() - before, 2 * SIZE), "{} {before}", used());
    drop((tensor, vector));
    assert!(near(used(), before as usize) && near(peak(), before as usize + 2 * SIZE));
    forget_peak();
    assert!(near(peak(), before as usize));
    let _unlimited = Unlimited;
    limit(used() + SIZE as u64);
    let refused = Tensor::f_zeros([2 * SIZE as i64], (Kind::Uint8, Device::Cpu)).unwrap_err().to_string();
    assert!(refused.contains("out of memory: 536870912 bytes more than the worker may hold"), "{refused}");
    assert!(Tensor::f_zeros([SIZE as i64 / 2], (Kind::Uint8, Device::Cpu)).is_ok());
}

/// Takes the limit away, however a test ends.
struct Unlimited;

impl Drop for Unlimited {
    fn drop(&mut self) {
        limit(u64::MAX);
    }
}

/// Gaps of 96 KiB between what stays, so that none is given back by itself; and tensors that do not fit into them.
#[test]
fn what_is_resident_keeps_the_limit_although_the_c_library_keeps_what_was_given_back() {
    const GAP: i64 = 96 << 10;
    const ROOM: u64 = 96 << 20;
    let (_alone, _unlimited) = (ALONE.lock(), Unlimited);
    allocator::count();
    settle();
    let take = |size: i64| Tensor::f_ones([size], (Kind::Uint8, Device::Cpu)).unwrap();
    let (gaps, _stays): (Vec<Tensor>, Vec<Tensor>) = (0..2500).map(|_| (take(GAP), take(64))).unzip();
    drop(gaps);
    let kept = this_process::resident() - used();
    assert!(kept > 2 * ROOM, "the C library keeps {kept} bytes only");
    let allowed = used() + ROOM;
    limit(allowed);
    let tensors: Vec<_> = (0..8).map(|_| take(2 << 20)).collect();
    let resident = this_process::resident();
    // Other tests run beside this one.
    assert!(resident < allowed + ROOM / 4, "{resident} of {allowed}, {} tensors", tensors.len());
}

#[test]
fn the_peak_remembers_what_was_freed_until_it_is_told_to_forget() {
    const SIZE: usize = 256 << 20;
    let _alone = ALONE.lock();
    let before = this_process::resident();
    // Not zeros, which need no memory.
    drop(std::hint::black_box(vec![1_u8; SIZE]));
    assert!(this_process::peak() >= before + SIZE as u64 / 2);
    this_process::forget_peak();
    assert!(this_process::peak() < before + SIZE as u64 / 2);
}
