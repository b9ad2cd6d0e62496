//! Graphs as GPUs run them, with emulated kernels, against plain graphs.

use std::ffi::{CStr, c_void};
use std::fmt::Debug;
use std::rc::Rc;

use sweep::semantics::Semantics;
use tch::{Device, Kind, TchError, Tensor};

use super::windows::exported;
use super::{last, wave, worst};
use crate::devices::gpu::launch::emulated::Emulated;
use crate::devices::gpu::launch::{Launch, LaunchError};
use crate::devices::gpu::lower::with;
use crate::devices::proof::Proof;
use crate::graph::{Gradient, Graph, Keep, Lowered, Rule, Trace};
use crate::models::{MODELS, load};
use crate::rules::{RULES, Rescale};
use crate::weights::Weights;

/// The model, plain.
pub(super) fn plain(name: &str) -> Graph {
    let mut graph = load(name, &Weights::random(3, 5), (Device::Cpu, Kind::Float)).unwrap();
    graph.lowered = None;
    graph
}

/// The model, whose passes run as on a GPU, with the kernels of `launch`.
pub(super) fn on_gpu(name: &str, launch: Rc<dyn Launch>) -> Graph {
    let mut graph = plain(name);
    let lowered = Box::new(with(&graph, launch).unwrap());
    graph.lowered = Some(Lowered { graph: lowered, prover: Box::new(Proof::on(Device::Cpu)), is_for_gpus: true });
    graph
}

pub(super) fn images(graph: &Graph, n: i64) -> Tensor {
    let [height, width] = graph.size().unwrap_or([32; 2]);
    wave(&[n, 3, height, width], 0.013)
}

/// Networks of families that others stand for.
const DEEPER: [&str; 6] = ["resnet34", "resnet101", "cifar_resnet50", "densenet201", "vgg16", "vgg16_bn"];

/// Every rule without steps of its own, with every choice of what the rule does at a ReLU.
fn rules() -> Vec<Box<dyn Rule>> {
    let choices = RULES.iter().flat_map(|entry| (entry.choices)());
    choices.filter(|rule| rule.steps().is_none()).collect()
}

#[test]
fn every_model_and_rule_gives_what_the_plain_graph_gives_and_is_proved() {
    for model in MODELS {
        let name = &model.item.name;
        let launch = Rc::new(Emulated::default());
        let graph = on_gpu(name, Rc::clone(&launch) as Rc<dyn Launch>);
        // Nothing of a transformer but the patches is a convolution, and no rule finds a ReLU.
        let is_large = name.starts_with("vit_") && name != "vit_cifar";
        let values = images(&graph, if is_large { 1 } else { 2 });
        let all = rules();
        compared(name, &graph, &values, if is_large { &all[..1] } else { &all }).unwrap();
        // Deeper ones have no other operations.
        if !is_large && !DEEPER.contains(&name.as_ref()) {
            compared(name, &graph, &last(&values), &rules()[..1]).unwrap();
        }
        assert!(graph.is_lowered() && graph.disproof().is_none(), "{name}: {:?}", graph.disproof());
        // What is not in single precision, or no convolution, stays as it is.
        let fused = graph.nodes.len() - graph.lowered.as_ref().map_or(0, |lowered| lowered.graph.nodes.len());
        assert_eq!(fused > 0, !name.starts_with("vit"), "{name}");
    }
}

#[test]
fn an_exported_program_gives_what_the_plain_graph_gives() {
    let graph = exported();
    for n in [1, 3] {
        let values = wave(&[n, 3, 24, 24], 0.013);
        compared("exported", &graph, &values, &rules()).unwrap();
        compared("exported", &graph, &last(&values), &rules()).unwrap();
    }
    assert!(graph.is_lowered() && graph.disproof().is_none());
}

