use std::path::Path;

use super::accepted::config;
use super::{Default, KEYS, Section, example};
use crate::config::Config;
use crate::config::places::PLACES;
use crate::problem::Problems;

fn parsed(text: &str) -> (String, Vec<String>) {
    let mut problems = Problems::new(Path::new("c.yml"));
    let config = Config::parse(Path::new("c.yml"), text, &mut problems);
    let told = problems.list().iter().map(|problem| format!("{}: {}", problem.key, problem.text)).collect();
    (format!("{config:?}"), told)
}

fn names(section: &Section) -> Vec<&'static str> {
    section.keys.iter().map(|key| key.name).collect()
}

fn sorted<T: Ord>(mut list: Vec<T>) -> Vec<T> {
    list.sort_unstable();
    list
}

#[test]
fn every_key_that_is_read_has_words_and_no_other_key_has() {
    for section in KEYS {
        let (_, told) = parsed(&config(section.place, "nix: 1"));
        let told = told.into_iter().find(|told| told.contains("nix: unknown key")).unwrap_or_default();
        let known = told.split_once("known: ").map_or("", |(_, known)| known.split(';').next().unwrap_or_default());
        if known.is_empty() {
            // A section of one key guesses it.
            assert_eq!(names(section).len(), 1, "{}: {told}", section.place);
            continue;
        }
        let known: Vec<&str> = known.split(", ").collect();
        assert_eq!(sorted(names(section)), sorted(known), "keys of `{}` that are read", section.place);
    }
    for (place, keys) in PLACES {
        let section = KEYS.iter().find(|section| section.place == *place);
        let section = section.unwrap_or_else(|| panic!("no words for the section `{place}`"));
        assert_eq!(sorted(names(section)), sorted(keys.to_vec()), "{place}");
    }
}

#[test]
fn the_example_of_every_section_is_read_without_a_mistake() {
    for section in KEYS {
        let (_, told) = parsed(&example(section));
        let own: Vec<_> =
            told.iter().filter(|told| !told.contains("missing") && !told.contains("at least one item")).collect();
        assert!(own.is_empty(), "{}: {own:?}", section.place);
    }
}

#[test]
fn a_config_that_writes_a_default_is_the_config_that_leaves_it_out() {
    let needed = |section: &Section| {
        let needed = section.keys.iter().filter(|key| matches!(key.default, Default::Required));
        let needed = needed.filter(|key| !key.example.is_empty());
        needed.map(|key| format!("{}: {}, ", key.name, key.example)).collect::<Vec<_>>().concat()
    };
    for section in KEYS {
        for key in section.keys {
            let Default::Value(value) = key.default else { continue };
            let rest = if section.place == "expect[]" { "accuracy: 0.5, " } else { "" };
            let (without, _) = parsed(&config(section.place, &format!("{}{rest}", needed(section))));
            let written = format!("{}{rest}{}: {value}", needed(section), key.name);
            let (with, told) = parsed(&config(section.place, &written));
            assert_eq!(with, without, "{}.{}", section.place, key.name);
            assert!(!told.iter().any(|told| told.contains(key.name)), "{told:?}");
            let example = format!("{}{rest}{}: {}", needed(section), key.name, key.example);
            let (other, _) = parsed(&config(section.place, &example));
            assert_eq!(other == without, key.example == value, "{}.{}: the example", section.place, key.name);
        }
    }
}

#[test]
fn a_key_that_must_be_given_is_told_where_it_is_missing() {
    for section in KEYS {
        for key in section.keys.iter().filter(|key| matches!(key.default, Default::Required)) {
            let (_, told) = parsed(&config(section.place, ""));
            let missing = |told: &&String| {
                told.contains(&format!("{}: missing", key.name))
                    || told.contains(&format!("{}: expected a list", key.name))
            };
            assert!(told.iter().any(|told| missing(&told)), "{}.{}: {told:?}", section.place, key.name);
        }
    }
}
