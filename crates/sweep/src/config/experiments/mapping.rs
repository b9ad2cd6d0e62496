//! `model_method_mapping`: the methods of a config of which each has weights for itself, as the decorrelated experiment has them.

use serde_json::{Value as Json, json};

use crate::config::paths::{BASE, OWN_WEIGHTS, Paths};
use crate::config::search_space::{Method, SearchSpace, parameters};
use crate::parameters::Parameters;
use crate::variant::semantics;
use crate::yaml::{Fields, Value, read};

/// Key of the list.
pub(in crate::config) const KEY: &str = "model_method_mapping";

/// Ending of the names of stores whose methods have weights for themselves.
pub(in crate::config) const SUFFIX: &str = "_decorr";

/// Largest number of weights.
const MOST: u64 = 1 << 20;

/// Computation of the experiment's script for a method: a class, and baselines where the class has some.
struct Known {
    /// Name, with which `method_name` begins. A parameter may follow: `IntegratedGradients_n_steps_50`.
    name: &'static str,
    class: &'static str,
    baselines: Option<&'static str>,
    /// Class and baselines of the script, where these are not what the name says.
    script: Option<(&'static str, &'static str)>,
}

const fn known(name: &'static str, class: &'static str, baselines: Option<&'static str>) -> Known {
    Known { name, class, baselines, script: None }
}

/// Methods of the script. A name that begins with another name stands before that name.
const METHODS: &[Known] = &[
    known("Saliency", "Saliency", None),
    known("InputXGradient", "InputXGradient", None),
    known("GuidedBackprop", "GuidedBackprop", None),
    known("Deconvolution", "Deconvolution", None),
    known("IntegratedGradients", "IntegratedGradients", Some("zero")),
    // The script takes what stands before the first `_` for the name, and gives that method no baselines.
    Known { script: Some(("DeepLift", "zero")), ..known("DeepLIFT_SHAP", "DeepLiftShap", Some("combined_zng")) },
    known("DeepLIFT", "DeepLift", Some("zero")),
    // The script leaves the mean image out.
    Known {
        script: Some(("GradientShap", "combined_zn")),
        ..known("GradientShap", "GradientShap", Some("combined_zng"))
    },
];

impl Known {
    /// The method of the script that `name` begins with, and the rest of the name.
    fn find(name: &str) -> Option<(&'static Self, &str)> {
        METHODS.iter().find_map(|known| {
            let rest = name.strip_prefix(known.name)?;
            (rest.is_empty() || rest.starts_with('_')).then_some((known, rest))
        })
    }

    /// Class and parameters, of the script itself or without its slips. `rest` is one parameter and its value, or nothing.
    fn method(&self, rest: &str, as_script: bool) -> Option<(String, Parameters)> {
        let named = self.script.filter(|_| as_script).map(|(class, baselines)| (class, Some(baselines)));
        let (class, baselines) = named.unwrap_or((self.class, self.baselines));
        let mut params = Parameters::default();
        if let Some(baselines) = baselines {
            params.0.insert("baselines".to_owned(), json!(baselines));
        }
        if let Some(rest) = rest.strip_prefix('_') {
            let (name, value) = rest.rsplit_once('_')?;
            params.0.insert(name.to_owned(), serde_json::from_str::<Json>(value).ok().filter(Json::is_number)?);
        }
        Some((class.to_owned(), params))
    }
}

/// Reads the list, if the config has one with items: methods, each with the number of its weights. `as_script` asks for what the script
/// computes, its slips included.
pub(in crate::config) fn read(fields: &mut Fields<'_>, as_script: bool) -> Option<Vec<Method>> {
    // An empty one says nothing.
    fields.node(KEY).filter(|node| !node.value.is_empty())?;
    Some(fields.sections(KEY, |fields| method(fields, as_script)).unwrap_or_default())
}

