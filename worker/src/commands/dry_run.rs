//! Dry run: whether variants can be computed on a model, which no list of parameters can say, before anything is started.

use std::collections::BTreeMap;
use std::path::PathBuf;

use attribution::METHODS;
use network::rules::relevance::{Pattern, layer_rule};
use network::{Graph, NetworkError, Trace};
use protocol::inspect::Question;
use sweep::parameters::{self, Parameter};
use sweep::problem::closest;
use sweep::variant::Variant;
use tch::{Device, TchError, Tensor};

/// Most layers that are suggested in place of a layer that will not do.
const TOLD: usize = 4;

/// Reason for which a weights file is of no use.
#[derive(Debug, thiserror::Error)]
pub(super) enum DryRunError {
    #[error(transparent)]
    Model(#[from] NetworkError),
    #[error("the model in `{}` cannot take images of {size}x{size} px: {source}", file.display())]
    Size { file: PathBuf, size: usize, source: NetworkError },
}

/// Result for the variants of a question, by key.
#[derive(Debug, Default)]
pub(super) struct DryRun {
    /// Reasons for which variants cannot be computed.
    pub(super) misfits: BTreeMap<String, String>,
    /// Layers that were chosen for variants which name none.
    pub(super) layers: BTreeMap<String, String>,
}

/// Tries the variants of `question` on `graph`.
pub(super) fn of(graph: &Graph, question: &Question) -> Result<DryRun, DryRunError> {
    let trace = run(graph, question.size).map_err(|error| DryRunError::Size {
        file: question.weights.clone(),
        size: question.size,
        source: error.into(),
    })?;
    let mut found = DryRun::default();
    for variant in &question.variants {
        let unlooked = || unlooked(graph, &trace, &question.model, variant);
        let ruleless = || ruleless(graph, &question.model, variant);
        let layerless = || layerless(graph, &trace, &question.model, variant);
        let unfit = unbuilt(variant).or_else(layerless).or_else(ruleless).or_else(unlooked);
        if let Some(reason) = unfit {
            found.misfits.insert(variant.key.clone(), reason);
        } else if layers(variant).any(|(_, name)| name.is_empty()) {
            let last = graph.last_map(&trace).map(|layer| graph.layer_name(layer).to_owned());
            found.layers.extend(last.map(|name| (variant.key.clone(), name)));
        }
    }
    Ok(found)
}

/// Runs a grey image: a model whose last maps would be empty is found.
fn run(graph: &Graph, size: usize) -> Result<Trace, TchError> {
    let shape = [1, graph.channels(), size as i64, size as i64];
    graph.outline(&Tensor::f_zeros(shape, (tch::Kind::Float, Device::Cpu))?)
}

/// Reason for which the method refuses its parameters.
fn unbuilt(variant: &Variant) -> Option<String> {
    let built = attribution::build(&variant.class, &variant.parameters, variant.semantics);
    built.err().map(|error| error.to_string())
}

/// Reason for which the model has no layer of the name in a parameter.
fn layerless(graph: &Graph, trace: &Trace, model: &str, variant: &Variant) -> Option<String> {
    let mut misfits = layers(variant).filter_map(|(parameter, name)| {
        unmapped(graph, trace, name).map(|reason| format!("parameter `{parameter}`: `{model}` {reason}"))
    });
    misfits.next()
}

/// Reason for which a rule of the variant's own holds nowhere in the model: its maps would be those without the rule.
fn ruleless(graph: &Graph, model: &str, variant: &Variant) -> Option<String> {
    let rules = of_kind(variant, &parameters::Kind::Rules).filter_map(|name| variant.parameters.get(name)?.as_array());
    let pairs = rules.flatten().filter_map(|rule| rule.as_object()).flatten();
    let mut idle = pairs.filter_map(|(pattern, text)| {
        let (text, named) = (text.as_str()?, Pattern::Named(pattern.clone()));
        let rule = layer_rule(text).ok()?;
        graph.layers_of_rule(&named, rule.as_ref()).ok()?.is_empty().then_some(())?;
        let all = graph.layers_of_rule(&Pattern::All, rule.as_ref()).ok()?;
        let nearest = closest(pattern, all.iter().map(String::as_str), TOLD);
        let nearest = nearest.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let where_from = if rule.is_first_only() { " that reads the images" } else { "" };
        Some(format!(
            "parameter `rules`: `{model}` has no convolution or fully connected layer{where_from} that is called `{pattern}`, \
             where `{text}` would hold; the nearest are {nearest}"
        ))
    });
    idle.next()
}

/// Reason for which the model has no attentions at which the method could look.
fn unlooked(graph: &Graph, trace: &Trace, model: &str, variant: &Variant) -> Option<String> {
    let entry = METHODS.iter().find(|entry| entry.item.name == variant.class)?;
    let none = || {
        format!(
            "`{model}` has no attention over all patches of an image, at which {} looks; windows of an attention are none",
            variant.class
        )
    };
    (entry.on_attentions && graph.patches(trace).is_none()).then(none)
}

/// The parameters of `variant` that name a layer, and what each says.
fn layers(variant: &Variant) -> impl Iterator<Item = (&'static str, &str)> {
    of_kind(variant, &parameters::Kind::Layer).filter_map(move |name| Some((name, variant.parameters.word(name).ok()?)))
}

/// Names of the parameters of the method of `variant` that are of this `kind`.
fn of_kind(variant: &Variant, kind: &'static parameters::Kind) -> impl Iterator<Item = &'static str> {
    let entry = METHODS.iter().find(|entry| entry.item.name == variant.class);
    let is_one = move |parameter: &&Parameter| parameter.kind == *kind;
    entry
        .into_iter()
        .flat_map(move |entry| entry.item.parameters.iter().filter(is_one))
        .map(|parameter| parameter.name.as_ref())
}

fn unmapped(graph: &Graph, trace: &Trace, name: &str) -> Option<String> {
    let maps = graph.maps(trace);
    if name.is_empty() {
        let tokens = graph.token_maps(trace);
        let known = maps.iter().rev().chain(&tokens).take(TOLD);
        let known: Vec<String> = known.map(|name| format!("`{name}`")).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        let none = || {
            format!(
                "has no last map that is certain at this size (of more than a pixel, with a pooling and a head behind it); name one: {known}"
            )
        };
        return graph.last_map(trace).is_none().then(none);
    }
    if maps.contains(&name) || graph.is_token_map(trace, name) {
        return None;
    }
    let what = if graph.layer(name).is_some() { "gives no map at the layer" } else { "has no layer" };
    let nearest = closest(name, maps, TOLD).iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    Some(format!("{what} `{name}`; the nearest that give maps are {nearest}"))
}
