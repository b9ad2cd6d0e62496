//! Configs that were mutated: refused or read, in little memory.

use std::path::Path;

use sweep::config::Config;
use sweep::problem::Problems;
use sweep::variant::{expand, key};
use testkit::hostile::{Meter, mutated, survive};

#[global_allocator]
static METER: Meter = Meter::new();

/// Most bytes that reading a few kilobytes of text may take, a tree of the text and a message for every mistake included.
const MOST: usize = 4 << 20;

/// Most bytes that the parser of YAML unfolds of references before it refuses to go on.
const UNFOLDED: usize = 128 << 20;

const CONFIG: &str = include_str!("../../../configs/demo.yml");

/// A config of the schema without a `search_space`.
const FLAT: &str = include_str!("../../../configs/densenet_imagenet.yml");

/// The config, and everything that it stands for.
fn read(text: &str) -> bool {
    let mut problems = Problems::new(Path::new("c.yml"));
    let Some(config) = Config::parse(Path::new("c.yml"), text, &mut problems) else { return false };
    config.devices();
    for method in &config.search_space.methods {
        assert!(expand(&method.params).iter().all(|given| !key(&method.name, given).is_empty()));
    }
    problems.into_result().map_err(|problems| problems.to_string()).is_ok()
}

#[test]
fn mutated_configs_are_refused_or_read_in_little_memory() {
    for config in [CONFIG, FLAT] {
        assert!(read(config));
        survive(&METER, MOST, |random| {
            read(&String::from_utf8_lossy(&mutated(config.as_bytes(), random)));
        });
    }
}

/// Each list holds the one before it ten times: 10^12 items for whoever unfolds them.
#[test]
fn a_config_that_refers_to_itself_again_and_again_is_not_unfolded() {
    let list = |level: usize| {
        let item = level.checked_sub(1).map_or("x".to_owned(), |before| format!("*a{before}"));
        format!("a{level}: &a{level} [{}]\n", vec![item; 10].join(", "))
    };
    let text: String = (0..12).map(list).collect();
    let deep = "[".repeat(100_000);
    for text in [text, deep.clone(), format!("a: {deep}"), "{a: ".repeat(50_000), "- ".repeat(100_000)] {
        let mut refused = None;
        survive(&METER, UNFOLDED, |_| {
            refused.get_or_insert_with(|| !read(&text));
        });
        assert_eq!(refused, Some(true));
    }
}
