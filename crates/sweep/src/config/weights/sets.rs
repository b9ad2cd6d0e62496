//! `weights`: names of sets of weights, for files that hold several sets, as training saves them.

use std::collections::BTreeMap;

use crate::yaml::{Fields, Value, read};

/// Names of sets of weights.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum WeightSets {
    /// No name: a file holds one set only.
    #[default]
    Unsaid,
    /// A name for every model.
    All(String),
    /// A name for each of these models, with its line.
    Models(BTreeMap<String, (String, u64)>),
}

impl WeightSets {
    pub(in crate::config) fn read(mut fields: Fields<'_>) -> Self {
        let sets = fields.optional("set", sets).unwrap_or_default();
        fields.finish();
        sets
    }

    /// Models that have a name here and are not in `models`, with their lines.
    pub(in crate::config) fn unknown<'a>(&'a self, models: &[(String, u64)]) -> Vec<(&'a str, u64)> {
        let Self::Models(sets) = self else { return Vec::new() };
        let unknown = sets.iter().filter(|(name, _)| models.iter().all(|(model, _)| model != *name));
        unknown.map(|(name, (_, line))| (name.as_str(), *line)).collect()
    }

    /// The name of the set for `model`.
    pub fn of(&self, model: &str) -> Option<&str> {
        match self {
            Self::Unsaid => None,
            Self::All(set) => Some(set),
            Self::Models(sets) => sets.get(model).map(|(set, _)| set.as_str()),
        }
    }
}

fn sets(value: &Value) -> Result<WeightSets, String> {
    let expected = || "a name such as `state_dict_ema`, or a mapping of models to such names".to_owned();
    let Value::Map(entries) = value else {
        return read::text(value).map(WeightSets::All).map_err(|_| expected());
    };
    let of_model = entries.iter().map(|(entry, node)| Ok((entry.name.clone(), (read::text(&node.value)?, entry.line))));
    let sets: Result<_, String> = of_model.collect();
    sets.map(WeightSets::Models).map_err(|_| expected())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Config;
    use crate::yaml::problem::Problems;

    fn parse(weights: &str) -> (WeightSets, Vec<String>) {
        let text = format!("paths: {{}}\nsearch_space:\n  model_flags: [resnet18, resnet50]\nweights: {weights}\n");
        let mut problems = Problems::new(Path::new("config.yml"));
        let config = Config::parse(Path::new("config.yml"), &text, &mut problems);
        let told = problems.list().iter().filter(|problem| problem.key.starts_with("weights"));
        let told = told.map(|problem| format!("{}: {}: {}", problem.line, problem.key, problem.text)).collect();
        (config.map(|config| config.settings.weights).unwrap_or_default(), told)
    }

    #[test]
    fn a_set_is_chosen_for_every_model_or_for_each_by_its_name() {
        let (sets, told) = parse("{set: state_dict_ema}");
        assert_eq!((sets.of("resnet18"), told.len()), (Some("state_dict_ema"), 0));
        let (sets, told) = parse("{set: {resnet18: model_ema}}");
        assert_eq!((sets.of("resnet18"), sets.of("resnet50"), told.len()), (Some("model_ema"), None, 0));
    }

    #[test]
    fn what_is_no_name_and_what_is_no_model_of_the_sweep_is_told() {
        let expected = "expected a name such as `state_dict_ema`, or a mapping of models to such names";
        for (weights, told) in [
            ("{set: [ema]}", format!("4: weights.set: found a list of 1, {expected}")),
            ("{set: {resnet18: [ema]}}", format!("4: weights.set: found a mapping, {expected}")),
            ("{sett: ema}", "4: weights.sett: unknown key, did you mean `set`?".to_owned()),
            (
                "{set: {resnet19: ema}}",
                "4: weights.set.resnet19: no such model in `search_space.model_flags`".to_owned(),
            ),
        ] {
            assert_eq!(parse(weights).1, [told]);
        }
    }
}
