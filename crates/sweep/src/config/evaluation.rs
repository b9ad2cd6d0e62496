//! `evaluation`: metrics of the maps, and `evaluation_defaults`, what they have in common.

use std::collections::BTreeMap;

use super::search_space::{BELOW, parameters};
use crate::evaluation::Only;
use crate::parameters::Parameters;
use crate::yaml::{Fields, Value, read};

/// An item of `evaluation`.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// First part of the keys of its scores; the class if not given.
    pub name: String,
    /// Class of the metric.
    pub class: String,
    /// Parameters as given.
    pub params: Parameters,
    /// Options of the item, and those of `evaluation_defaults`.
    pub options: Options,
    /// Patterns of the keys of the methods that are scored, each with its line; empty means all.
    pub methods: Vec<(String, u64)>,
    /// Images that an average is taken over.
    pub only: Only,
    /// Line of the config.
    pub line: u64,
}

/// Options that metrics of many classes have: parameters which stand beside `params`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// Options of the item: the metric must take them.
    pub own: Parameters,
    /// Options of `evaluation_defaults`: metrics that do not take them leave them alone.
    pub common: Parameters,
    /// Line of each option of `evaluation_defaults`.
    pub common_lines: BTreeMap<String, u64>,
}

/// Keys of the options.
pub(super) const OPTIONS: &[&str] = &["target", "score", "channels", "semantics"];

/// Words of each option.
const WORDS: [&[(&str, &str)]; 4] = [
    &[("predicted", "predicted"), ("label", "label")],
    &[("probability", "probability"), ("logit", "logit"), ("log_probability", "log_probability")],
    &[
        ("sum", "sum"),
        ("abs_sum", "abs_sum"),
        ("mean_abs", "mean_abs"),
        ("max_abs", "max_abs"),
        ("positive_sum", "positive_sum"),
        ("each", "each"),
    ],
    &[("exact", "exact"), ("quantus", "quantus"), ("captum", "captum"), ("rise", "rise")],
];

const ONLY: &[(&str, Only)] = &[("all", Only::All), ("correct", Only::Correct)];

/// Most items: each is a folder of every store, at least.
const MOST: usize = 256;

/// Reads the metrics of a config.
pub(super) fn read(fields: &mut Fields<'_>) -> Vec<Metric> {
    let common = |mut fields: Fields<'_>| {
        let common = options(&mut fields);
        let common_lines = common.0.keys().map(|key| (key.clone(), fields.line_of(key))).collect();
        fields.finish();
        Options { common, common_lines, ..Options::default() }
    };
    let common = fields.section("evaluation_defaults", common).unwrap_or_default();
    let metrics = fields.sections("evaluation", |fields| metric(fields, &common)).unwrap_or_default();
    if metrics.len() > MOST {
        fields.problem("evaluation", format!("{} metrics, expected at most {MOST}", metrics.len()));
        return Vec::new();
    }
    metrics
}

fn metric(mut fields: Fields<'_>, common: &Options) -> Option<Metric> {
    let line = fields.line_of("class");
    let class = fields.required("class", read::name);
    let name = fields.optional("name", read::name);
    let params = parameters(&mut fields);
    let options = Options { own: options(&mut fields), ..common.clone() };
    let methods = fields.list("methods", pattern).unwrap_or_default();
    let only = fields.optional("only", read::choice(ONLY)).unwrap_or_default();
    fields.finish_with(BELOW);
    let class = class?;
    Some(Metric { name: name.unwrap_or_else(|| class.clone()), class, params, options, methods, only, line })
}

fn options(fields: &mut Fields<'_>) -> Parameters {
    let mut options = Parameters::default();
    for (key, words) in OPTIONS.iter().zip(WORDS) {
        if let Some(word) = fields.optional(key, read::choice(words)) {
            options.0.insert((*key).to_owned(), word.into());
        }
    }
    options
}

/// A pattern of keys, in which `*` stands for any text and `?` for one letter.
fn pattern(value: &Value) -> Result<String, String> {
    read::text(value)
        .map_err(|_| "a key of a method, in which `*` stands for any text and `?` for one letter".to_owned())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::*;
    use crate::config::Config;
    use crate::problem::Problems;

    fn parsed(text: &str) -> (Vec<Metric>, Vec<String>) {
        let mut problems = Problems::new(Path::new("c.yml"));
        let config = Config::parse(Path::new("c.yml"), text, &mut problems);
        let told = problems.list().iter().filter(|problem| problem.key.starts_with("evaluation"));
        (
            config.map(|config| config.evaluation).unwrap_or_default(),
            told.map(|p| format!("{}: {}", p.key, p.text)).collect(),
        )
    }

    #[test]
    fn a_metric_has_the_name_of_its_class_and_the_options_of_all_beside_its_own() {
        let (metrics, told) = parsed(
            "evaluation_defaults: {score: logit}\nevaluation:\n- {class: Deletion, channels: sum, params: {steps: [10, 20]}}\n\
             - {name: R, class: Insertion, methods: ['IG*'], only: correct}\n",
        );
        assert!(told.is_empty(), "{told:?}");
        let first = &metrics[0];
        assert_eq!(first.options.common_lines.get("score"), Some(&1));
        assert_eq!((first.name.as_str(), first.line, first.only), ("Deletion", 3, Only::All));
        assert_eq!(serde_json::to_value(&first.options.own).ok(), Some(json!({"channels": "sum"})));
        assert_eq!(serde_json::to_value(&first.options.common).ok(), Some(json!({"score": "logit"})));
        assert_eq!((metrics[1].methods.clone(), metrics[1].only), (vec![("IG*".to_owned(), 4)], Only::Correct));
    }

    #[test]
    fn every_mistake_in_a_metric_is_told_with_what_was_expected() {
        let (_, told) = parsed("evaluation:\n- {name: x, score: lodgit, steps: 3, only: some, methods: 5}\n");
        assert_eq!(
            told,
            [
                "evaluation[0].class: missing, expected a name of at most 100 letters, digits, `.`, `_` or `-`",
                "evaluation[0].score: found `lodgit`, expected `probability` or `logit` or `log_probability`",
                "evaluation[0].methods: found `5`, expected a list",
                "evaluation[0].only: found `some`, expected `all` or `correct`",
                "evaluation[0].steps: unknown key, known: class, name, params, target, score, channels, semantics, \
                 methods, only; parameters belong below `params`",
            ]
        );
    }
}
