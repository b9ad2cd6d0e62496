//! Variants and noises of a config, checked against what the build knows.

use std::collections::BTreeMap;

use data::noise::{self, NOISES};
use protocol::framing::MAX_LINE;
use sweep::catalogue::{Catalogue, Sharing};
use sweep::config::Config;
use sweep::group::{Dtype, Noise};
use sweep::parameters::Parameters;
use sweep::problem::{Problems, nearest};
use sweep::variant::{Shared, Variant};

/// Variants of the config, in its order; batch sizes are filled in per model.
pub(crate) fn variants(config: &Config, catalogue: &Catalogue, problems: &mut Problems) -> Vec<Variant> {
    let mut variants: Vec<Variant> = Vec::new();
    for (index, method) in config.search_space.methods.iter().enumerate() {
        let at = format!("{}[{index}]", config.search_space.path("attribution_methods"));
        let Some(known) = catalogue.method(&method.class) else {
            let hint = nearest(&method.class, catalogue.methods.iter().map(|known| known.item.name.as_ref()));
            problems.add(method.line, format!("{at}.class"), format!("unknown method `{}`, {hint}", method.class));
            continue;
        };
        for (name, _) in method.params.0.iter().filter(|(_, value)| value.as_array().is_some_and(Vec::is_empty)) {
            problems.add(method.line, format!("{at}.params.{name}"), "an empty list, expected a value or several");
        }
        for (key, given) in method.variants() {
            if let Some(mut parameters) = checked(&given, &known.item.parameters, (method.line, &at), problems) {
                if let Some(reference) = &config.reference {
                    reference.experiment.windows.complete(&mut parameters, &known.item.parameters);
                }
                if let Some(reason) = unusable(&key, &variants) {
                    problems.add(method.line, format!("{at}.name"), reason);
                    continue;
                }
                let semantics = method.semantics.unwrap_or(config.settings.semantics);
                let (class, complete) = (known.item.name.to_string(), known.complete);
                let (shared, weights) = (Shared::Nothing, None);
                variants.push(Variant { key, class, parameters, semantics, complete, shared, weights });
            }
        }
    }
    let reason = too_long(&variants).or_else(|| {
        share(&mut variants, &own(config), catalogue);
        too_long(&variants)
    });
    if let Some(reason) = reason {
        problems.add(0, config.search_space.path("attribution_methods"), reason);
        // Nobody is to build them all only to say more about them.
        variants.clear();
    }
    variants
}

/// Warning about batch sizes of the config whose key is that of no variant.
pub(crate) fn without_variant(config: &Config, variants: &[Variant]) -> Option<String> {
    let known = |key: &&str| variants.iter().any(|variant| variant.key == **key);
    let keys = config.preflight.proposed.keys().filter(|key| !known(key));
    let unknown: Vec<String> = keys.map(|key| format!("`{key}`")).collect();
    (!unknown.is_empty()).then(|| {
        format!(
            "`settings.batch_sizes` has numbers for {}, which are keys of no map: `default` counts",
            unknown.join(", ")
        )
    })
}

/// Warning about variants whose maps share out a score, and are to be stored in half precision.
pub(crate) fn in_half_precision(config: &Config, variants: &[Variant], catalogue: &Catalogue) -> Option<String> {
    let shares = |variant: &&Variant| catalogue.method(&variant.class).is_some_and(|method| method.shares_score);
    let keys: Vec<String> = variants.iter().filter(shares).map(|variant| format!("`{}`", variant.key)).collect();
    (config.settings.numerics.dtype == Dtype::Float16 && !keys.is_empty()).then(|| {
        format!(
            "maps of {} share out one score among all values of an image: float16 holds values below 6e-5 with fewer digits, and none below \
             3e-8; `store: {{dtype: float32}}` keeps all of them",
            keys.join(", ")
        )
    })
}

/// Number of the weights that each variant has for itself, by key.
pub(crate) fn own(config: &Config) -> BTreeMap<&str, u64> {
    let own = config.search_space.methods.iter().filter_map(|method| method.own.as_ref());
    own.map(|(key, number)| (key.as_str(), *number)).collect()
}

/// Fills in with what each variant shares work. Variants with `own` weights share none with those of other weights.
fn share(variants: &mut [Variant], own: &BTreeMap<&str, u64>, catalogue: &Catalogue) {
    for index in 0..variants.len() {
        let (earlier, rest) = variants.split_at_mut(index);
        let variant = &mut rest[0];
        variant.shared = match catalogue.method(&variant.class).map(|method| &method.sharing) {
            Some(Sharing::Pass) => Shared::Pass,
            Some(Sharing::Prefix(parameter)) => {
                let same = |first: &Variant| own.get(first.key.as_str()) == own.get(variant.key.as_str());
                let first = earlier.iter().find(|first| same(first) && first.is_like(variant, parameter));
                first.map_or(Shared::Nothing, |first| Shared::With(first.key.clone()))
            }
            Some(Sharing::Nothing) | None => Shared::Nothing,
        };
    }
}

/// Size in bytes of a grant without its variants: paths, and the digest of the data.
pub(super) const REST: usize = 64 << 10;

