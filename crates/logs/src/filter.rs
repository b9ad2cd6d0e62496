//! Filters of logs, as people write them.

use tracing_subscriber::filter::{LevelFilter, Targets};

/// What a filter may be.
const FORM: &str = "a filter is a level (off, error, warn, info, debug, trace), or such a level and parts with theirs, as in `info,worker::engine=debug`";

/// What is wrong with a filter.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// A word without `=` that is no level.
    #[error("`{0}` is no level; {FORM}")]
    NoLevel(String),
    /// A part whose level is none.
    #[error("`{0}` does not say `part=level`; {FORM}")]
    Part(String),
}

/// Reads `info`, or `info,worker::engine=debug`. A word that is no level would stand for a part without a level, which turns all
/// other lines off: such a word is a slip.
pub(crate) fn parse(text: &str) -> Result<Targets, FilterError> {
    let mut filter = Targets::new();
    let mut names_a_default = false;
    for word in text.split(',').map(str::trim) {
        if let Some((part, level)) = word.split_once('=') {
            let level = level_of(level.trim()).filter(|_| !part.trim().is_empty());
            filter = filter.with_target(part.trim(), level.ok_or_else(|| FilterError::Part(word.to_owned()))?);
        } else {
            let level = level_of(word).ok_or_else(|| FilterError::NoLevel(word.to_owned()))?;
            filter = filter.with_default(level);
            names_a_default = true;
        }
    }
    // Whoever asks for more of one part does not ask for less of the others.
    Ok(if names_a_default { filter } else { filter.with_default(LevelFilter::INFO) })
}

/// The level of this name. The library takes numbers and nothing at all, too.
fn level_of(name: &str) -> Option<LevelFilter> {
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphabetic());
    name.parse().ok().filter(|_| is_name)
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn parts_have_levels_and_the_others_have_the_usual_one() {
        let filter = parse("worker::engine = debug").unwrap();
        assert!(filter.would_enable("worker::engine::rounds", &Level::DEBUG));
        assert!(filter.would_enable("fleet", &Level::INFO) && !filter.would_enable("fleet", &Level::DEBUG));
        assert!(!parse("off").unwrap().would_enable("fleet", &Level::ERROR));
    }

    #[test]
    fn a_slip_is_told_with_the_word() {
        assert_eq!(parse("debg"), Err(FilterError::NoLevel("debg".into())));
        assert_eq!(parse("info,worker=debg"), Err(FilterError::Part("worker=debg".into())));
        assert_eq!(parse("info,=debug"), Err(FilterError::Part("=debug".into())));
        assert_eq!(parse(""), Err(FilterError::NoLevel(String::new())));
    }
}
