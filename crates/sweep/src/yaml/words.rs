//! Mistakes in a text that is no YAML, in words for people who write YAML, instead of the words of a parser.

/// Longest part of a line or value that a message repeats, in characters.
const SHOWN: usize = 100;

/// Pairs of a part of the parser's message, and the text in its place, which says what was found and what is to be done.
const WORDS: &[(&str, &str)] = &[
    (
        "multiple YAML documents",
        "a second document begins here (behind `---` or `...`); expected one: a file holds one sweep, so put each \
         document into a file of its own",
    ),
    (
        "unknown anchor",
        "`*name` stands for what `&name` marks above it, and nothing is marked so; mark a value with `&name`, or put \
         quotes around a text that begins with `*`",
    ),
    ("recursive references", "what `&name` marks holds `*name`, so that it would never end; leave one of them out"),
    (
        "anchor or alias",
        "`&` marks a value and `*` stands for one, and a name follows both; put quotes around a text that begins so",
    ),
    ("tab", "a tab; expected spaces, which alone indent in YAML"),
    (
        "mapping values are not allowed",
        "a `:` where no key can stand; write one `key: value` a line, each key below the one before, and put quotes \
         around a value that holds `: `",
    ),
    ("unclosed quote", "a quote that is opened here and not closed; close it, or remove it"),
    ("unclosed bracket", "a bracket that is opened here and not closed; close it, or remove it"),
    ("illegal placement of ':'", "a `key:` inside a list; close the `[` of a line before with `]`"),
    ("misplaced bracket", "a bracket that closes none; remove it, or open one before it"),
    (
        "did not find expected '-'",
        "a list goes on as something else; begin each of its items with `- `, and indent what belongs to one further",
    ),
    (
        "did not find expected key",
        "an indentation that is not that of the keys above; let all keys of one mapping begin in the same column",
    ),
    ("unknown escape", "`\\` in double quotes begins a special character, and this is none; take single quotes"),
    ("invalid ", "the value is not of the type that its tag (`!!...`) says; leave the tag out"),
    ("expected string scalar", "a key that is no word; write `key: value`"),
    ("null into string", "a key that is no word; write `key: value`"),
    ("merge value", "`<<:` takes in the keys of a mapping; write `<<: *name`, where `&name` marks a mapping above"),
    ("non-finite", "a number that is not finite, or too large; expected a finite number"),
    ("directive", "a line that begins with `%` is a directive, which no config needs; remove it"),
    ("expected ':'", "a line that is neither `key: value` nor `- item`; put a `: ` between key and value"),
    ("comment intercepting", "a comment in the middle of a text of several lines; move it above the text"),
    (
        "block sequence entries are not allowed",
        "`- item` behind something else; begin each item in a line of its own, or write `key: [item, item]`",
    ),
    ("block scalar", "`|` and `>` begin a text in the lines below; leave them out, or put quotes around the value"),
    (
        "unexpected character",
        "a value begins with a character that has a meaning of its own in YAML, or that none can be written with; put \
         quotes around the value",
    ),
    ("recursion limit", "lists or mappings that lie hundreds deep in each other; a bracket may be opened by mistake"),
    ("depth", "lists or mappings that lie hundreds deep in each other; a bracket may be opened by mistake"),
    ("alias", "the aliases (`*name`) stand for more than a config can need; write out what is meant"),
    ("too large or too complex", "more than a config can need; split it into several configs"),
    ("budget", "more than a config can need; split it into several configs"),
];

/// The text for all other messages of the parser.
const OTHERWISE: &str = "expected `key: value` or `- item`; look for a bracket, a quote or an indentation that is off, here or in the line \
     before";

/// The words where a character that looks like a space stands in the line, as web pages and word processors write them.
const LOOKALIKE: &str =
    "a character of it only looks like a space, or cannot be seen; type the line again with plain spaces";

/// The message for `error`, which the parser reported for `line` of `text`.
pub(super) fn of(error: &serde_yaml::Error, line: u64, text: &str) -> String {
    let said = error.to_string();
    let words = WORDS.iter().find(|(part, _)| said.contains(part)).map_or(OTHERWISE, |(_, words)| words);
    let place = usize::try_from(line).ok().and_then(|line| text.lines().nth(line.checked_sub(1)?));
    let hides = |place: &str| place.trim_start_matches('\u{feff}').contains(looks_like_a_space);
    let no_pair = said.contains("expected ':'") || words == OTHERWISE;
    let words = if no_pair && place.is_some_and(hides) { LOOKALIKE } else { words };
    match place.map(|place| shown(place.trim())) {
        Some(found) if !found.is_empty() => format!("not valid YAML: found `{found}`: {words}"),
        _ => format!("not valid YAML: {words}"),
    }
}

