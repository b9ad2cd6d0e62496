//! Variants and noises of a config, checked against what the build knows.

use data::noise::{self, NOISES};
use sweep::catalogue::Catalogue;
use sweep::config::Config;
use sweep::group::Noise;
use sweep::parameters::Parameters;
use sweep::problem::{Problems, nearest};
use sweep::variant::{Variant, expand, key};

/// Every variant of the config, in its order; batch sizes are filled in per model.
pub(super) fn variants(config: &Config, catalogue: &Catalogue, problems: &mut Problems) -> Vec<Variant> {
    let mut variants: Vec<Variant> = Vec::new();
    for (index, method) in config.search_space.methods.iter().enumerate() {
        let at = format!("search_space.attribution_methods[{index}]");
        let Some(known) = catalogue.method(&method.class) else {
            let hint = nearest(&method.class, catalogue.methods.iter().map(|known| known.item.name.as_ref()));
            problems.add(method.line, format!("{at}.class"), format!("unknown method `{}`, {hint}", method.class));
            continue;
        };
        for (name, _) in method.params.0.iter().filter(|(_, value)| value.as_array().is_some_and(Vec::is_empty)) {
            problems.add(method.line, format!("{at}.params.{name}"), "an empty list, expected a value or several");
        }
        for given in expand(&method.params) {
            let key = key(&method.name, &given);
            if let Some(parameters) = checked(&given, &known.item.parameters, (method.line, &at), problems) {
                if let Some(reason) = unusable(&key, &variants) {
                    problems.add(method.line, format!("{at}.name"), reason);
                    continue;
                }
                let semantics = method.semantics.unwrap_or(config.settings.semantics);
                let (class, complete) = (method.class.clone(), known.complete);
                variants.push(Variant { key, class, parameters, semantics, complete, batch: 0 });
            }
        }
    }
    variants
}

/// Every noise of the config.
pub(super) fn noises(config: &Config, problems: &mut Problems) -> Vec<Noise> {
    let mut noises: Vec<Noise> = Vec::new();
    for (index, condition) in config.search_space.noises.iter().enumerate() {
        let at = format!("search_space.noise_conditions[{index}]");
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
            noises.push(Noise { name: condition.name.clone(), kind: condition.kind.clone(), parameters });
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

/// Keys name folders of the store: each must be one, and its own.
fn unusable(key: &str, earlier: &[Variant]) -> Option<String> {
    if earlier.iter().any(|variant| variant.key == key) {
        return Some(format!("the variant `{key}` is there twice; give one of them another name"));
    }
    let fits = key.chars().all(|c| c.is_ascii_alphanumeric() || "._-+".contains(c)) && key.len() <= 200;
    (!fits).then(|| format!("the variant `{key}` cannot name a folder"))
}
