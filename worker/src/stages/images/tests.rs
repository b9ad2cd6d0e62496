//! Tests of images.

use std::cell::Cell;

use sweep::group::Dtype;

use super::*;
use crate::device::tests::ALONE;
use crate::example;

/// What is taken of five images in two batches, the first of which is tried again in halves.
fn taken(pixels: &Pixels, threads: usize, traffic: &Traffic) -> (Vec<Vec<f32>>, Tensor, Option<Tensor>) {
    let (mut seen, mut rows) = (Vec::new(), Vec::new());
    let all = std::thread::scope(|scope| {
        let mut prefetch = pixels.prefetch(scope, threads, traffic);
        for (n, done) in [(4, 0), (2, 2), (2, 2), (1, 1)] {
            let batch = prefetch.next(n, |image| seen.push(image)).unwrap();
            rows.push(batch.narrow(0, 0, done).copy());
            prefetch.done(done);
            // Images are staged once, when they are taken for the first time.
            assert_eq!(prefetch.staged().is_empty(), traffic.stage.is_none() || n == 2, "{n}");
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
    let staged = |resident| Traffic {
        resident,
        stage: Some(|values, _| Tensor::f_from_slice(values)),
        ..Traffic::of(Device::Cpu)
    };
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

fn staged_once_there_is_room(values: &[f32], _: Device) -> Result<Tensor, TchError> {
    let left = FULL.replace(FULL.get().saturating_sub(1));
    if left > 0 {
        return Err(TchError::Torch("CUDA out of memory. Tried to allocate 20.00 MiB".to_owned()));
    }
    Tensor::f_from_slice(values)
}

#[test]
fn an_image_that_meets_full_memory_is_taken_again_and_none_is_lost_or_in_anothers_place() {
    let _alone = ALONE.lock();
    let group = Arc::new(example::group("none".as_ref(), Dtype::Float32));
    let pixels = Pixels::new(&group, 0, [2, 2, 1], preprocess::Pixels::Bytes((0..20).collect()));
    let expected: Vec<Vec<f32>> = (0..5).map(|at| pixels.image(at).unwrap()).collect();
    let traffic = Traffic { stage: Some(staged_once_there_is_room), ..Traffic::of(Device::Cpu) };
    let mut seen = Vec::new();
    std::thread::scope(|scope| {
        let mut prefetch = pixels.prefetch(scope, 2, &traffic);
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
