//! Every method of the list against identities, and against slow definitions where one is short.

#![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

use attribution::{METHODS, Pass, build};
use network::models::load;
use network::{Graph, Weights};
use sweep::parameters::Parameters;
use tch::{Device, Kind, Tensor};

fn graph(kind: Kind) -> Graph {
    tch::manual_seed(1);
    load("resnet18", &Weights::random(3, 5), (Device::Cpu, kind)).unwrap()
}

fn images(n: i64, kind: Kind) -> Tensor {
    tch::manual_seed(2);
    (Tensor::rand([n, 3, 32, 32], (Kind::Double, Device::Cpu)) * 2 - 1).to_kind(kind)
}

fn targets(graph: &Graph, images: &Tensor) -> Tensor {
    graph.forward(images).unwrap().argmax(1, false)
}

/// Maps of `class`, `batch` images at a time, with `rows` images on the device.
fn maps(graph: &Graph, class: &str, given: serde_json::Value, images: &Tensor, batch: i64, rows: i64) -> Tensor {
    let entry = METHODS.iter().find(|entry| entry.item.name == class).unwrap();
    let given: Parameters = serde_json::from_value(given).unwrap();
    let method = build(class, &given.checked(&entry.item.parameters).unwrap()).unwrap();
    let of_part = |part: &Tensor| {
        let pass = Pass::new(graph, part.shallow_clone(), targets(graph, part), rows);
        method.attribute(&pass).unwrap()
    };
    Tensor::cat(&images.split(batch, 0).iter().map(of_part).collect::<Vec<_>>(), 0)
}

fn worst(a: &Tensor, b: &Tensor) -> f64 {
    (a - b).abs().max().double_value(&[]) / b.abs().max().double_value(&[])
}

#[test]
fn maps_have_the_shape_of_the_images_and_are_the_same_bits_for_any_batch() {
    let (graph, images) = (graph(Kind::Float), images(5, Kind::Float));
    for entry in METHODS {
        let name = &entry.item.name;
        let whole = maps(&graph, name, serde_json::json!({}), &images, 5, 16);
        assert_eq!(whole.size(), images.size(), "{name}");
        for (batch, rows) in [(1, 16), (2, 7), (5, 1)] {
            let split = maps(&graph, name, serde_json::json!({}), &images, batch, rows);
            assert!(split.equal(&whole), "{name}, batch {batch}, rows {rows}: {}", worst(&split, &whole));
        }
    }
}

#[test]
fn a_shared_forward_pass_gives_the_maps_of_each_methods_own() {
    let (graph, images) = (graph(Kind::Float), images(3, Kind::Float));
    let trace = graph.trace(&images).unwrap();
    let shared = Pass::predicted(&graph, images.shallow_clone(), trace, 16).unwrap();
    for entry in METHODS {
        let method = build(&entry.item.name, &Parameters::default().checked(&entry.item.parameters).unwrap()).unwrap();
        let own = maps(&graph, &entry.item.name, serde_json::json!({}), &images, 3, 16);
        assert!(method.attribute(&shared).unwrap().equal(&own), "{}", entry.item.name);
    }
}

/// Sum of the map = F(x) - F(b). A ReLU network is piecewise linear along the line, so the rule's
/// error falls with the number of steps; 300 steps leave less than 2 % here.
#[test]
fn integrated_gradients_are_complete() {
    let (graph, images) = (graph(Kind::Double), images(2, Kind::Double));
    let target = targets(&graph, &images);
    for (baselines, value) in [(serde_json::json!("zero"), 0.0), (serde_json::json!(-1), -1.0)] {
        let given = serde_json::json!({"n_steps": 300, "baselines": baselines});
        let sum = maps(&graph, "IntegratedGradients", given, &images, 2, 200).sum_dim_intlist(
            [1_i64, 2, 3].as_slice(),
            false,
            Kind::Double,
        );
        let at = |points: &Tensor| graph.forward(points).unwrap().gather(1, &target.view([-1, 1]), false).view(-1);
        let change = at(&images) - at(&images.full_like(value));
        let error = ((&sum - &change).abs() / change.abs()).max().double_value(&[]);
        assert!(error < 2e-2, "baseline {value}: {error}");
    }
}

/// One step lies in the middle of the line.
#[test]
fn integrated_gradients_with_one_step_are_the_gradient_half_way() {
    let (graph, images) = (graph(Kind::Double), images(2, Kind::Double));
    let ours = maps(&graph, "IntegratedGradients", serde_json::json!({"n_steps": 1}), &images, 2, 2);
    let half = &images * 0.5;
    let pass = Pass::new(&graph, half.shallow_clone(), targets(&graph, &images), 2);
    assert!(worst(&ours, &(pass.gradient().unwrap() * &images)) < 1e-12);
}

/// (F(x + h e) - F(x - h e)) / 2h at the pixel of the largest map value, for a few images.
#[test]
fn saliency_and_input_x_gradient_are_the_slope_of_the_target_logit() {
    let (graph, images) = (graph(Kind::Double), images(3, Kind::Double));
    let target = targets(&graph, &images);
    let saliency = maps(&graph, "Saliency", serde_json::json!({}), &images, 3, 3).view([3, -1]);
    let product = maps(&graph, "InputXGradient", serde_json::json!({}), &images, 3, 3).view([3, -1]);
    for image in 0..3 {
        let pixel = saliency.get(image).argmax(0, false).int64_value(&[]);
        let logit = |h: f64| {
            let moved = images.get(image).view([1, -1]).copy();
            let _ = moved.get(0).get(pixel).f_add_(&Tensor::from(h)).unwrap();
            graph
                .forward(&moved.view([1, 3, 32, 32]))
                .unwrap()
                .get(0)
                .get(target.int64_value(&[image]))
                .double_value(&[])
        };
        let slope = (logit(1e-6) - logit(-1e-6)) / 2e-6;
        assert!((saliency.double_value(&[image, pixel]) / slope.abs() - 1.0).abs() < 1e-5);
        let x = images.view([3, -1]).double_value(&[image, pixel]);
        assert!((product.double_value(&[image, pixel]) / (slope * x) - 1.0).abs() < 1e-5);
    }
}
