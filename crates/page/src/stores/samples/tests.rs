//! Tests of samples.

use super::*;

fn sample(image: u64, label: i64, predicted: u32, confidence: f32) -> Sample {
    Sample { image, index: image as i64, label: Some(label), predicted, confidence }
}

/// exp(ln 3) is 3 of 3 + 1.
#[test]
fn confidence_is_the_probability_of_the_predicted_class() {
    assert!((confidence(&[0.0, 3_f32.ln()]) - 0.75).abs() < 1e-6);
    assert!((confidence(&[-(3_f32.ln())]) - 0.75).abs() < 1e-6);
    assert!((confidence(&[1000.0, 0.0]) - 1.0).abs() < 1e-6);
}

#[test]
fn samples_are_chosen_by_label_prediction_and_confidence_and_given_by_the_page() {
    let all = vec![sample(0, 1, 1, 0.9), sample(1, 1, 0, 0.6), sample(2, 0, 0, 0.99), sample(3, 1, 1, 0.5)];
    let samples = Samples { shards: BTreeMap::from([(0, all)]) };
    let of = |wanted: Wanted| {
        let (chosen, all) = samples.choose(&wanted, 100);
        (chosen.iter().map(|sample| sample.image).collect::<Vec<_>>(), all)
    };
    assert_eq!(of(Wanted { right: Some(false), ..Wanted::default() }), (vec![1], 1));
    assert_eq!(of(Wanted { label: Some(1), order: Order::Sure, ..Wanted::default() }), (vec![0, 1, 3], 3));
    assert_eq!(of(Wanted { label: Some(1), offset: 1, limit: Some(1), ..Wanted::default() }), (vec![1], 3));
    assert_eq!(of(Wanted { from: Some(0.55), to: Some(0.95), order: Order::Unsure, ..Wanted::default() }).0, [1, 0]);
    assert_eq!(of(Wanted { predicted: Some(7), ..Wanted::default() }), (vec![], 0));
    let scores = Numbers::from([(0, 0.5), (2, -1.0), (3, 7.0)]);
    let by = |order| {
        let chosen = samples.choose_by(&Wanted { order, ..Wanted::default() }, 100, &scores).0;
        chosen.iter().map(|sample| sample.image).collect::<Vec<_>>()
    };
    assert_eq!((by(Order::High), by(Order::Low)), (vec![3, 0, 2, 1], vec![2, 0, 3, 1]));
    assert_eq!((samples.counts(), samples.labels()), ((4, 3), vec![0, 1]));
}

#[test]
fn an_image_without_a_label_of_the_model_is_neither_right_nor_wrong() {
    let labels = [-1, 0, 1, 2].map(|label| known(label, 2));
    assert_eq!((labels, known(1, 1), known(2, 1)), ([None, Some(0), Some(1), None], Some(1), None));
    let of = |image: u64, label: i64| Sample { label: known(label, 10), ..sample(image, 0, 3, 0.9) };
    let samples = Samples { shards: BTreeMap::from([(0, vec![of(0, -1), of(1, 3), of(2, 10), of(3, 4)])]) };
    let wrong = samples.choose(&Wanted { right: Some(false), ..Wanted::default() }, 100);
    assert_eq!((samples.counts(), wrong.1, wrong.0[0].image), ((2, 1), 1, 3));
    let none = Samples { shards: BTreeMap::from([(0, vec![of(0, -1)])]) };
    assert_eq!((none.counts(), none.choose(&Wanted::default(), 100).1), ((0, 0), 1));
}
