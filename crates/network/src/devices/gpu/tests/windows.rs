//! Hidden windows in planned boxes, with emulated kernels, against whole images on the plain graph.

use std::rc::Rc;

use serde_json::json;
use tch::{Device, Tensor};

use super::graphs::{images, on_gpu};
use super::{last, wave, worst};
use crate::devices::gpu::launch::Launch;
use crate::devices::gpu::launch::emulated::Emulated;
use crate::devices::gpu::lower::with;
use crate::devices::proof::Proof;
use crate::graph::{Graph, Keep, Lowered, Plan};
use crate::models::MODELS;
use crate::operations::tests::program::{Program, int, meta, node, symbol, tensor};

/// Windows of one size over an image of `side`, the last of a row or column cut off: `[top, left, height, width]`.
pub(super) fn windows(side: i64, patch: i64) -> Vec<[i64; 4]> {
    let along = || (0..side).step_by(patch as usize).map(move |start| [start, patch.min(side - start)]);
    along().flat_map(|[top, height]| along().map(move |[left, width]| [top, left, height, width])).collect()
}

/// A few windows of an image of `side`: at corners, at edges that cut them off, and inside.
fn few(side: i64) -> Vec<[i64; 4]> {
    let (near, middle) = (side - 5, side / 2);
    vec![[0, 0, 8, 8], [near, near, 5, 5], [middle, 3, 8, 8], [near, middle, 5, 8], [7, near, 8, 5], [1, middle, 8, 8]]
}

/// What hides windows, another value for each image.
pub(super) fn hidden(images: &Tensor) -> Tensor {
    let values = wave(&[images.size()[0], 1, 1, 1], 0.7);
    images.zeros_like() + values
}

/// Logits `[windows, n, classes]` of whole images on the plain graph.
pub(super) fn whole(graph: &Graph, images: &Tensor, hidden: &Tensor, windows: &[[i64; 4]]) -> Tensor {
    let of = |&[top, left, height, width]: &[i64; 4]| {
        let changed = images.contiguous().copy();
        let area = |tensor: &Tensor| tensor.narrow(2, top, height).narrow(3, left, width);
        area(&changed).copy_(&area(hidden));
        graph.run(&changed, Keep::Logits).unwrap().logits
    };
    Tensor::stack(&windows.iter().map(of).collect::<Vec<_>>(), 0)
}

/// The same in boxes of up to so many sizes along each axis, so many windows at once.
fn boxes(
    graph: &Graph,
    images: &Tensor,
    hidden: &Tensor,
    windows: &[[i64; 4]],
    (sizes, at_once): (usize, usize),
) -> Tensor {
    let inner = &graph.lowered.as_ref().unwrap().graph;
    let clean = inner.clean(images).unwrap();
    let plan = Plan::for_test(inner, &clean, windows, sizes).unwrap();
    let parts = (0..windows.len()).step_by(at_once);
    let of = |first: usize| inner.hide(&clean, hidden, (&plan, first..(first + at_once).min(windows.len()))).unwrap();
    Tensor::cat(&parts.map(of).collect::<Vec<_>>(), 0)
}

/// The largest difference of both ways, of the largest logit; the same of the passes of images without a hidden window; and how far
/// windows move a logit.
fn compared(graph: &Graph, images: &Tensor, windows: &[[i64; 4]], how: (usize, usize)) -> [f64; 3] {
    let hidden = hidden(images);
    let expected = whole(graph, images, &hidden, windows);
    let clean = graph.run(images, Keep::Logits).unwrap().logits;
    let lowered = graph.lowered.as_ref().unwrap().graph.run(images, Keep::Logits).unwrap().logits;
    let moved = (&expected - &clean).abs().max().double_value(&[]);
    [worst(&boxes(graph, images, &hidden, windows, how), &expected), worst(&lowered, &clean), moved]
}