/// Whether `c` is seen as a space, or not at all, and is none.
fn looks_like_a_space(c: char) -> bool {
    let unseen = matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}');
    unseen || (c.is_whitespace() && !c.is_control() && c != ' ')
}

/// `text` as messages show it: cut if it is long, with control characters escaped, and those that look like spaces.
pub(crate) fn shown(text: &str) -> String {
    let cut = if text.chars().nth(SHOWN).is_some() { "..." } else { "" };
    let hidden = |c: char| c.is_control() || looks_like_a_space(c);
    let escaped = |c: char| if hidden(c) { c.escape_default().to_string() } else { c.to_string() };
    text.chars().take(SHOWN).map(escaped).chain([cut.to_owned()]).collect()
}

#[cfg(test)]
mod tests {
    use super::super::parse;

    /// Words of the parser for its own users, which say nothing to an author of a config.
    const FOREIGN: &[&str] = &[
        "Option",
        "from_str",
        "policy",
        "parsing",
        "scanning",
        "scalar",
        "deserialize",
        "u64",
        "anchor",
        "disallowed",
        ", column",
        "intercepting",
        "placement",
        "non-finite",
    ];

    #[test]
    fn a_mistake_in_yaml_is_told_with_its_line_what_was_found_and_what_to_do() {
        let table = [
            ("a: 1\n---\nb: 2\n", 3, "found `b: 2`: a second document begins here"),
            ("a: *x\n", 1, "found `a: *x`: `*name` stands for what `&name` marks above it"),
            ("a: &a [*a]\n", 1, "so that it would never end"),
            ("a: &\n", 1, "a name follows both"),
            ("a:\n\tb: 1\n", 2, "found `b: 1`: a tab; expected spaces"),
            ("a: 1\n\tb: 2\n", 1, "a tab; expected spaces"),
            ("a: b: c\n", 1, "found `a: b: c`: a `:` where no key can stand"),
            ("a: 1\n  b: 2\n", 2, "each key below the one before"),
            ("a: 'x\nb: 1\n", 1, "a quote that is opened here and not closed"),
            ("a: {b: 1\n", 1, "a bracket that is opened here and not closed"),
            ("a: [1, 2\nb: 3\n", 2, "close the `[` of a line before"),
            ("{a: 1}}\n", 1, "a bracket that closes none"),
            ("- a\nb: 1\n", 2, "begin each of its items with `- `"),
            ("a:\n  b: 1\n c: 2\n", 3, "let all keys of one mapping begin in the same column"),
            ("a: \"C:\\data\"\n", 1, "take single quotes"),
            ("a: !!int x\n", 1, "leave the tag out"),
            ("? [a]\n: 1\n", 1, "a key that is no word"),
            ("~: 1\n", 1, "a key that is no word"),
            ("a: &x 1\n<<: *x\n", 1, "`<<:` takes in the keys of a mapping"),
            ("a: .nan\n", 1, "expected a finite number"),
            ("%YAML 9\n---\na: 1\n", 1, "remove it"),
            ("a: x\nb\n", 2, "found `b`: a line that is neither `key: value` nor `- item`"),
            ("a: x #y\n  z\n", 1, "move it above the text"),
            ("a: - x\n", 1, "write `key: [item, item]`"),
            ("a: |9x\n", 1, "`|` and `>` begin a text in the lines below"),
            ("a: @x\n", 1, "put quotes around the value"),
            ("a: \u{7}\n", 1, "put quotes around the value"),
            ("a: 1\nb:\u{a0}2\n", 2, "found `b:\\u{a0}2`: a character of it only looks like a space"),
        ];
        for (text, line, words) in table {
            let (at, message) = parse(text).err().unwrap_or_default();
            assert!(at == line && message.contains(words), "{text:?}: {at}: {message}");
            assert!(FOREIGN.iter().all(|word| !message.contains(word)), "{text:?}: {message}");
        }
    }

    #[test]
    fn a_line_that_is_long_or_that_a_terminal_would_obey_is_shown_cut_and_escaped() {
        let (_, message) = parse(&format!("a: \u{1b}[2J{}\n", "x".repeat(1 << 16))).err().unwrap_or_default();
        assert!(message.contains("`a: \\u{1b}[2Jxxx") && message.len() < 400, "{message}");
    }
}
