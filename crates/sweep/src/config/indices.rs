//! `indices`: which images of each split are taken, a list or a file of them.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use crate::yaml::{Fields, Value, read};

/// Most images that may be chosen: every message to a worker and the root of every store have all of their indices.
pub const MOST_CHOSEN: usize = 1 << 16;

/// Largest file of indices in bytes.
const MOST_BYTES: u64 = 8 << 20;

/// Reads the key. Mistakes are noted.
pub(super) fn indices(fields: &mut Fields<'_>) -> Option<Arc<[u64]>> {
    fields.optional("indices", |value| match value {
        Value::List(items) => {
            let index = |item: &crate::yaml::Node| read::integer(0, u64::MAX)(&item.value);
            checked(items.iter().map(index).collect::<Result<_, _>>().map_err(|_| EXPECTED.to_owned())?)
        }
        _ => of_file(&read::path(value).map_err(|_| EXPECTED.to_owned())?),
    })
}

const EXPECTED: &str = "a list of indices, or the path of a file with one in each line";

/// Indices in a text: numbers, and between them spaces, commas, lines or the brackets of a list. The error says what was expected.
fn of_file(file: &Path) -> Result<Arc<[u64]>, String> {
    let told = |reason: String| format!("{EXPECTED}; `{}` {reason}", file.display());
    let metadata = std::fs::metadata(file).map_err(|error| told(format!("cannot be read: {error}")))?;
    let size = metadata.len();
    if !metadata.is_file() {
        return Err(told("is no file".to_owned()));
    }
    if size > MOST_BYTES {
        return Err(told(format!("has {} MiB, at most {} MiB are read", size >> 20, MOST_BYTES >> 20)));
    }
    let text = std::fs::read_to_string(file);
    let text =
        text.map_err(|_| told("is no text; write one with `numpy.savetxt(file, indices, fmt=\"%d\")`".to_owned()))?;
    let words = |line: &str| {
        let words = line.split([' ', '\t', ',', '[', ']']).filter(|word| !word.is_empty());
        words.map(|word| word.parse().map_err(|_| word.to_owned())).collect::<Result<Vec<u64>, String>>()
    };
    let mut indices = Vec::new();
    for (at, line) in text.lines().enumerate() {
        indices.extend(words(line).map_err(|word| told(format!("has `{word}` in line {}", at + 1)))?);
    }
    checked(indices).map_err(told)
}

fn checked(indices: Vec<u64>) -> Result<Arc<[u64]>, String> {
    if indices.is_empty() || indices.len() > MOST_CHOSEN {
        return Err(format!("1 to {MOST_CHOSEN} indices (there are {})", indices.len()));
    }
    let mut seen = BTreeSet::new();
    match indices.iter().find(|index| !seen.insert(**index)) {
        Some(index) => Err(format!("each index once ({index} is there twice)")),
        None => Ok(indices.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::config::Config;
    use crate::problem::Problems;

    /// Indices of a config with this `value` of the key, or what is wrong with it.
    fn read(value: &str) -> Result<Vec<u64>, String> {
        let mut problems = Problems::new(Path::new("c.yml"));
        let config = Config::parse(Path::new("c.yml"), &format!("indices: {value}\n"), &mut problems);
        let told = problems
            .list()
            .iter()
            .find(|problem| problem.key.starts_with("indices"))
            .map(|problem| problem.text.clone());
        let indices = config.and_then(|config| config.settings.indices).unwrap_or_default();
        told.map_or(Ok(indices.to_vec()), Err)
    }

    #[test]
    fn indices_are_a_list_or_the_numbers_of_a_file_in_their_order() {
        assert_eq!(read("[7, 0, 3]"), Ok(vec![7, 0, 3]));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("i.txt");
        for text in ["7\n0\r\n3\n", "[7, 0,\n 3]", "7 0\t3"] {
            std::fs::write(&file, text).unwrap();
            assert_eq!(read(&file.display().to_string()), Ok(vec![7, 0, 3]), "{text}");
        }
    }

    #[test]
    fn what_is_no_index_or_is_there_twice_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("i.txt");
        std::fs::write(&file, "7\n1.5\n").unwrap();
        for (value, told) in [
            ("[]", "expected 1 to 65536 indices (there are 0)"),
            ("[1, 2, 1]", "expected each index once (1 is there twice)"),
            ("[1, -2]", "expected a list of indices"),
            ("/nowhere/i.txt", "`/nowhere/i.txt` cannot be read"),
            ("/dev/zero", "`/dev/zero` is no file"),
            (&file.display().to_string(), "has `1.5` in line 2"),
        ] {
            let error = read(value).unwrap_err();
            assert!(error.contains(told), "{error}");
        }
    }
}
