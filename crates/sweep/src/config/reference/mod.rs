//! The configuration reference: docs/configuration.md, made of the keys and of what their readers expect.
//!
//! A key's words are in `keys.rs`. Its type is asked of the reader itself, so that the page cannot say another one.

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
    let rows: String = section.keys.iter().map(|key| row(section.place, key)).collect();
    let head = "| key | value | default | meaning |\n| --- | --- | --- | --- |\n";
    format!("## {title}\n\n{}\n\n{head}{rows}\n```yaml\n{}```\n", section.about, example(section))
}

fn row(place: &str, key: &Key) -> String {
    let accepted = accepted::by_the_reader(place, key.name);
    let default = match key.default {
        Default::Value(value) => format!("`{value}`"),
        Default::Words(words) => words.to_owned(),
        Default::Required => "must be given".to_owned(),
    };
    let cells = [format!("`{}`", key.name), accepted, default, key.meaning.to_owned()];
    format!("| {} |\n", cells.map(|cell| cell.replace('|', "\\|")).join(" | "))
}

/// All keys of a section that go together, as they stand in a config.
fn example(section: &Section) -> String {
    let lines = section.keys.iter().filter(|key| !key.example.is_empty());
    let mut lines = lines.map(|key| format!("{}: {}", key.name, key.example));
    match section.place {
        "" => lines.map(|line| line + "\n").collect(),
        place => {
            let parents: Vec<&str> = place.split('.').collect();
            let mut text = String::new();
            for (depth, parent) in parents.iter().enumerate() {
                text += &format!("{}{}:\n", "  ".repeat(depth), parent.trim_end_matches("[]"));
            }
            let depth = "  ".repeat(parents.len());
            if place.ends_with("[]") {
                let first = lines.next().unwrap_or_default();
                text += &format!("{depth}- {first}\n");
                text + &lines.map(|line| format!("{depth}  {line}\n")).collect::<String>()
            } else {
                text + &lines.map(|line| format!("{depth}{line}\n")).collect::<String>()
            }
        }
    }
}
