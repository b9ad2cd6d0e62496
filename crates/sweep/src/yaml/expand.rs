//! Paths as shells spell them: `~`, `$NAME` and `${NAME}`.

use std::path::PathBuf;

/// Replaces the home folder and variables of the environment in `text` by their values, which `variable` returns. The error says
/// what was expected.
pub(super) fn path(text: &str, variable: impl Fn(&str) -> Option<String>) -> Result<PathBuf, String> {
    let known = |name: &str| {
        let value = variable(name).filter(|value| !value.is_empty());
        value.ok_or_else(|| format!("a path; the environment has no `{name}`"))
    };
    let (mut path, mut rest) = (String::new(), text);
    if let Some(behind) = text.strip_prefix('~') {
        if !behind.is_empty() && !behind.starts_with('/') {
            return Err(
                "a path; `~` stands for your own home folder only: write `~/...`, or the folder itself".to_owned()
            );
        }
        path.push_str(&known("HOME")?);
        rest = behind;
    }
    while let Some((before, behind)) = rest.split_once('$') {
        path.push_str(before);
        let (name, after) = match behind.strip_prefix('{') {
            Some(braced) => braced.split_once('}').ok_or("a path; `${` has no `}`")?,
            None => {
                behind.split_at(behind.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(behind.len()))
            }
        };
        if name.is_empty() {
            return Err("a path; `$` is followed by no name of a variable".to_owned());
        }
        if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(format!(
                "a path; `{name}` is no name of a variable of the environment, and nothing else is put in for `${{..}}`"
            ));
        }
        path.push_str(&known(name)?);
        rest = after;
    }
    path.push_str(rest);
    Ok(path.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_what_a_shell_makes_of_it() {
        let variable = |name: &str| match name {
            "HOME" => Some("/home/u".to_owned()),
            "SCRATCH" => Some("/s".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        let table = [
            ("~", Ok("/home/u")),
            ("~/out", Ok("/home/u/out")),
            ("$HOME/out", Ok("/home/u/out")),
            ("${SCRATCH}1/$SCRATCH.x", Ok("/s1//s.x")),
            ("out/a~b", Ok("out/a~b")),
            ("~colleague/out", Err("`~` stands for your own home folder only")),
            ("$TMPDIR/out", Err("the environment has no `TMPDIR`")),
            ("${EMPTY}/out", Err("the environment has no `EMPTY`")),
            ("${SCRATCH", Err("has no `}`")),
            ("a$/b", Err("followed by no name")),
            ("${OUT:-/tmp}/out", Err("`OUT:-/tmp` is no name of a variable")),
            ("${oc.env:HOME}/out", Err("`oc.env:HOME` is no name of a variable")),
        ];
        for (text, expected) in table {
            match (path(text, variable), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, PathBuf::from(expected), "{text}"),
                (Err(found), Err(part)) => assert!(found.contains(part), "{text}: {found}"),
                (found, _) => panic!("{text}: {found:?}"),
            }
        }
    }
}
