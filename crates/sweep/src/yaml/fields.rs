//! Reading a mapping key by key: every mistake is noted, and reading goes on.

use std::collections::HashMap;

use crate::yaml::node::{Entry, Node, Value};
use crate::yaml::problem::{Problems, nearest};

/// The sections of a file by their paths, with the keys of each. A key that stands in the wrong section is found here.
pub type Places = &'static [(&'static str, &'static [&'static str])];

/// Most keys of one mapping that are reported to stand there twice.
const MOST_TWICE: usize = 10;

/// The keys of a mapping. Each known key is asked for once, and [`Fields::finish`] notes the others as mistakes.
pub struct Fields<'a> {
    path: String,
    line: u64,
    entries: &'a [(Entry, Node)],
    known: Vec<&'static str>,
    places: Places,
    problems: &'a mut Problems,
}

impl<'a> Fields<'a> {
    /// The keys of `node`, the top level of a file whose sections are `places`. A node that is no mapping is noted as a mistake, and
    /// read as an empty mapping.
    pub fn root(node: &'a Node, places: Places, problems: &'a mut Problems) -> Self {
        Self::new(node, "", places, problems)
    }

    /// The keys of `node`, which stands at `path` of a file and is read by itself: no key of it belongs anywhere else.
    pub fn within(node: &'a Node, path: &str, problems: &'a mut Problems) -> Self {
        Self::new(node, path, &[], problems)
    }

    fn new(node: &'a Node, path: &str, places: Places, problems: &'a mut Problems) -> Self {
        let entries: &[(Entry, Node)] = match &node.value {
            Value::Map(entries) => entries,
            Value::Null => &[],
            other => {
                problems.add(node.line, path, format!("found {}, expected a mapping of keys", other.found()));
                &[]
            }
        };
        let mut fields = Self { path: path.to_owned(), line: node.line, entries, known: Vec::new(), places, problems };
        fields.note_twice();
        fields
    }

    /// Notes every key that stands there twice, as nobody knows which of the two values is meant.
    fn note_twice(&mut self) {
        let (mut lines, mut twice) = (HashMap::new(), Vec::new());
        for (entry, _) in self.entries {
            if let Some(earlier) = lines.insert(&entry.name, entry.line) {
                twice.push((entry, earlier));
            }
        }
        for (entry, earlier) in twice.into_iter().take(MOST_TWICE) {
            let text = format!("found twice, in lines {earlier} and {}; keep one of them", entry.line);
            self.problems.add(entry.line, self.at(&entry.name), text);
        }
    }

    /// The value under `key`, read by `read`; `None` if there is none, or if `read` refuses the value, which is noted as a mistake.
    pub fn optional<T>(&mut self, key: &'static str, read: impl Fn(&Value) -> Result<T, String>) -> Option<T> {
        let node = self.node(key)?;
        match read(&node.value) {
            Ok(value) => Some(value),
            Err(expected) => {
                let text = format!("found {}, expected {expected}", node.value.found());
                self.problems.add(node.line, self.at(key), text);
                None
            }
        }
    }

    /// The value under `key`, as [`Fields::optional`] reads it. A missing key is noted as a mistake.
    pub fn required<T>(&mut self, key: &'static str, read: impl Fn(&Value) -> Result<T, String>) -> Option<T> {
        if self.node(key).is_none() {
            let expected = read(&Value::Null).err().unwrap_or_default();
            self.problems.add(self.line, self.at(key), format!("missing, expected {expected}"));
            return None;
        }
        self.optional(key, read)
    }

    /// The items of the list under `key` that `read` accepts, each with its line. Items that `read` refuses are noted as mistakes.
    pub fn list<T>(&mut self, key: &'static str, read: impl Fn(&Value) -> Result<T, String>) -> Option<Vec<(T, u64)>> {
        let node = self.node(key)?;
        let at = self.at(key);
        let Value::List(items) = &node.value else {
            let example = match &node.value {
                Value::Text(text) => format!(", as in `[{}]`", super::words::shown(text)),
                _ => String::new(),
            };
            self.problems.add(node.line, at, format!("found {}, expected a list{example}", node.value.found()));
            return None;
        };
        let mut list = Vec::new();
        for (index, item) in items.iter().enumerate() {
            match read(&item.value) {
                Ok(value) => list.push((value, item.line)),
                Err(expected) => {
                    let text = format!("found {}, expected {expected}", item.value.found());
                    self.problems.add(item.line, format!("{at}[{index}]"), text);
                }
            }
        }
        Some(list)
    }

