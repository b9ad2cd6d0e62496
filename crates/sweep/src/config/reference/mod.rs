//! The configuration reference: docs/configuration.md, made of the keys and of what their readers expect.
//!
//! A key's words are in `keys`. Its type is asked of the reader itself, so that the page cannot say another one.

mod accepted;
mod keys;
#[cfg(test)]
mod tests;

pub(super) use keys::{Default, KEYS, Key, Section};

const HEAD: &str = "\
# Configuration

Every key of a config, written by `make reference` from the keys themselves: do not edit.

A config is one YAML file. The sections below are mappings of the top level; `paths` and `search_space` must exist, and all
else is optional. The keys of the reference experiments (`paths`, `search_space`, `preflight_check`, `scheduler`) keep their
meaning. Keys of the top level that begin with `x-` are the user's own. Every mistake is reported with its line, all at once, before
anything starts (`scheduler --config config.yml --check`).

Where a key holds a list of mappings, its section describes one of them.
";

/// The page.
pub fn page() -> String {
    let sections = KEYS.iter().map(section);
    std::iter::once(HEAD.to_owned()).chain(sections).collect::<Vec<_>>().join("\n")
}

fn section(section: &Section) -> String {
    let title = if section.place.is_empty() { "The top level" } else { section.place.trim_end_matches("[]") };
    let rows: Vec<String> = section.keys.iter().map(|key| row(section.place, key)).collect();
    let head = "| key | value | default | meaning |\n| --- | --- | --- | --- |\n";
    format!("## {title}\n\n{}\n\n{head}{}\n\n```yaml\n{}\n```\n", section.about, rows.join("\n"), example(section))
}

fn row(place: &str, key: &Key) -> String {
    let accepted = accepted::by_the_reader(place, key.name);
    let default = match key.default {
        Default::Value(value) => format!("`{value}`"),
        Default::Words(words) => words.to_owned(),
        Default::Required => "must be given".to_owned(),
    };
    let cells = [format!("`{}`", key.name), accepted, default, key.meaning.to_owned()];
    format!("| {} |", cells.map(|cell| cell.replace('|', "\\|")).join(" | "))
}

/// All keys of a section that go together, as they stand in a config.
fn example(section: &Section) -> String {
    let parents: Vec<&str> = section.place.split('.').filter(|parent| !parent.is_empty()).collect();
    let indent = |depth: usize, line: &str| format!("{}{line}", "  ".repeat(depth));
    let headings = parents.iter().enumerate();
    let headings = headings.map(|(depth, parent)| indent(depth, &format!("{}:", parent.trim_end_matches("[]"))));
    let (first, next) = if section.place.ends_with("[]") { ("- ", "  ") } else { ("", "") };
    let keys = section.keys.iter().filter(|key| !key.example.is_empty()).enumerate();
    let keys = keys.map(|(at, key)| {
        let lead = if at == 0 { first } else { next };
        indent(parents.len(), &format!("{lead}{}: {}", key.name, key.example))
    });
    headings.chain(keys).collect::<Vec<_>>().join("\n")
}
