//! Graphs with random weights, images, and maps of them.

#![expect(clippy::unwrap_used, reason = "tests may fail loudly")]
#![allow(dead_code, reason = "no test uses all of it")]

use std::sync::Mutex;

use attribution::{Attribution, Known, METHODS, Origin, Pass, build};
use network::models::load;
use network::{Graph, Weights};
use serde_json::{Value, json};
use sweep::parameters::Parameters;
use sweep::semantics::Semantics;
use tch::{Device, Kind, Tensor};

/// libtorch has one generator for all tests of a process, which run side by side.
static GENERATOR: Mutex<()> = Mutex::new(());

pub(crate) fn graph(name: &str, kind: Kind) -> Graph {
    let _alone = GENERATOR.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    tch::manual_seed(1);
    load(name, &Weights::random(3, 5), (Device::Cpu, kind)).unwrap()
}

/// Images of the size that the graph wants, or of 32 pixels.
pub(crate) fn images(graph: &Graph, n: i64, kind: Kind) -> Tensor {
    let _alone = GENERATOR.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    tch::manual_seed(2);
    let [height, width] = graph.size().unwrap_or([32; 2]);
    (Tensor::rand([n, 3, height, width], (Kind::Double, Device::Cpu)) * 2 - 1).to_kind(kind)
}

pub(crate) fn targets(graph: &Graph, images: &Tensor) -> Tensor {
    graph.forward(images).unwrap().argmax(1, false)
}

/// Parameters with which `class` costs little: a few samples, a quarter of the image in a patch.
pub(crate) fn cheap(class: &str, size: i64) -> Value {
    let half = size / 2;
    match class {
        "IntegratedGradients" => json!({"n_steps": 3}),
        "NoiseTunnel" => json!({"nt_samples": 2, "stdevs": 0.1}),
        "GradientShap" => json!({"n_samples": 3, "n_noise_baselines": 2}),
        "DeepLiftShap" => json!({"n_noise_baselines": 1}),
        "FeatureAblation" => json!({"patch_size": half}),
        "Occlusion" => json!({"sliding_window_shapes": half, "strides": size - half}),
        "AttentionGradCAM" => json!({}),
        _ if class.ends_with("CAM") || class.starts_with("GradCAM") => json!({"relu_attributions": false}),
        "RISE" => json!({"n_samples": 5}),
        "ShapleyValueSampling" => json!({"n_samples": 2, "patch_size": half}),
        "IDGI" | "GuidedIG" => json!({"n_steps": 3}),
        "BlurIG" => json!({"n_steps": 3, "max_sigma": 3.0}),
        "LRP" => json!({"composite": "epsilon_gamma_box"}),
        "Lime" | "KernelShap" => json!({"patch_size": half, "n_samples": 6}),
        _ => json!({}),
    }
}

/// Methods that are defined for the model called `model`.
pub(crate) fn methods_of(model: &str) -> impl Iterator<Item = &'static attribution::Entry> + use<'_> {
    METHODS.iter().copied().filter(move |entry| !entry.on_attentions || model.starts_with("vit"))
}

/// A layer of few channels, for methods that take a pass for each channel; of transformers the patches.
pub(crate) fn slim(model: &str) -> &'static str {
    match model {
        name if name.starts_with("vit") => "conv_proj",
        name if name.starts_with("vgg") => "features.0",
        name if name.starts_with("densenet") => "features.conv0",
        name if name.contains("resnet") => "conv1",
        _ => "",
    }
}

/// Case to explain: a graph, and images of a split from `first` on.
pub(crate) struct Case<'a> {
    pub(crate) graph: &'a Graph,
    pub(crate) first: u64,
    pub(crate) semantics: Semantics,
    pub(crate) known: Option<&'a Known>,
    /// Whether the logits of the images are known before, as those of predictions are.
    pub(crate) predicted: bool,
}

impl<'a> Case<'a> {
    pub(crate) fn of(graph: &'a Graph) -> Self {
        Self { graph, first: 0, semantics: Semantics::Exact, known: None, predicted: false }
    }

    /// Maps of `images` by `class`, all at once, with `rows` images on the device.
    pub(crate) fn attribute(&self, class: &str, given: &Value, images: &Tensor, rows: i64) -> Attribution {
        let entry = METHODS.iter().find(|entry| entry.item.name == class).unwrap();
        let given: Parameters = serde_json::from_value(given.clone()).unwrap();
        let method = build(class, &given.checked(&entry.item.parameters).unwrap(), self.semantics).unwrap();
        let mean = images.narrow(0, 0, 1).full_like(0.1);
        let origin = Origin {
            seed: 7,
            dataset: ("set", "test"),
            first: self.first,
            chosen: None,
            mean: Some(&mean),
            known: self.known,
        };
        let logits = self.graph.forward(images).unwrap();
        let pass = Pass::new(self.graph, images.shallow_clone(), logits.argmax(1, false), rows, origin);
        let pass = if self.predicted { pass.with_logits(&logits).unwrap() } else { pass };
        method.attribute(&pass).unwrap()
    }

    /// Maps of at most 16 rows at once, and the number of forward passes that these maps took.
    pub(crate) fn counted(&self, class: &str, given: &Value, images: &Tensor) -> (Attribution, u64) {
        let before = self.graph.passes();
        let attribution = self.attribute(class, given, images, 16);
        // One pass is that of the targets.
        (attribution, self.graph.passes() - before - 1)
    }

    /// The maps only.
    pub(crate) fn maps(&self, class: &str, given: &Value, images: &Tensor) -> Tensor {
        self.attribute(class, given, images, 16).map
    }
}

/// Largest difference over the largest value of `b`.
pub(crate) fn worst(a: &Tensor, b: &Tensor) -> f64 {
    (a - b).abs().max().double_value(&[]) / b.abs().max().double_value(&[])
}
