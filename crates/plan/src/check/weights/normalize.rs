//! Normalizations of a config: whether each is meant for some images, is the only one that is meant for them, and has their channels.

use std::collections::BTreeSet;

use sweep::config::Normalizations;
use sweep::group::Group;
use sweep::preprocessing::Normalize;
use sweep::problem::Problems;

const KEY: &str = "normalize";

/// Notes what is wrong with the normalizations of `groups`.
pub(crate) fn check<'a>(
    normalizations: &Normalizations,
    groups: impl Iterator<Item = &'a Group>,
    problems: &mut Problems,
) {
    let groups: BTreeSet<(&str, &str, usize)> =
        groups.map(|group| (group.dataset.as_str(), group.model.as_str(), group.shape[0])).collect();
    for &(dataset, model, channels) in &groups {
        let line = normalizations.line(dataset, model);
        if let [.., another, last] = normalizations.doubtful(dataset, model)[..] {
            let text = format!(
                "the entries in lines {another} and {last} are both meant for {model} on `{dataset}`; one that names both decides"
            );
            problems.add(line, KEY, text);
        }
        let numbers = normalizations.of(dataset, model).map_or(1, Normalize::channels);
        if numbers > channels {
            let text = format!(
                "found {numbers} numbers for {model} on `{dataset}`, which takes images of {channels} channels"
            );
            problems.add(line, KEY, text);
        }
    }
    let named: Vec<(&str, &str)> = groups.iter().map(|(dataset, model, _)| (*dataset, *model)).collect();
    for line in normalizations.unused(&named) {
        problems.add(line, KEY, "the config has no group of this model and dataset".to_owned());
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use sweep::config::Config;

    use super::*;

    /// Mistakes of a config with `normalize`, for groups of these models on datasets of three channels.
    fn told(normalize: &str, models: &[&str]) -> Vec<String> {
        let text = format!("paths: {{}}\nsearch_space: {{}}\nnormalize:\n{normalize}\n");
        let config = Config::parse(Path::new("c.yml"), &text, &mut Problems::new(Path::new("c.yml"))).unwrap();
        let groups: Vec<Group> =
            models.iter().map(|model| testkit::group::group().model(*model, "m.pth").build()).collect();
        let mut problems = Problems::new(Path::new("c.yml"));
        check(&config.settings.normalize, groups.iter(), &mut problems);
        problems.list().iter().map(|problem| format!("{}: {}", problem.line, problem.text)).collect()
    }

    #[test]
    fn numbers_of_more_channels_than_images_have_are_told_with_their_line() {
        let told = told("- {mean: 0, std: 1}\n- {mean: [0, 1, 2, 3], std: 1, model: b}", &["a", "b"]);
        assert_eq!(told, ["5: found 4 numbers for b on `d`, which takes images of 3 channels"]);
    }

    #[test]
    fn an_entry_for_no_group_and_two_for_one_group_are_told() {
        let two = told("- {mean: 0, std: 1, model: a}\n- {mean: 1, std: 1, dataset: d}", &["a", "b"]);
        let both = "the entries in lines 4 and 5 are both meant for a on `d`; one that names both decides";
        assert_eq!(two, [format!("5: {both}")]);
        let none = told("- {mean: 0, std: 1, model: c}", &["a"]);
        assert_eq!(none, ["4: the config has no group of this model and dataset"]);
    }
}
