//! `normalize`: mean and standard deviation by which weights want their images, where these are not those of the reference scripts.

use crate::preprocessing::Normalize;
use crate::yaml::{Fields, Value, read};

/// Every entry under `normalize`, in the order of the config.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Normalizations(Vec<Entry>);

/// Normalization of some groups.
#[derive(Clone, Debug, PartialEq)]
struct Entry {
    normalize: Normalize,
    /// Model whose images are meant; `None` means those of every model.
    model: Option<String>,
    /// Dataset whose images are meant; `None` means those of every dataset.
    dataset: Option<String>,
    line: u64,
}

impl Entry {
    fn fits(&self, dataset: &str, model: &str) -> bool {
        let fits = |wanted: &Option<String>, name| wanted.as_deref().is_none_or(|wanted| wanted == name);
        fits(&self.dataset, dataset) && fits(&self.model, model)
    }

    /// Number of names that the entry gives: an entry that gives more of them is meant before one that gives fewer.
    fn names(&self) -> usize {
        usize::from(self.model.is_some()) + usize::from(self.dataset.is_some())
    }
}

impl Normalizations {
    pub(in crate::config) fn read(fields: &mut Fields<'_>) -> Self {
        Self(fields.one_or_sections("normalize", entry).unwrap_or_default())
    }

    /// Normalization of the images of `dataset` for `model`; `None` means that of the dataset's format, which is 0.5 and 0.5.
    pub fn of(&self, dataset: &str, model: &str) -> Option<&Normalize> {
        let fitting = self.0.iter().filter(|entry| entry.fits(dataset, model));
        let normalize = &fitting.max_by_key(|entry| entry.names())?.normalize;
        (*normalize != Normalize::default()).then_some(normalize)
    }

    /// Lines of the entries that are meant for `dataset` and `model` in equal measure, where there are several.
    pub fn doubtful(&self, dataset: &str, model: &str) -> Vec<u64> {
        let fitting: Vec<_> = self.0.iter().filter(|entry| entry.fits(dataset, model)).collect();
        let most = fitting.iter().map(|entry| entry.names()).max();
        let lines: Vec<u64> =
            fitting.iter().filter(|entry| Some(entry.names()) == most).map(|entry| entry.line).collect();
        if lines.len() > 1 { lines } else { Vec::new() }
    }

    /// Line of the entry that is meant for `dataset` and `model`; 0 if none is.
    pub fn line(&self, dataset: &str, model: &str) -> u64 {
        let fitting = self.0.iter().filter(|entry| entry.fits(dataset, model));
        fitting.max_by_key(|entry| entry.names()).map_or(0, |entry| entry.line)
    }

    /// Lines of the entries that are meant for none of the `groups` (dataset and model).
    pub fn unused(&self, groups: &[(&str, &str)]) -> Vec<u64> {
        let unused = self.0.iter().filter(|entry| groups.iter().all(|(dataset, model)| !entry.fits(dataset, model)));
        unused.map(|entry| entry.line).collect()
    }
}

fn entry(mut fields: Fields<'_>) -> Option<Entry> {
    let line = fields.line_of("mean");
    let mean = fields
        .required("mean", |value| numbers(value, f32::is_finite, "a number, or a list with one for each channel"));
    let std = fields.required("std", |value| {
        numbers(value, |std| std.is_finite() && std > 0.0, "a number above 0, or a list with one for each channel")
    });
    let model = fields.optional("model", read::name);
    let dataset = fields.optional("dataset", read::name);
    fields.finish();
    Some(Entry { normalize: Normalize::new(mean?, std?), model, dataset, line })
}

/// Reads one number for all channels, or a list of numbers that are `sound`.
fn numbers(value: &Value, sound: impl Fn(f32) -> bool, expected: &str) -> Result<Vec<f32>, String> {
    let number = |value: &Value| match value {
        Value::Integer(number) => Some(*number as f32),
        Value::Number(number) => Some(*number as f32),
        _ => None,
    };
    let numbers = match value {
        Value::List(items) if !items.is_empty() => items.iter().map(|item| number(&item.value)).collect(),
        other => number(other).map(|number| vec![number]),
    };
    numbers.filter(|numbers: &Vec<f32>| numbers.iter().copied().all(sound)).ok_or_else(|| expected.to_owned())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Config;
    use crate::yaml::problem::Problems;

    fn parse(normalize: &str) -> (Normalizations, Vec<String>) {
        let text = format!("paths: {{}}\nsearch_space: {{}}\nnormalize: {normalize}\n");
        let mut problems = Problems::new(Path::new("config.yml"));
        let config = Config::parse(Path::new("config.yml"), &text, &mut problems);
        let told = problems.list().iter().filter(|problem| problem.key.starts_with("normalize"));
        let told = told.map(|problem| format!("{}: {}: {}", problem.line, problem.key, problem.text)).collect();
        (config.map(|config| config.settings.normalize).unwrap_or_default(), told)
    }

    #[test]
    fn an_entry_that_names_more_is_meant_before_one_that_names_less() {
        let (found, told) = parse(
            "[{mean: 0.1, std: 1}, {mean: 0.2, std: 1, model: m}, {mean: [0.3, 0.4], std: [1, 2], model: m, dataset: d}]",
        );
        assert_eq!(told, [""; 0]);
        let mean = |dataset, model| found.of(dataset, model).map(|found| found.mean().to_vec());
        assert_eq!(mean("e", "n"), Some(vec![0.1]));
        assert_eq!(mean("e", "m"), Some(vec![0.2]));
        assert_eq!(mean("d", "m"), Some(vec![0.3, 0.4]));
        assert!(found.doubtful("d", "m").is_empty());
        let (found, _) = parse("[{mean: 0, std: 1, model: m}, {mean: 1, std: 1, dataset: d}]");
        assert_eq!((found.doubtful("d", "m"), found.doubtful("d", "n")), (vec![3, 3], vec![]));
        assert_eq!(found.unused(&[("e", "m")]), [3]);
    }

    #[test]
    fn numbers_of_the_reference_scripts_however_spelled_change_nothing() {
        for same in ["{mean: 0.5, std: 0.5}", "{mean: [0.5, 0.5, 0.5], std: [0.5]}"] {
            let (found, told) = parse(same);
            assert_eq!((found.of("d", "m"), told.len()), (None, 0));
        }
    }

    #[test]
    fn what_is_no_normalization_is_told_with_its_key() {
        let channels = "or a list with one for each channel";
        for (normalize, told) in [
            ("{mean: 0.5}", format!("3: normalize.std: missing, expected a number above 0, {channels}")),
            ("{mean: [], std: 1}", format!("3: normalize.mean: found a list of 0, expected a number, {channels}")),
            (
                "{mean: 0, std: [1, 0]}",
                format!("3: normalize.std: found a list of 2, expected a number above 0, {channels}"),
            ),
            ("imagenet", "3: normalize: found `imagenet`, expected a mapping or a list of mappings".to_owned()),
        ] {
            assert_eq!(parse(normalize).1, [told]);
        }
    }
}