/// Reason for which a worker could not be told all of `variants`: a longer message breaks the connection.
fn too_long(variants: &[Variant]) -> Option<String> {
    let bytes = serde_json::to_vec(variants).map_or(usize::MAX, |line| line.len());
    let (n, most) = (variants.len(), MAX_LINE - REST);
    let advice = "shorten their names or split them into several configs";
    (bytes > most).then(|| format!("its {n} variants take {bytes} bytes to tell, expected at most {most}; {advice}"))
}

/// Reports what a worker found wrong with variants (`misfits`, by their keys) at the methods that the variants come from.
pub(crate) fn tell(misfits: &BTreeMap<String, String>, config: &Config, problems: &mut Problems) {
    for (index, method) in config.search_space.methods.iter().enumerate() {
        for (key, _) in method.variants() {
            if let Some(reason) = misfits.get(&key) {
                let at = format!("{}[{index}].params", config.search_space.path("attribution_methods"));
                problems.add(method.line, at, format!("`{key}`: {reason}"));
            }
        }
    }
}

/// Noises of the config.
pub(crate) fn noises(config: &Config, problems: &mut Problems) -> Vec<Noise> {
    let mut noises: Vec<Noise> = Vec::new();
    for (index, condition) in config.search_space.noises.iter().enumerate() {
        let at = format!("{}[{index}]", config.search_space.path("noise_conditions"));
        let Some(entry) = noise::find(&condition.kind) else {
            let hint = nearest(&condition.kind, NOISES.iter().map(|entry| entry.item.name.as_ref()));
            problems.add(condition.line, format!("{at}.type"), format!("unknown noise `{}`, {hint}", condition.kind));
            continue;
        };
        if noises.iter().any(|noise| noise.name == condition.name) {
            problems.add(condition.line, format!("{at}.name"), format!("`{}` is there twice", condition.name));
            continue;
        }
        if let Some(parameters) = checked(&condition.params, &entry.item.parameters, (condition.line, &at), problems) {
            noises.push(Noise { name: condition.name.clone(), kind: entry.item.name.to_string(), parameters });
        }
    }
    noises
}

fn checked(
    given: &Parameters,
    declared: &[sweep::parameters::Parameter],
    (line, at): (u64, &str),
    problems: &mut Problems,
) -> Option<Parameters> {
    match given.checked(declared) {
        Ok(parameters) => Some(parameters),
        Err(mistakes) => {
            for (name, text) in mistakes {
                problems.add(line, format!("{at}.params.{name}"), text);
            }
            None
        }
    }
}

/// Checks that each key can be the name of a folder of the store, and no two keys are the same.
fn unusable(key: &str, earlier: &[Variant]) -> Option<String> {
    if earlier.iter().any(|variant| variant.key == key) {
        return Some(format!("the variant `{key}` is there twice; give one of them another name"));
    }
    let fits = key.chars().all(|c| c.is_ascii_alphanumeric() || "._-+".contains(c)) && key.len() <= 200;
    (!fits).then(|| format!("the variant `{key}` cannot name a folder"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    const CONFIG: &str = "\
paths: {medmnist_weights_root: w, medmnist_data_root: d, final_output_dir: o}
search_space:
  model_flags: [resnet18]
  splits: [test]
  noise_conditions: [{name: clean, type: none}]
  attribution_methods:
    - {name: Saliency}
    - {name: Cam, class: LayerGradCam, params: {layer: [layer4, layer5]}}
    - {name: Occlusion, params: {strides: 9, sliding_window_shapes: [8, 9]}}
";

    #[test]
    fn as_many_variants_are_accepted_as_a_worker_can_be_told() {
        let variant = Variant {
            key: "k".repeat(200),
            class: "Saliency".into(),
            parameters: Parameters::default(),
            semantics: sweep::semantics::Semantics::Exact,
            complete: false,
            shared: Shared::Nothing,
            weights: None,
        };
        assert_eq!(too_long(&vec![variant.clone(); 1000]), None);
        let told = too_long(&vec![variant; 4000]).unwrap();
        assert!(told.starts_with("its 4000 variants take ") && told.contains("expected at most 983040"), "{told}");
    }

    #[test]
    fn what_a_worker_finds_wrong_is_told_once_at_the_method_that_it_comes_from() {
        let mut problems = Problems::new(Path::new("c.yml"));
        let config = Config::parse(Path::new("c.yml"), CONFIG, &mut problems).unwrap();
        let of = |key: &str, reason: &str| (key.to_owned(), reason.to_owned());
        let first = BTreeMap::from([
            of("Cam_layer_layer5", "`resnet18` has no layer `layer5`"),
            of("Occlusion_sliding_window_shapes_8_strides_9", "9 is too far"),
        ]);
        // A second dataset, with the same model.
        for misfits in [&BTreeMap::new(), &first, &first] {
            tell(misfits, &config, &mut problems);
        }
        let told: Vec<_> = problems.list().iter().map(|p| format!("{}: {}: {}", p.line, p.key, p.text)).collect();
        assert_eq!(
            told,
            [
                "8: search_space.attribution_methods[1].params: `Cam_layer_layer5`: `resnet18` has no layer `layer5`",
                "9: search_space.attribution_methods[2].params: `Occlusion_sliding_window_shapes_8_strides_9`: 9 is too far",
            ]
        );
    }
}