#[test]
fn windows_of_every_model_have_the_logits_of_whole_images_in_boxes_of_one_size_and_of_two() {
    // Of the transformers one stands for all, as above.
    for model in MODELS.iter().filter(|model| !model.item.name.starts_with("vit_") || model.item.name == "vit_cifar") {
        let name = &model.item.name;
        let graph = on_gpu(name, Rc::new(Emulated::default()));
        let images = images(&graph, 2);
        let windows = few(images.size()[2]);
        for (values, sizes) in [(images.shallow_clone(), 1), (images.shallow_clone(), 2), (last(&images), 1)] {
            let [error, clean, moved] = compared(&graph, &values, &windows, (sizes, 4));
            // Where the clean pass is 3e-6 off, so are windows: 1e-5, and ten times what passes differ by.
            assert!(error < (10.0 * clean).max(1e-5), "{name}, {sizes}: {error}, clean {clean}");
            assert!(moved > 100.0 * error, "{name}: moved by {moved}");
        }
    }
}

/// A program with convolutions and smooth functions, on images of 24 px, whose passes run as on a GPU.
pub(super) fn exported() -> Graph {
    let mut program = Program::new();
    let values: Vec<f32> = Vec::try_from(wave(&[81], 0.31).view([-1]) * 0.4).unwrap();
    program.bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    program.weights["config"]["stem.weight"] = json!({
        "path_name": "weight_0", "use_pickle": false, "tensor_meta": meta(&[int(3), int(3), int(3), int(3)], &[27, 9, 3, 1]),
    });
    let stem = json!({"parameter": {"arg": {"name": "p_c"}, "parameter_name": "stem.weight"}});
    let signature = &mut program.model["graph_module"]["signature"];
    signature["input_specs"].as_array_mut().unwrap().insert(0, stem);
    let graph = &mut program.model["graph_module"]["graph"];
    for (name, side) in [("x", 24), ("c", 24), ("g", 24), ("a", 12), ("d", 6), ("s", 6)] {
        let sizes = [symbol(), int(3), int(side), int(side)];
        graph["tensor_values"][name] = meta(&sizes, &[3 * side * side, side * side, side, 1]);
    }
    graph["tensor_values"]["p_c"] = meta(&[int(3), int(3), int(3), int(3)], &[27, 9, 3, 1]);
    let convolution = |input: &str, stride: i64| {
        json!({
            "input": tensor(input), "weight": tensor("p_c"), "stride": {"as_ints": [stride, stride]},
            "padding": {"as_ints": [1, 1]},
        })
    };
    graph["nodes"] = json!([
        node("conv2d.default", "c", convolution("x", 1)),
        node("gelu.default", "g", json!({"self": tensor("c")})),
        node("avg_pool2d.default", "a", json!({"self": tensor("g"), "kernel_size": {"as_ints": [2, 2]}})),
        node("conv2d.default", "d", convolution("a", 2)),
        node("sigmoid.default", "s", json!({"self": tensor("d")})),
        node("mean.dim", "mean", json!({"self": tensor("s"), "dim": {"as_ints": [2, 3]}})),
        node("linear.default", "linear", json!({"input": tensor("mean"), "weight": tensor("p_w")})),
    ]);
    let mut graph = program.load().unwrap();
    let lowered = Box::new(with(&graph, Rc::new(Emulated::default())).unwrap());
    graph.lowered = Some(Lowered { graph: lowered, prover: Box::new(Proof::on(Device::Cpu)), is_for_gpus: true });
    graph
}

/// A program of `torch.export`: its operations are those of the list, in an order that no model of the list has.
#[test]
fn windows_of_an_exported_program_have_the_logits_of_whole_images() {
    let graph = exported();
    for n in [1, 2, 3] {
        let images = wave(&[n, 3, 24, 24], 0.013);
        for how in [(1, 9), (2, 9), (2, 2)] {
            let [error, clean, moved] = compared(&graph, &images, &windows(24, 7), how);
            assert!(
                error < (10.0 * clean).max(1e-5) && moved > 100.0 * error,
                "{n}, {how:?}: {error}, {clean}, {moved}"
            );
        }
    }
    // Its mean is over everything: but for the last operations all is in boxes.
    let plan = graph.plan(&wave(&[1, 3, 24, 24], 0.013), &windows(24, 7)).unwrap();
    assert_eq!(plan.unwrap().windows(), 16);
}

