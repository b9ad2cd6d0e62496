//! Tests of windows.

use network::{Weights, models};
use tch::Kind;

use super::*;
use crate::Origin;

/// Captum 0.9 on n = 6, window 3, stride 2: three windows, the last one cut to two pixels.
#[test]
fn the_last_window_is_cut_off_at_the_edge() {
    let columns: Vec<[i64; 2]> = windows([1, 1, 6], [1, 1, 3], [1, 1, 2]).iter().map(|window| window.0[2]).collect();
    assert_eq!(columns, [[0, 3], [2, 5], [4, 6]]);
}

#[test]
fn windows_as_far_apart_as_they_are_wide_cover_every_pixel_once() {
    for (size, patch) in [(28, 16), (28, 14), (224, 8), (30, 7)] {
        let mut covered = vec![0; (size * size) as usize];
        for Window([_, [top, bottom], [left, right]]) in windows([3, size, size], [3, patch, patch], [3, patch, patch])
        {
            (top..bottom).for_each(|y| (left..right).for_each(|x| covered[(y * size + x) as usize] += 1));
        }
        assert!(covered.iter().all(|count| *count == 1), "{size} px in patches of {patch}");
    }
}

/// As a GPU computes it, and as the CPU does.
#[test]
fn hiding_windows_in_whole_images_gives_what_changing_their_boxes_gives() {
    let graph = models::load("resnet18", &Weights::random(3, 5), (Device::Cpu, Kind::Double)).unwrap();
    let images = Tensor::f_rand([3, 3, 32, 32], (Kind::Double, Device::Cpu)).unwrap();
    let targets = Tensor::from_slice(&[0_i64, 4, 2]);
    let origin = Origin { seed: 0, dataset: ("d", "test"), first: 0, chosen: None, mean: None, known: None };
    // Seven rows: two variations of three images at once.
    let pass = Pass::new(&graph, images, targets, 7, origin);
    let hidden = pass.images().f_zeros_like().unwrap();
    let windows = windows([3, 32, 32], [2, 12, 9], [1, 10, 9]);
    let whole = losses_of_whole(&pass, &hidden, &windows).unwrap();
    let boxes = losses(&pass, &hidden, &windows).unwrap();
    assert_eq!(whole.size(), [windows.len() as i64, 3]);
    assert!(whole.allclose(&boxes, 1e-9, 1e-9, false));
    assert!(f64::try_from(whole.abs().max()).unwrap() > 1e-3);
}

/// As a GPU with kernels of ours computes it, here by emulated ones, which the environment of a process asks for: the test runs
/// itself again. Windows of all channels and of one, of which some are cut off; images and windows in parts.
#[test]
fn planned_boxes_of_an_emulated_gpu_lose_what_whole_images_lose() {
    if !settings::emulates_gpu() {
        let name = "windows::tests::planned_boxes_of_an_emulated_gpu_lose_what_whole_images_lose";
        let mut again = std::process::Command::new(std::env::current_exe().unwrap());
        // `none` is the plain graph, on a GPU too: there would be no boxes.
        let again = again.args([name, "--exact", "--test-threads=1"]).env_remove(settings::MAX_CPU_ISA);
        let again = again.env(settings::EMULATE_GPU, "1").output().unwrap();
        let told = [again.stdout, again.stderr].map(|words| String::from_utf8_lossy(&words).into_owned()).concat();
        assert!(again.status.success() && told.contains("1 passed"), "{told}");
        return;
    }
    let graph = models::load("cifar_resnet18", &Weights::random(3, 5), (Device::Cpu, Kind::Float)).unwrap();
    let values = Tensor::arange(3 * 3 * 32 * 32, (Kind::Double, Device::Cpu)) * 0.37;
    let images = values.square().sin().to_kind(Kind::Float).view([3, 3, 32, 32]);
    let targets = Tensor::from_slice(&[0_i64, 4, 2]);
    for (window, rows, count) in [([3, 7, 7], 64, 25), ([1, 12, 12], 64, 27), ([3, 7, 7], 1, 25)] {
        let origin = Origin { seed: 0, dataset: ("d", "test"), first: 0, chosen: None, mean: None, known: None };
        let pass = Pass::new(&graph, images.shallow_clone(), targets.shallow_clone(), rows, origin);
        // Another value hides the windows of each image.
        let shades = Tensor::from_slice(&[0.1_f32, -0.3, 0.6]).view([3, 1, 1, 1]);
        let hidden = pass.images().zeros_like() + shades;
        let windows = windows([3, 32, 32], window, window);
        let boxes = losses_by_plan(&pass, &hidden, &windows).unwrap().expect("boxes pay");
        let whole = losses_of_whole(&pass, &hidden, &windows).unwrap();
        assert_eq!(boxes.size(), [count, 3], "{window:?}");
        let [off, peak] = [(boxes - &whole).abs().max(), whole.abs().max()].map(|value| value.double_value(&[]));
        assert!(off < 1e-4 * peak, "{window:?}, {rows} rows: off by {off} of {peak}");
    }
    assert!(graph.is_lowered());
}

#[test]
fn parts_are_as_few_as_can_be_and_even() {
    let sizes = |count, most| even(count, most).map(|part| part.len()).collect::<Vec<_>>();
    assert_eq!(sizes(10, 4), [3, 3, 4]);
    assert_eq!(sizes(3, 0), [1, 1, 1]);
    assert_eq!(sizes(3, 7), [3]);
    assert_eq!(even(7, 3).collect::<Vec<_>>(), [0..2, 2..4, 4..7]);
}
