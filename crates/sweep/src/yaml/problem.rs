//! Mistakes in a config, collected so that one run reports all of them.

use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::error::Category;

/// A mistake in a config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// 1-based line of the config file; 0 where the mistake has no line of its own.
    pub line: u64,
    /// Dotted path of the key (`search_space.splits[1]`).
    pub key: String,
    /// The text that was found, and the text that was expected.
    pub text: String,
}

/// All mistakes of one config file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems {
    file: PathBuf,
    list: Vec<Problem>,
}

impl Problems {
    /// An empty list for `file`.
    pub fn new(file: &Path) -> Self {
        Self { file: file.to_owned(), list: Vec::new() }
    }

    /// Adds a mistake at `line` and `key`.
    pub fn add(&mut self, line: u64, key: impl Into<String>, text: impl Into<String>) {
        let problem = Problem { line, key: key.into(), text: text.into() };
        if !self.list.contains(&problem) {
            self.list.push(problem);
        }
    }

    /// `Err` with all mistakes in the order of the file, or `Ok` if there are none.
    pub fn into_result(mut self) -> Result<(), Self> {
        if self.list.is_empty() {
            return Ok(());
        }
        self.list.sort_by_key(|problem| problem.line);
        Err(self)
    }

    /// The mistakes found so far.
    pub fn list(&self) -> &[Problem] {
        &self.list
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.display();
        match self.list.len() {
            1 => write!(f, "1 mistake in {file}; nothing was started")?,
            n => write!(f, "{n} mistakes in {file}; nothing was started")?,
        }
        for Problem { line, key, text } in &self.list {
            write!(f, "\n  {file}")?;
            if *line > 0 {
                write!(f, ":{line}")?;
            }
            match key.as_str() {
                "" => write!(f, ": {text}")?,
                key => write!(f, ": {key}: {text}")?,
            }
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// `, did you mean `x`?` if one of `known` is close to `word`, else the list of `known`.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    match known.iter().copied().min_by_key(|name| distance(word, name)) {
        Some(name) if is_close(word, name) => format!("did you mean `{name}`?"),
        _ => format!("known: {}", known.join(", ")),
    }
}

/// Whether `word` may be a mistyped `name`. Where both consist of several words, every word must be close to its partner:
/// `imagenet_weights_root` is not close to `medmnist_weights_root`, though most of the letters are the same.
fn is_close(word: &str, name: &str) -> bool {
    let near = |a: &str, b: &str| distance(a, b) <= 1 + b.len() / 4;
    let same_count = word.matches('_').count() == name.matches('_').count();
    near(word, name) && (!same_count || word.split('_').zip(name.split('_')).all(|(a, b)| near(a, b)))
}

fn distance(a: &str, b: &str) -> usize {
    strsim::damerau_levenshtein(&a.to_lowercase(), &b.to_lowercase())
}

/// Fault of a text that is read as JSON, and its line, in place of the parser's words.
pub fn not_json(error: &serde_json::Error) -> String {
    let line = error.line();
    match error.classify() {
        Category::Eof => format!("cut off: its JSON ends in the middle, in line {line}"),
        Category::Data if line == 0 => "JSON, but not of the form that belongs here".to_owned(),
        Category::Data => format!("JSON, but what stands in line {line} is not of the form that belongs there"),
        Category::Syntax | Category::Io => format!("not JSON: line {line}, column {} cannot be read", error.column()),
    }
}

/// The `count` names of `known` that are closest to `word`, the closest first.
pub fn closest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>, count: usize) -> Vec<&'a str> {
    let mut known: Vec<&str> = known.into_iter().collect();
    known.sort_by_cached_key(|name| strsim::damerau_levenshtein(word, name));
    known.truncate(count);
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_is_answered_with_the_nearest_name_and_nonsense_with_all_names() {
        let known = ["splits", "data_flags"];
        assert_eq!(nearest("split", known), "did you mean `splits`?");
        assert_eq!(nearest("dataflag", known), "did you mean `data_flags`?");
        assert_eq!(nearest("launcher", known), "known: splits, data_flags");
        assert_eq!(nearest("imagenet_weights_root", ["medmnist_weights_root"]), "known: medmnist_weights_root");
    }

    #[test]
    fn broken_json_is_told_by_its_line_and_not_in_the_words_of_its_parser() {
        let table = [
            ("{\n\"a\": 1,", "cut off: its JSON ends in the middle, in line 2"),
            ("{\n'a': 1}", "not JSON: line 2, column 1 cannot be read"),
            ("{\"a\":\n\"x\"}", "JSON, but what stands in line 2 is not of the form that belongs there"),
        ];
        for (text, told) in table {
            let read = serde_json::from_str::<std::collections::BTreeMap<String, u64>>(text);
            assert_eq!(read.err().map(|error| not_json(&error)).as_deref(), Some(told), "{text}");
        }
    }

    #[test]
    fn the_closest_names_come_first() {
        let known = ["avgpool", "layer1", "layer4", "layer4.1"];
        assert_eq!(closest("layer4.2", known, 2), ["layer4.1", "layer4"]);
    }

    #[test]
    fn problems_are_told_in_the_order_of_the_file() {
        let mut problems = Problems::new(Path::new("a.yml"));
        problems.add(9, "seed", "late");
        problems.add(2, "paths", "early");
        let text = problems.into_result().map_or_else(|all| all.to_string(), |()| String::new());
        assert_eq!(text, "2 mistakes in a.yml; nothing was started\n  a.yml:2: paths: early\n  a.yml:9: seed: late");
    }
}
