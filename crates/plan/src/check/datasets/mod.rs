//! Datasets of a config: the splits of files, or the bases of groups.

mod bases;
mod dataset;

use data::datasets::{self, KEY};
use sweep::config::Config;
use sweep::problem::Problems;

pub(crate) use dataset::{Dataset, without_labels};

/// Opens every split of every dataset.
pub(crate) fn open(config: &Config, flags: &[(String, u64)], problems: &mut Problems) -> Vec<Dataset> {
    if !config.paths.bases.is_empty() {
        return bases::open(config, flags, problems);
    }
    let mut datasets = Vec::new();
    let size = config.search_space.image_size;
    for (flag, line) in flags.iter().map(|(flag, line)| (flag, *line)) {
        let Some(found) = datasets::locate(config, (flag, line), problems) else { continue };
        let before = datasets.len();
        for (split, _) in &config.search_space.splits {
            match dataset::read(config, flag, *split, &found) {
                Ok(dataset) => {
                    dataset::check(&dataset, size, line, problems);
                    datasets.push(dataset);
                }
                Err(error) => {
                    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
                    problems.add(line, KEY, format!("{error}{cause}"));
                }
            }
        }
        if let [first, _, ..] = &datasets[before..]
            && first.one_split
        {
            let (file, splits) = (first.file.display(), config.search_space.splits.len());
            let text = format!(
                "`{file}` has one split, whose arrays lie in its root, and the config asks for {splits}; name one"
            );
            problems.add(config.search_space.splits[1].1, "search_space.splits", text);
        }
    }
    datasets
}
