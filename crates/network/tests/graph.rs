//! Every model of the list, with random weights: backward against libtorch's autograd, folding
//! against the unfolded graph, and the independence of results from batch and threads.

#![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

use std::sync::{Mutex, PoisonError};

use network::models::{MODELS, load};
use network::{Gradient, Graph, NetworkError, Replacement, Weights};
use tch::{Device, Kind, Tensor};

/// libtorch has one generator for all tests of a process, which run side by side.
static GENERATOR: Mutex<()> = Mutex::new(());

fn graphs(kind: Kind) -> impl Iterator<Item = (String, Graph)> {
    MODELS.iter().map(move |entry| {
        let name = entry.item.name.to_string();
        let _alone = GENERATOR.lock().unwrap_or_else(PoisonError::into_inner);
        tch::manual_seed(1);
        let graph = load(&name, &Weights::random(3, 5), (Device::Cpu, kind)).unwrap();
        (name, graph)
    })
}

/// Images of `size` pixels, or of the size that the model wants.
fn images(graph: &Graph, n: i64, size: i64, kind: Kind) -> Tensor {
    let _alone = GENERATOR.lock().unwrap_or_else(PoisonError::into_inner);
    tch::manual_seed(2);
    let [height, width] = graph.size().unwrap_or([size; 2]);
    (Tensor::rand([n, 3, height, width], (Kind::Double, Device::Cpu)) * 2 - 1).to_kind(kind)
}

/// Gradient of the largest logit of each image.
fn gradient(graph: &Graph, images: &Tensor) -> Tensor {
    let trace = graph.trace(images).unwrap();
    let targets = trace.logits().argmax(1, false);
    graph.backward(&trace, &graph.select(trace.logits(), &targets).unwrap(), &Gradient).unwrap()
}

fn worst(a: &Tensor, b: &Tensor) -> f64 {
    let peak = b.abs().max().double_value(&[]);
    (a - b).abs().max().double_value(&[]) / peak
}

#[test]
fn the_backward_pass_is_autograd_of_the_forward_pass() {
    for (name, graph) in graphs(Kind::Double) {
        let images = images(&graph, 2, 40, Kind::Double).set_requires_grad(true);
        let best = graph.forward(&images).unwrap().amax([1], false).sum(Kind::Double);
        let autograd = Tensor::run_backward(&[best], &[&images], false, false);
        let ours = tch::no_grad(|| gradient(&graph, &images.detach()));
        assert!(worst(&ours, &autograd[0]) < 1e-12, "{name}: {}", worst(&ours, &autograd[0]));
    }
}

#[test]
fn folding_changes_nothing_in_double_precision() {
    for (name, graph) in graphs(Kind::Double) {
        let images = images(&graph, 2, 40, Kind::Double);
        let (logits, map) = (graph.forward(&images).unwrap(), gradient(&graph, &images));
        let before = graph.operations();
        let folded = graph.folded().unwrap();
        // A residual network has one batch norm behind each convolution.
        let removed = before - folded.operations();
        assert!(removed >= 20 || !name.contains("resnet"), "{name}: {removed} of {before}");
        assert!(worst(&folded.forward(&images).unwrap(), &logits) < 1e-12, "{name}");
        assert!(worst(&gradient(&folded, &images), &map) < 1e-11, "{name}");
    }
}

#[test]
fn channels_side_by_side_change_nothing_in_double_precision() {
    for (name, graph) in graphs(Kind::Double) {
        let images = images(&graph, 2, 40, Kind::Double);
        let (logits, map) = (graph.forward(&images).unwrap(), gradient(&graph, &images));
        let last = graph.channels_last().unwrap();
        assert!(worst(&last.forward(&images).unwrap(), &logits) < 1e-12, "{name}");
        assert!(worst(&gradient(&last, &images), &map) < 1e-11, "{name}");
    }
}