/// The same logits whatever is computed together: windows in parts of any size, and any number of images.
#[test]
fn parts_of_the_windows_and_of_the_images_give_what_all_together_give() {
    let graph = on_gpu("cifar_resnet18", Rc::new(Emulated::default()));
    let images = wave(&[3, 3, 32, 32], 0.013);
    let (windows, hidden) = (windows(32, 7), hidden(&images));
    for sizes in [1, 2] {
        let all = boxes(&graph, &images, &hidden, &windows, (sizes, windows.len()));
        for at_once in [1, 4, 24] {
            let parts = boxes(&graph, &images, &hidden, &windows, (sizes, at_once));
            assert!(worst(&parts, &all) < 1e-5, "{sizes}, {at_once}");
        }
        let alone: Vec<Tensor> = (0..3)
            .map(|at| {
                let of = |values: &Tensor| values.narrow(0, at, 1);
                boxes(&graph, &of(&images), &of(&hidden), &windows, (sizes, 25))
            })
            .collect();
        assert!(worst(&Tensor::cat(&alone, 1), &all) < 1e-5, "{sizes}: alone");
    }
}

/// Twenty convolutions, eight sums, a pooling, the windows themselves, and the last map put together again: one launch each, but for
/// those whose boxes are those of the value before, whatever the number of windows and images.
#[test]
fn with_one_size_every_input_of_an_operation_is_cut_out_by_one_launch() {
    let launch = Rc::new(Emulated::default());
    let graph = on_gpu("resnet18", Rc::clone(&launch) as Rc<dyn Launch>);
    let crops = || {
        launch
            .launches
            .borrow()
            .iter()
            .filter(|(name, _)| name.to_bytes().starts_with(b"crop"))
            .map(|(_, count)| *count)
            .sum::<usize>()
    };
    let mut counts = Vec::new();
    for (n, patch) in [(1, 16), (2, 32)] {
        let images = wave(&[n, 3, 64, 64], 0.013);
        let before = crops();
        let _ = boxes(&graph, &images, &hidden(&images), &windows(64, patch), (1, 100));
        counts.push(crops() - before);
    }
    assert!(counts.iter().all(|count| (20..=31).contains(count)), "{counts:?}");
    let images = wave(&[1, 3, 64, 64], 0.013);
    let before = crops();
    let _ = boxes(&graph, &images, &hidden(&images), &windows(64, 16), (2, 100));
    // Up to four sizes of a value, each with one launch.
    let of_two = crops() - before;
    assert!(of_two > counts[0] && of_two <= 4 * 31, "{of_two} and {counts:?}");
}

/// Where boxes would write more than whole images do, there is no plan: a window that is nearly the image, and a transformer, whose tokens
/// see everything.
#[test]
fn where_boxes_do_not_pay_there_is_no_plan_and_a_plan_is_made_once() {
    let graph = on_gpu("resnet18", Rc::new(Emulated::default()));
    let images = wave(&[1, 3, 64, 64], 0.013);
    assert!(graph.plan(&images, &[[0, 0, 62, 62]]).unwrap().is_none());
    assert!(graph.plan(&images, &[]).unwrap().is_none());
    // Five sizes are more than the kernel tells apart.
    let sizes: Vec<[i64; 4]> = (1..6).map(|side| [0, 0, side, 2]).collect();
    assert!(graph.plan(&images, &sizes).unwrap().is_none() && graph.plan(&images, &sizes[1..]).unwrap().is_some());
    let plan = |n: i64| graph.plan(&wave(&[n, 3, 64, 64], 0.013), &windows(64, 16)).unwrap().unwrap();
    let (one, four) = (plan(1), plan(4));
    assert!(Rc::ptr_eq(&one, &four) && one.rows(64) > 64);
    assert!(graph.forget() && !Rc::ptr_eq(&one, &plan(1)));
    let transformer = on_gpu("vit_cifar", Rc::new(Emulated::default()));
    assert!(transformer.plan(&self::images(&transformer, 1), &[[0, 0, 4, 4]]).unwrap().is_none());
}
