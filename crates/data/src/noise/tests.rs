use std::sync::Arc;

use serde_json::{Value, json};
use sweep::catalogue::Item;
use sweep::parameters::{Kind, Parameter};
use sweep::preprocessing::Preprocessing;

use super::*;

fn group(kind: &str, parameters: Value) -> Group {
    let parameters = serde_json::from_value(parameters).unwrap();
    testkit::group::group().noise(kind, parameters).images(8, 4).shape([3, 32, 32]).seed(3).build()
}

/// Every kind of noise, with values for what it takes: the middle of each parameter's range, capped at 0.2.
fn groups() -> Vec<Arc<Group>> {
    let value = |parameter: &Parameter| match &parameter.kind {
        Kind::Number { least, most } => json!(f64::midpoint(*least, *most).min(0.2)),
        Kind::Integer { least, .. } => json!(least + 1),
        Kind::Word(words) | Kind::Baseline(words) => json!(words[0]),
        Kind::Extent => json!(1),
        Kind::Boolean => json!(true),
        Kind::Layer | Kind::Map | Kind::Digest => json!(""),
        Kind::Rules => json!([{"a": "b"}]),
    };
    let parameters =
        |item: &Item| item.parameters.iter().map(|p| (p.name.to_string(), value(p))).collect::<serde_json::Map<_, _>>();
    NOISES.iter().map(|entry| Arc::new(group(&entry.item.name, parameters(&entry.item).into()))).collect()
}

fn images(n: usize) -> Vec<f32> {
    (0..n * 3 * 32 * 32).map(|i| ((i * 37 % 256) as f32 / 255.0 - 0.5) / 0.5).collect()
}

#[test]
fn noise_does_not_depend_on_where_a_batch_begins() {
    for group in groups() {
        let mut whole = images(8);
        add(&group, 0, &mut whole).unwrap();
        let mut parts = images(8);
        for (first, part) in parts.chunks_mut(3 * 3 * 32 * 32).enumerate() {
            add(&group, first as u64 * 3, part).unwrap();
        }
        assert_eq!(whole, parts, "{}", group.noise.kind);
    }
}

#[test]
fn noisy_images_stay_in_range_and_differ_from_each_other_unless_there_is_no_noise() {
    for group in groups() {
        let mut noisy = images(1).repeat(2);
        add(&group, 0, &mut noisy).unwrap();
        assert!(noisy.iter().all(|value| (-1.0..=1.0).contains(value)), "{}", group.noise.kind);
        let (first, second) = noisy.split_at(noisy.len() / 2);
        assert_eq!(first == second, group.noise.kind == "none", "{}", group.noise.kind);
    }
}

/// 3 x 32 x 32 x 64 = 196608 draws: the standard error of a variance of v is v * sqrt(2 / n) = 0.3 % of v.
#[test]
fn gaussian_noise_has_the_promised_mean_and_deviation() {
    let group = group("gaussian", json!({"std": 0.15}));
    let mut noisy = vec![0.0; 64 * 3 * 32 * 32];
    add(&group, 0, &mut noisy).unwrap();
    let n = noisy.len() as f64;
    let mean = noisy.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
    let variance = noisy.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>() / n;
    assert!(mean.abs() < 5.0 * 0.15 / n.sqrt(), "{mean}");
    assert!((variance.sqrt() / 0.15 - 1.0).abs() < 0.01, "{variance}");
}

/// Speckle scales with the image: where x is 0.5 the deviation is half of where x is 1.
#[test]
fn speckle_noise_scales_with_the_image() {
    let group = group("speckle", json!({"std": 0.1}));
    let mut noisy = vec![0.5; 64 * 3 * 32 * 32];
    add(&group, 0, &mut noisy).unwrap();
    let variance = noisy.iter().map(|v| f64::from(*v - 0.5).powi(2)).sum::<f64>() / noisy.len() as f64;
    assert!((variance.sqrt() / 0.05 - 1.0).abs() < 0.01, "{variance}");
}

/// amount 0.1 of 1024 pixels: int(51.2) = 51 draws of salt, then 51 of pepper.
#[test]
fn salt_and_pepper_set_whole_pixels_at_most_as_many_as_were_drawn() {
    let group = group("salt_pepper", json!({"amount": 0.1}));
    let mut noisy = vec![0.0; 3 * 32 * 32];
    add(&group, 0, &mut noisy).unwrap();
    let count = |colour: f32, channel: usize| noisy[channel * 1024..][..1024].iter().filter(|v| **v == colour).count();
    for (colour, fewest) in [(1.0, 40), (-1.0, 45)] {
        assert!((fewest..=51).contains(&count(colour, 0)), "{}", count(colour, 0));
        assert_eq!((count(colour, 0), count(colour, 0)), (count(colour, 1), count(colour, 2)));
    }
}

/// Noise on images from 0 to 255: black and white are 0 and 255, and a deviation of 0.15 of half the range is 19.
#[test]
fn the_strength_of_noise_goes_by_the_range_of_the_preprocessing() {
    let preprocessing =
        Preprocessing { range: [0.0, 255.0], mean: vec![0.0], std: vec![1.0], ..Preprocessing::default() };
    for of_default in groups() {
        let group = Group { preprocessing: preprocessing.clone(), ..Group::clone(&of_default) };
        let (mut usual, mut wide) = (images(2), images(2));
        for value in &mut wide {
            *value = 127.5 + 127.5 * *value;
        }
        add(&of_default, 0, &mut usual).unwrap();
        add(&group, 0, &mut wide).unwrap();
        let far = |(usual, wide): (&f32, &f32)| (127.5 + 127.5 * usual - wide).abs() > 1e-3;
        assert!(!usual.iter().zip(&wide).any(far), "{}", group.noise.kind);
    }
}

/// Stores written by one version are continued by the next: the numbers must never change.
#[test]
fn the_noise_of_image_zero_is_that_of_version_one() {
    let groups = groups();
    for (kind, expected) in GOLDEN {
        let group = groups.iter().find(|group| group.noise.kind == kind).unwrap();
        let mut noisy = images(1);
        add(group, 0, &mut noisy).unwrap();
        assert_eq!(format!("{:.5}", noisy.iter().map(|v| f64::from(*v)).sum::<f64>()), expected, "{kind}");
    }
}

/// Sum of the noisy image.
const GOLDEN: [(&str, &str); 4] =
    [("none", "0.00005"), ("gaussian", "-6.99382"), ("salt_pepper", "-17.36467"), ("speckle", "-2.17276")];