/// bfloat16 has 8 bits, which some fifty layers lose one or two of; what is asked for is that types meet.
#[test]
fn narrow_types_stay_between_the_layers() {
    for kind in [Kind::BFloat16, Kind::Half] {
        let models = if kind == Kind::Half { 2 } else { MODELS.len() };
        for ((name, wide), (_, narrow)) in graphs(Kind::Float).zip(graphs(kind)).take(models) {
            let images = images(&wide, 2, 40, Kind::Float);
            let logits = narrow.forward(&images).unwrap();
            assert_eq!(logits.kind(), Kind::Float, "{name}");
            // Random weights of a deep network make values beyond 65504, which a worker refuses.
            if kind == Kind::Half && !logits.isfinite().all().int64_value(&[]).eq(&1) {
                continue;
            }
            let error = worst(&logits, &wide.forward(&images).unwrap());
            assert!(error < 0.1 && error > 0.0, "{name} in {kind:?}: {error}");
            let map = gradient(&narrow, &images);
            assert_eq!((map.kind(), map.size()), (Kind::Float, images.size()), "{name}");
            let theirs = gradient(&wide, &images).flatten(1, -1);
            let alike = Tensor::cosine_similarity(&map.flatten(1, -1), &theirs, 1, 1e-12);
            assert!(alike.max().double_value(&[]) > 0.5, "{name} in {kind:?}: {alike:?}");
            let clean = narrow.clean(&images).unwrap();
            let pixels = images.narrow(0, 1, 1).narrow(2, 3, 9).narrow(3, 5, 9).neg();
            let hidden = images.copy();
            hidden.narrow(0, 1, 1).narrow(2, 3, 9).narrow(3, 5, 9).copy_(&pixels);
            let changed = narrow.changed(&clean, &[Replacement { image: 1, top: 3, left: 5, pixels }]).unwrap();
            let whole = narrow.forward(&hidden).unwrap().narrow(0, 1, 1);
            assert!(worst(&changed, &whole) < 0.1, "{name} in {kind:?}: {}", worst(&changed, &whole));
        }
    }
}

#[test]
fn single_precision_results_do_not_depend_on_the_batch_and_the_number_of_threads() {
    let threads = tch::get_num_threads();
    for (name, graph) in graphs(Kind::Float) {
        for size in [40] {
            let images = images(&graph, 4, size, Kind::Float);
            tch::set_num_threads(2);
            let (logits, map) = (graph.trace(&images).unwrap().logits().shallow_clone(), gradient(&graph, &images));
            for (threads, batch) in [(2, 1), (1, 4), (1, 3)] {
                tch::set_num_threads(threads);
                let parts: Vec<Tensor> = images.split(batch, 0).iter().map(|part| gradient(&graph, part)).collect();
                let case = format!("{name} at {size} px, {threads} threads, batch {batch}");
                let parts = Tensor::cat(&parts, 0);
                // Matrix products over tokens take other kernels for other batches, and those before the last layer
                // other ones for other numbers of threads: the last bits of what is behind them may differ.
                let has_inner_products = ["vgg", "lenet", "vit"].iter().any(|family| name.starts_with(family));
                let error = worst(&parts, &map);
                assert!(parts.equal(&map) || (has_inner_products && error < 1e-4), "{case}: {error}");
            }
            let alone = graph.forward(&images.narrow(0, 0, 1)).unwrap();
            let error = worst(&alone, &logits.narrow(0, 0, 1));
            assert!(error < if name.starts_with("vit") { 1e-5 } else { 1e-6 }, "{name}: {error}");
        }
    }
    tch::set_num_threads(threads);
}

#[test]
fn an_image_of_the_callers_is_never_changed() {
    for (name, graph) in graphs(Kind::Float) {
        let images = images(&graph, 1, 32, Kind::Float);
        let before = images.copy();
        let _ = gradient(&graph, &images);
        assert!(images.equal(&before), "{name}");
    }
}

#[test]
fn an_unknown_model_is_told_with_those_that_are_known() {
    let error = load("alexnet", &Weights::random(3, 5), (Device::Cpu, Kind::Float)).err();
    assert!(matches!(&error, Some(NetworkError::UnknownModel(_, known)) if known.contains("resnet18")), "{error:?}");
}
