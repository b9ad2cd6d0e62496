//! docs/configuration.md has the keys of this build, and the configs of the guide are configs.

use std::fs;
use std::path::{Path, PathBuf};

use sweep::config::Config;
use sweep::problem::Problems;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn mistakes(text: &str) -> Vec<String> {
    let mut problems = Problems::new(Path::new("config.yml"));
    Config::parse(Path::new("config.yml"), text, &mut problems);
    problems.list().iter().map(|problem| format!("{}: {}: {}", problem.line, problem.key, problem.text)).collect()
}

/// Blocks of YAML in a page of Markdown.
fn blocks(page: &str) -> Vec<String> {
    let parts = page.split("```yaml\n").skip(1);
    parts.filter_map(|part| part.split_once("```").map(|(block, _)| block.to_owned())).collect()
}

/// Pages with configs: the front page, the guide, the reference.
fn pages() -> Vec<PathBuf> {
    let inside = |folder: PathBuf| fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let guide = inside(root().join("docs/guide")).flat_map(inside);
    guide.chain(["README.md", "docs/configuration.md"].map(|page| root().join(page))).collect()
}

#[test]
fn the_reference_in_docs_has_the_keys_of_this_build() {
    let (page, file) = (sweep::config::reference(), root().join("docs/configuration.md"));
    let written = fs::read_to_string(&file).unwrap_or_default();
    let differing = page.lines().zip(written.lines()).find(|(page, written)| page != written);
    assert!(
        page == written,
        "docs/configuration.md is not what the keys say: `make reference` renews it (first difference: {differing:?})"
    );
}

#[test]
fn every_config_in_the_guide_is_read_without_a_mistake() {
    let mut configs = 0;
    for page in pages() {
        for block in blocks(&fs::read_to_string(&page).unwrap()) {
            // A part of a config lacks the rest of it.
            let whole = block.contains("paths:") && block.contains("search_space:");
            let lacks =
                |mistake: &String| !whole && (mistake.contains("missing") || mistake.contains("at least one item"));
            let mistakes: Vec<_> = mistakes(&block).into_iter().filter(|mistake| !lacks(mistake)).collect();
            assert!(mistakes.is_empty(), "{}: {mistakes:?} in\n{block}", page.display());
            configs += 1;
        }
    }
    assert!(configs >= 10, "{configs} configs were found");
}

#[test]
fn every_config_to_begin_with_is_read_without_a_mistake() {
    for entry in fs::read_dir(root().join("configs")).unwrap() {
        let file = entry.unwrap().path();
        if file.extension().is_some_and(|extension| extension == "yml") {
            assert_eq!(mistakes(&fs::read_to_string(&file).unwrap()), [""; 0], "{}", file.display());
        }
    }
}