/// Compares logits, gradients by all rules, in one piece and in two, and multipliers.
fn compared(name: &str, graph: &Graph, images: &Tensor, rules: &[Box<dyn Rule>]) -> Result<(), TchError> {
    let (expected, found) = (graph.run(images, Keep::Trace(None))?, graph.trace(images)?);
    assert!(found.is_lowered() && !expected.is_lowered());
    let error = worst(found.logits(), expected.logits());
    // Sums of thousands of products, layer after layer, in another order: 3e-6 was seen at three widths of registers.
    assert!(error < 3e-5, "{name}: logits {error}");
    // Where last bits differ, a ReLU near zero may flip, which moves a map by percents in a few places: seldom, and else nothing does.
    let [all, flipped] = choices([graph, &graph.lowered.as_ref().unwrap().graph], [&expected, &found]);
    assert!(flipped * 10_000 <= all, "{name}: {flipped} of {all} choices");
    let near = |found: &Tensor, expected: &Tensor, most: f64, what: &dyn Debug| {
        let (peak, length) =
            (worst(found, expected), f64::try_from((found - expected).norm() / expected.norm()).unwrap());
        assert!(
            peak < most || (flipped > 0 && length < 0.05),
            "{name}, {what:?}: {peak} of the peak, {length} of the length, {flipped} of {all} choices"
        );
    };
    let seed = graph.select(expected.logits(), &expected.logits().argmax(1, false))?;
    for rule in rules {
        let gradient = graph.backward(&expected, &seed, rule.as_ref())?;
        // 4e-6 was seen.
        near(&graph.backward(&found, &seed, rule.as_ref())?, &gradient, 4e-5, rule);
        let before = graph.backward_to_stem(&found, &seed, rule.as_ref())?;
        let through = graph.through_stem(&before, [images.size()[2], images.size()[3]])?;
        near(&through, &gradient, 4e-5, &("in two parts", rule));
    }
    let baseline = images.narrow(0, 0, 1).full_like(0.25);
    let run = |values: &Tensor| graph.run(values, Keep::For(&Rescale(Semantics::Exact)));
    let plain = [run(images)?, Trace::of_baselines(&baseline, images.size()[0], run)?];
    let lowered = [graph.trace_values(images)?, graph.trace_reference(&baseline, images.size()[0])?];
    for semantics in [Semantics::Exact, Semantics::Captum] {
        let [expected, found] =
            [&plain, &lowered].map(|[here, there]| graph.multipliers(here, there, &seed, semantics));
        // Quotients of changes that may be small themselves: 1e-4 was seen.
        near(&found?, &expected?, 1e-3, &semantics);
    }
    Ok(())
}

/// Number of choices that ReLUs and max pools have made in the passes of a plain graph and a lowered one, and of those that differ.
fn choices(graphs: [&Graph; 2], [plain, lowered]: [&Trace; 2]) -> [i64; 2] {
    let mut counts = [0; 2];
    for (node, kept) in graphs[1].nodes.iter().zip(&lowered.kept) {
        let Some(id) = graphs[0].nodes.iter().position(|plain| plain.name == node.name) else { continue };
        // Signs are kept as bytes or as truth values, winners as places.
        let pairs = kept.tensors.iter().zip(&plain.kept[id].tensors).filter(|(found, _)| found.kind() != Kind::Float);
        for (found, expected) in pairs {
            let differ = found.to_kind(Kind::Int64).not_equal_tensor(&expected.to_kind(Kind::Int64));
            counts[0] += differ.numel() as i64;
            counts[1] += differ.sum(Kind::Int64).int64_value(&[]);
        }
    }
    counts
}

/// ResNet-18 has 20 convolutions and 17 ReLUs: no other kernel of ours for a gradient, and none of libtorch's for batch norms, sums,
/// ReLUs and signs.
#[test]
fn a_gradient_takes_one_kernel_for_each_convolution_and_one_for_each_relu() {
    let launch = Rc::new(Emulated::default());
    let graph = with(&plain("resnet18"), Rc::clone(&launch) as Rc<dyn Launch>).unwrap();
    let images = images(&graph, 2);
    let trace = graph.trace(&images).unwrap();
    let seed = graph.select(trace.logits(), &trace.logits().argmax(1, false)).unwrap();
    let launches = |kernels: [&CStr; 2]| {
        kernels.iter().filter_map(|kernel| launch.launches.borrow().get(*kernel).copied()).sum::<usize>()
    };
    assert_eq!([launches([c"finish", c"finish_four"]), launches([c"back", c"back_four"])], [20, 0]);
    let _ = graph.backward(&trace, &seed, &Gradient).unwrap();
    assert_eq!([launches([c"finish", c"finish_four"]), launches([c"back", c"back_four"])], [20, 17]);
    // Images, 20 convolutions, pooling twice, flattening and the linear layer: 69 operations were 25.
    assert!(graph.nodes.len() <= 26, "{}", graph.nodes.len());
}

/// A GPU that leaves the last block out of every launch of many.
#[derive(Debug)]
struct Broken(Emulated);

impl Launch for Broken {
    #[expect(unsafe_code, reason = "as the emulation")]
    unsafe fn launch(&self, kernel: &CStr, blocks: u32, packed: &mut [*mut c_void]) -> Result<(), LaunchError> {
        // SAFETY: the caller's word for the arguments.
        unsafe { self.0.launch(kernel, if blocks > 8 { blocks - 1 } else { blocks }, packed) }
    }
}

#[test]
fn a_gpu_that_computes_otherwise_is_left_with_the_plain_graph() {
    let graph = on_gpu("cifar_resnet18", Rc::new(Broken(Emulated::default())));
    let images = images(&graph, 3);
    let error = graph.trace(&images).unwrap_err();
    assert!(Graph::is_disproof(&error) && !graph.is_lowered(), "{error}");
    assert_eq!(graph.forward(&images).unwrap(), graph.run(&images, Keep::Logits).unwrap().logits);
}
