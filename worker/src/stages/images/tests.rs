//! Tests of images.

use std::cell::Cell;

use network::Operators;
use sweep::group::Dtype;

use super::*;
use crate::device::tests::ALONE;
use crate::example;

fn memory(bytes: i64, _: Device) -> Result<Tensor, TchError> {
    Tensor::f_empty([bytes], (Kind::Uint8, Device::Cpu))
}

/// What is taken of five images in two batches, the first of which is tried again in halves.
fn taken(pixels: &Pixels, threads: usize, traffic: &Traffic) -> (Vec<Vec<f32>>, Tensor, Option<Tensor>) {
    let (mut seen, mut rows) = (Vec::new(), Vec::new());
    let all = std::thread::scope(|scope| {
        let mut prefetch = pixels.prefetch(scope, (threads, 4), traffic);
        for (n, done) in [(4, 0), (2, 2), (2, 2), (1, 1)] {
            let batch = prefetch.next(n, |image| seen.push(image)).unwrap();
            rows.push(batch.narrow(0, 0, done).copy());
            prefetch.done(done);
            // Images are staged once, when they are taken for the first time.
            assert_eq!(prefetch.staged().is_empty(), traffic.staging.is_none() || n == 2, "{n}");
        }
        prefetch.all()
    });
    (seen, Tensor::cat(&rows, 0), all)
}

#[test]
fn images_come_in_order_however_many_threads_make_them_and_wherever_they_stay() {
    let _alone = ALONE.lock();
    let group = Arc::new(example::group("none".as_ref(), Dtype::Float32));
    let pixels = Pixels::new(&group, 0, [2, 2, 1], preprocess::Pixels::Bytes((0..20).collect()));
    let expected: Vec<Vec<f32>> = (0..5).map(|at| pixels.image(at).unwrap()).collect();
    let tensor = Tensor::from_slice(&expected.concat()).view([5, 1, 2, 2]);
    let staged =
        |resident| Traffic { resident, staging: Some(Pinned::of(Device::Cpu, memory)), ..Traffic::of(Device::Cpu) };
    // Of 16 bytes each.
    for (traffic, stays) in [(Traffic::of(Device::Cpu), false), (staged(79), false), (staged(80), true)] {
        for threads in [1, 2, 3, 8] {
            let (seen, batches, all) = taken(&pixels, threads, &traffic);
            assert_eq!((&seen, &batches), (&expected, &tensor), "{threads} threads");
            assert_eq!(all.is_some(), stays);
            let Some(all) = all else { continue };
            assert_eq!(all, tensor);
            let mut again = Prefetch::of(all);
            for (first, n) in [(0, 3), (3, 2)] {
                let batch = again.next(n, |_| panic!("made again")).unwrap();
                assert_eq!(batch, tensor.narrow(0, first, n));
                again.done(n);
            }
        }
    }
}

thread_local! {
    /// How often staging fails on a thread; on those that make images, always.
    static FULL: Cell<u32> = const { Cell::new(u32::MAX) };
}

fn memory_once_there_is_room(bytes: i64, device: Device) -> Result<Tensor, TchError> {
    let left = FULL.replace(FULL.get().saturating_sub(1));
    if left > 0 {
        return Err(TchError::Torch("CUDA out of memory. Tried to allocate 20.00 MiB".to_owned()));
    }
    memory(bytes, device)
}

#[test]
fn an_image_that_meets_full_memory_is_taken_again_and_none_is_lost_or_in_anothers_place() {
    let _alone = ALONE.lock();
    let group = Arc::new(example::group("none".as_ref(), Dtype::Float32));
    let pixels = Pixels::new(&group, 0, [2, 2, 1], preprocess::Pixels::Bytes((0..20).collect()));
    let expected: Vec<Vec<f32>> = (0..5).map(|at| pixels.image(at).unwrap()).collect();
    let staging = Some(Pinned::of(Device::Cpu, memory_once_there_is_room));
    let traffic = Traffic { staging, ..Traffic::of(Device::Cpu) };
    let mut seen = Vec::new();
    std::thread::scope(|scope| {
        let mut prefetch = pixels.prefetch(scope, (2, 3), &traffic);
        for n in [3, 2] {
            FULL.set(2);
            for _ in 0..2 {
                let error = prefetch.next(n, |image| seen.push(image)).unwrap_err();
                assert!(error.to_string().contains("out of memory"), "{error}");
            }
            let batch = prefetch.next(n, |image| seen.push(image)).unwrap();
            let wanted = expected[seen.len() - n as usize..seen.len()].concat();
            assert_eq!(batch, Tensor::from_slice(&wanted).view([n, 1, 2, 2]));
            prefetch.done(n);
        }
    });
    assert_eq!(seen, expected);
}

/// Memory that was taken: whoever feeds a GPU takes none, and copies nothing in between.
static TAKEN: AtomicU64 = AtomicU64::new(0);

fn counted(bytes: i64, device: Device) -> Result<Tensor, TchError> {
    TAKEN.fetch_add(1, Relaxed);
    memory(bytes, device)
}

#[test]
fn a_batch_lies_in_one_memory_that_its_makers_have_written_and_goes_to_the_device_with_one_copy() {
    let _alone = ALONE.lock();
    let group = Arc::new(example::group("none".as_ref(), Dtype::Float32));
    let pixels = Pixels::new(&group, 0, [2, 2, 1], preprocess::Pixels::Bytes((0..20).collect()));
    let traffic = Traffic { staging: Some(Pinned::of(Device::Cpu, counted)), ..Traffic::of(Device::Cpu) };
    for threads in [1, 2, 3, 8] {
        std::thread::scope(|scope| {
            let mut prefetch = pixels.prefetch(scope, (threads, 3), &traffic);
            for n in [3, 2] {
                let (batch, asked) = Operators::of(|| prefetch.next(n, drop).unwrap());
                // Four values of four bytes each; and no other operator than the copy writes anything.
                assert_eq!(asked.crossings(Crossing::Sent), [1, 16 * n as usize], "{threads} threads: {asked:?}");
                assert_eq!((asked.copies(), asked.computing()), (1, 0), "{asked:?}");
                let staged = prefetch.staged();
                assert_eq!(staged.len(), 1);
                assert_eq!(staged[0].shown(0, n as usize).unwrap(), batch.view([n, 4]));
                prefetch.done(n);
            }
        });
    }
    // Of two batches at once, whatever the number of threads and rounds.
    assert!((1..=2).contains(&TAKEN.load(Relaxed)), "{TAKEN:?}");
}