fn method(mut fields: Fields<'_>, as_script: bool) -> Option<Method> {
    let line = fields.line_of("method_name");
    let id = fields.required("model_split_id", read::integer(0, MOST));
    let key = fields.required("method_name", read::name);
    let class = fields.optional("class", read::text);
    let given = fields.node("params").is_some().then(|| parameters(&mut fields));
    let semantics = fields.optional("semantics", read::choice(semantics::WORDS));
    let meant = key.as_deref().and_then(|key| meant(key, class, given, as_script));
    if let (Some(key), None) = (&key, &meant) {
        let names: Vec<&str> = METHODS.iter().map(|known| known.name).collect();
        let text = format!(
            "found `{key}`, expected {}, with a parameter and its number behind it or without (`IntegratedGradients_n_steps_50`), or \
             any name and a `class`",
            names.join(" or ")
        );
        fields.problem("method_name", text);
    }
    fields.finish();
    let (class, params) = meant?;
    let key = key?;
    Some(Method { name: key.clone(), class, params, semantics, own: Some((key, id?)), line })
}

/// Class and parameters of the method that is called `key`: those that the config gives, or else those of the script.
fn meant(key: &str, class: Option<String>, given: Option<Parameters>, as_script: bool) -> Option<(String, Parameters)> {
    if let Some(class) = class {
        return Some((class, given.unwrap_or_default()));
    }
    let (known, rest) = Known::find(key)?;
    let (class, params) = known.method(rest, as_script)?;
    Some((class, given.unwrap_or(params)))
}

/// Notes what a config lacks whose methods are `mapped`, or has although they are not. They are `wanted` where the config names their
/// experiment.
pub(in crate::config) fn check(
    fields: &mut Fields<'_>,
    (mapped, wanted): (bool, bool),
    paths: &Paths,
    space: &SearchSpace,
) {
    let (own, base) = (paths.weights_key == OWN_WEIGHTS, !paths.bases.is_empty());
    if !mapped {
        if wanted || own || base {
            let text = "missing, expected a list of `{model_split_id: .., method_name: ..}`: in this experiment each method has weights for \
                        itself";
            fields.problem(KEY, text);
        }
        return;
    }
    let mut missing = |is_missing: bool, key: &str, what: &str| {
        if is_missing {
            let key = key.trim_start_matches("paths.");
            let text = format!("missing beside `{KEY}`, expected {what}");
            fields.section("paths", |mut paths| paths.problem(key, text));
        }
    };
    missing(!own, OWN_WEIGHTS, "the folder of the weights, `<flag>_<model>/split_<i>_seed_<s>.pth`");
    missing(!base, BASE, "the folder of the stores whose images, labels and predictions are taken");
    if space.data_flags.is_empty() {
        fields.section("search_space", |mut space| {
            space.problem("data_flags", format!("expected a list with at least one item beside `{KEY}`"));
        });
    }
    if fields.node("expect").is_some_and(|node| matches!(&node.value, Value::List(_))) {
        fields.problem("expect", format!("found beside `{KEY}`, where no weights have predicted what maps explain"));
    }
    if fields.node("evaluation").is_some_and(|node| !node.value.is_empty()) {
        let text = format!(
            "found beside `{KEY}`: metrics ask the one model of a group, and here each method has weights for itself"
        );
        fields.problem("evaluation", text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_script_stand_for_its_methods_with_its_slips_or_without() {
        let meant = |key: &str, as_script| {
            let (class, params) = meant(key, None, None, as_script)?;
            Some((class, serde_json::to_value(params).unwrap_or_default()))
        };
        let table = [
            ("Saliency", ("Saliency", json!({})), None),
            (
                "IntegratedGradients_n_steps_50",
                ("IntegratedGradients", json!({"baselines": "zero", "n_steps": 50})),
                None,
            ),
            ("DeepLIFT", ("DeepLift", json!({"baselines": "zero"})), None),
            (
                "DeepLIFT_SHAP",
                ("DeepLiftShap", json!({"baselines": "combined_zng"})),
                Some(("DeepLift", json!({"baselines": "zero"}))),
            ),
            (
                "GradientShap_n_samples_20",
                ("GradientShap", json!({"baselines": "combined_zng", "n_samples": 20})),
                Some(("GradientShap", json!({"baselines": "combined_zn", "n_samples": 20}))),
            ),
        ];
        for (key, (class, params), script) in table {
            let right = Some((class.to_owned(), params));
            let script = script.map_or_else(|| right.clone(), |(class, params)| Some((class.to_owned(), params)));
            assert_eq!((meant(key, false), meant(key, true)), (right, script), "{key}");
        }
        for key in ["Saliencymap", "IntegratedGradients_n_steps", "IntegratedGradients_50", "Occlusion", "Deep"] {
            assert_eq!(meant(key, false), None, "{key}");
        }
    }
}