    /// Notes a mistake if there is no list under `key`, or an empty one.
    pub fn expect_items(&mut self, key: &'static str) {
        let empty = |node: &Node| matches!(&node.value, Value::List(items) if items.is_empty());
        if self.node(key).is_none_or(empty) {
            self.problem(key, "expected a list with at least one item");
        }
    }

    /// The mapping under `key`, read by `read`.
    pub fn section<T>(&mut self, key: &'static str, read: impl FnOnce(Fields<'_>) -> T) -> Option<T> {
        let node = self.node(key)?;
        let path = self.at(key);
        Some(read(Fields::new(node, &path, self.places, self.problems)))
    }

    /// The list of mappings under `key`, each read by `read`.
    pub fn sections<T>(&mut self, key: &'static str, mut read: impl FnMut(Fields<'_>) -> Option<T>) -> Option<Vec<T>> {
        let node = self.node(key)?;
        let at = self.at(key);
        let Value::List(items) = &node.value else {
            self.problems.add(node.line, at, format!("found {}, expected a list of mappings", node.value.found()));
            return None;
        };
        let read_one = |(index, item)| read(Fields::new(item, &format!("{at}[{index}]"), self.places, self.problems));
        Some(items.iter().enumerate().filter_map(read_one).collect())
    }

    /// The mapping under `key`, or the list of mappings, each read by `read`.
    pub fn one_or_sections<T>(
        &mut self,
        key: &'static str,
        mut read: impl FnMut(Fields<'_>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let node = self.node(key)?;
        match &node.value {
            Value::Map(_) => Some(self.section(key, read).flatten().into_iter().collect()),
            Value::List(_) => self.sections(key, &mut read),
            other => {
                let text = format!("found {}, expected a mapping or a list of mappings", other.found());
                self.problems.add(node.line, self.at(key), text);
                None
            }
        }
    }

    /// The node under `key`, which is a known key from then on. An empty value counts as not given.
    pub fn node(&mut self, key: &'static str) -> Option<&'a Node> {
        if !self.known.contains(&key) {
            self.known.push(key);
        }
        let node = &self.entries.iter().find(|(entry, _)| entry.name == key)?.1;
        (node.value != Value::Null).then_some(node)
    }

    /// Whether an entry exists under `key`, be the entry empty.
    pub fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|(entry, _)| entry.name == key)
    }

    /// All entries in their order, for mappings whose keys are free.
    pub fn entries(&self) -> &'a [(Entry, Node)] {
        self.entries
    }

    /// Line of the value under `key`, or of the mapping itself.
    pub fn line_of(&self, key: &str) -> u64 {
        self.entries.iter().find(|(entry, _)| entry.name == key).map_or(self.line, |(_, node)| node.line)
    }

    /// Notes a mistake at `key` of this mapping.
    pub fn problem(&mut self, key: &str, text: impl Into<String>) {
        self.problems.add(self.line_of(key), self.at(key), text);
    }

    /// Notes every key that was never asked for, with the section where it belongs, or the nearest known key. Keys of the top level
    /// that begin with `x-` are left to the user, who may put anchors there.
    pub fn finish(self) {
        self.finish_with("");
    }

    /// Does the same as [`Fields::finish`], and adds `advice` to the message on a key that belongs to no section.
    pub fn finish_with(self, advice: &str) {
        for (entry, _) in self.entries {
            let own = self.path.is_empty() && entry.name.starts_with("x-");
            if own || self.known.contains(&entry.name.as_str()) {
                continue;
            }
            let text = match self.place(&entry.name) {
                Some("") => "unknown key here, it belongs at the top level".to_owned(),
                Some(section) => format!("unknown key here, it belongs below `{section}`"),
                None => format!("unknown key, {}{advice}", nearest(&entry.name, self.known.iter().copied())),
            };
            self.problems.add(entry.line, self.at(&entry.name), text);
        }
    }

    /// The section to which `key` belongs.
    fn place(&self, key: &str) -> Option<&'static str> {
        self.places.iter().find(|(_, keys)| keys.contains(&key)).map(|(section, _)| *section)
    }

    fn at(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }
}
