//! What a key accepts, in the words of its reader: it is given a value that no reader accepts, and says what it expected.

use std::path::Path;

use crate::config::Config;
use crate::problem::Problems;

/// A list in a list, which is no value of any key.
const NOBODY_ACCEPTS: &str = "[[0]]";

/// Values that the reader of `key` in the section `place` expects.
pub(super) fn by_the_reader(place: &str, key: &str) -> String {
    let mut problems = Problems::new(Path::new("config.yml"));
    Config::parse(Path::new("config.yml"), &config(place, &format!("{key}: {NOBODY_ACCEPTS}")), &mut problems);
    let path = [place, key].iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join(".");
    let path = path.replace("[]", "[0]");
    let expected = |path: &str| {
        let mut texts = problems.list().iter().filter(|problem| problem.key == path);
        texts.find_map(|problem| Some(problem.text.strip_prefix("found ")?.split_once("expected ")?.1.to_owned()))
    };
    let items = || Some(format!("a list; each item: {}", expected(&format!("{path}[0]"))?));
    expected(&path).or_else(items).unwrap_or_else(|| "anything".to_owned())
}

/// A config of nothing but `entries` in the section `place`.
pub(super) fn config(place: &str, entries: &str) -> String {
    let parents = place.split('.').filter(|parent| !parent.is_empty()).rev();
    parents.fold(format!("{{{entries}}}"), |inner, parent| match parent.strip_suffix("[]") {
        Some(list) => format!("{{{list}: [{inner}]}}"),
        None => format!("{{{parent}: {inner}}}"),
    })
}
