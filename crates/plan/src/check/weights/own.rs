//! Weights that variants have for themselves: `<flag>_<model>/split_<i>_seed_<s>.pth`, where `<i>` is the number of the weights.

use std::path::{Path, PathBuf};

use sweep::config::Config;
use sweep::variant::Variant;

use crate::check::methods;

/// Seeds of the script of the decorrelated experiment, by the number of the weights.
const SEEDS: [u64; 8] = [42, 123, 456, 789, 101_112, 131_415, 161_718, 192_021];

/// `variants` by the number of their weights, in the order of the first variant of each; all together where none has weights for itself.
pub(super) fn parts(config: &Config, variants: &[Variant]) -> Vec<(Vec<Variant>, Option<u64>)> {
    let numbers = methods::own(config);
    if numbers.is_empty() {
        return vec![(variants.to_vec(), None)];
    }
    let mut parts: Vec<(Vec<Variant>, Option<u64>)> = Vec::new();
    for variant in variants {
        let number = numbers.get(variant.key.as_str()).copied();
        match parts.iter_mut().find(|(_, known)| *known == number) {
            Some((part, _)) => part.push(variant.clone()),
            None => parts.push((vec![variant.clone()], number)),
        }
    }
    parts
}

/// File of the weights that the variant called `key` has for itself, for dataset `flag` and `model`; `None` if it has those of its
/// group. The error is the file that was expected.
pub fn of_variant(config: &Config, flag: &str, model: &str, key: &str) -> Option<Result<PathBuf, PathBuf>> {
    let number = methods::own(config).get(key).copied()?;
    Some(find(config, flag, model, number))
}

/// File of the weights of this `number`: that with the seed of the script, or else the only one. The error is the file that was expected.
pub(super) fn find(config: &Config, flag: &str, model: &str, number: u64) -> Result<PathBuf, PathBuf> {
    let folder = config.paths.weights_root.join(format!("{flag}_{model}"));
    let seed = SEEDS.get(number as usize).copied().unwrap_or(SEEDS[0]);
    let usual = folder.join(format!("split_{number}_seed_{seed}.pth"));
    if usual.is_file() {
        return Ok(usual);
    }
    match &others(&folder, number)[..] {
        [only] => Ok(only.clone()),
        _ => Err(usual),
    }
}

/// Files of the weights of this `number`, with any seed.
fn others(folder: &Path, number: u64) -> Vec<PathBuf> {
    let fits = |name: &str| {
        let seed = name.strip_prefix(&format!("split_{number}_seed_")).and_then(|rest| rest.strip_suffix(".pth"));
        seed.is_some_and(|seed| !seed.is_empty() && seed.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let named = entries.filter(|entry| entry.file_name().to_str().is_some_and(fits));
    named.map(|entry| entry.path()).filter(|path| path.is_file()).collect()
}

#[cfg(test)]
mod tests {
    use sweep::problem::Problems;

    use super::*;

    #[test]
    fn weights_are_found_by_the_seed_of_the_script_or_as_the_only_ones_of_their_number() {
        let root = tempfile::tempdir().unwrap();
        let text = format!("paths: {{decorr_weights_root: {}, base_data_dir: b}}\n", root.path().display());
        let config = Config::parse(Path::new("c.yml"), &text, &mut Problems::new(Path::new("c.yml"))).unwrap();
        let folder = root.path().join("d_m");
        std::fs::create_dir(&folder).unwrap();
        for name in [
            "split_0_seed_42.pth",
            "split_0_seed_7.pth",
            "split_1_seed_9.pth",
            "split_2_seed_1.pth",
            "split_2_seed_2.pth",
        ] {
            std::fs::write(folder.join(name), "").unwrap();
        }
        let found =
            |number| find(&config, "d", "m", number).map_err(|expected| expected.file_name().unwrap().to_owned());
        assert_eq!(found(0), Ok(folder.join("split_0_seed_42.pth")));
        assert_eq!(found(1), Ok(folder.join("split_1_seed_9.pth")));
        // Neither of the two is that of the script.
        assert_eq!(found(2), Err("split_2_seed_456.pth".into()));
        assert_eq!(found(11), Err("split_11_seed_42.pth".into()));
    }
}
