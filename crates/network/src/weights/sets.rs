//! Several sets of weights in one file: the weights and their average, as training saves them.

use std::collections::{BTreeMap, BTreeSet};

/// Prefix of the names of the set that is meant. `prefixes` are the prefixes of all sets that the file holds.
///
/// # Errors
/// Sentence for a person, if nobody can tell which set is meant.
pub(super) fn choose(prefixes: &BTreeSet<&str>, set: Option<&str>) -> Result<String, String> {
    let Some(set) = set else { return sole(prefixes) };
    let of_set = |prefix: &&&str| prefix.strip_prefix(set).is_some_and(|rest| rest.starts_with('.'));
    let matching: Vec<&str> = prefixes.iter().filter(of_set).copied().collect();
    match matching[..] {
        [prefix] => Ok(prefix.to_owned()),
        [] => Err(format!(
            "it has no `{set}`, which `weights.set` of the config names; {}",
            told(prefixes, "its sets of weights")
        )),
        _ => Err(format!(
            "`{set}` in `weights.set` of the config begins the names of several; {}",
            told(prefixes, "its sets of weights")
        )),
    }
}

/// Prefix without a choice of the config: nothing before the names or the reference scripts' `net.`, else the only prefix.
fn sole(prefixes: &BTreeSet<&str>) -> Result<String, String> {
    let known = ["", "net."].into_iter().find(|known| prefixes.contains(known));
    let only = if prefixes.len() < 2 { Some(prefixes.first().copied().unwrap_or_default()) } else { None };
    match known.or(only) {
        Some(prefix) => Ok(prefix.to_owned()),
        None => Err(told(prefixes, "it holds several sets of weights")),
    }
}

/// Sentence that names the sets of weights, after `what`, and says what to write in the config.
fn told(prefixes: &BTreeSet<&str>, what: &str) -> String {
    let words = words(prefixes);
    let first = match &words[..] {
        [] => return "its weights stand under no name: leave `weights.set` out for this model".to_owned(),
        [first, ..] => first,
    };
    format!("{what}: {}; choose one in the config, as in `weights: {{set: {first}}}`", words.join(", "))
}

/// The shortest name of each set that is not the beginning of another set's name.
fn words(prefixes: &BTreeSet<&str>) -> Vec<String> {
    let begins = |word: &str, prefix: &str| prefix.strip_prefix(word).is_some_and(|rest| rest.starts_with('.'));
    let word = |prefix: &&str| {
        let ends = prefix.char_indices().filter(|(_, character)| *character == '.').map(|(end, _)| &prefix[..end]);
        let mut ends = ends.filter(|word| !word.is_empty());
        let alone = |word: &&str| prefixes.iter().filter(|other| begins(word, other)).count() == 1;
        ends.find(alone).map(str::to_owned)
    };
    prefixes.iter().filter_map(word).collect()
}

/// Chooses a set where no names are known to look for: sets are the first parts of names, behind which the same names follow, of
/// tensors of the same shapes. (Two blocks of one network have the same names too.)
pub(super) fn choose_unmarked<'a>(
    tensors: impl Iterator<Item = (&'a str, &'a [i64])>,
    set: Option<&str>,
) -> Result<String, String> {
    let mut below: BTreeMap<&str, BTreeSet<(&str, &[i64])>> = BTreeMap::new();
    let mut nested = true;
    for (name, shape) in tensors {
        match name.split_once('.') {
            Some((first, rest)) => _ = below.entry(first).or_default().insert((rest, shape)),
            None => nested = false,
        }
    }
    // A layer, which has nothing but a weight and a bias, is no set.
    let is_set = |first: &&str| below[*first].iter().any(|(rest, _)| rest.contains('.'));
    let twin = |first: &&str| below.iter().any(|(other, tensors)| other != first && *tensors == below[*first]);
    let firsts = below.keys().copied().filter(is_set).filter(|first| set.is_some() || twin(first));
    let prefixes: Vec<String> = firsts.map(|first| format!("{first}.")).collect();
    match (set, below.len()) {
        (None, 1) if nested => Ok(below.keys().map(|first| [first, "."].concat()).collect()),
        (None, _) if prefixes.is_empty() => Ok(String::new()),
        _ => choose(&prefixes.iter().map(String::as_str).collect(), set),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The prefix of the chosen set, or the sentence of the refusal.
    fn chosen(prefixes: &[&str], set: Option<&str>) -> String {
        choose(&prefixes.iter().copied().collect(), set).unwrap_or_else(|told| told)
    }

    #[test]
    fn a_set_is_chosen_by_the_word_of_the_config_and_prefixes_of_modules_need_not_be_written() {
        let torchvision = ["model.", "model_ema.module."];
        let table: [(&[&str], _, _); 7] = [
            (&["state_dict.", "state_dict_ema."], "state_dict_ema", "state_dict_ema."),
            (&["state_dict.", "state_dict_ema."], "state_dict", "state_dict."),
            (&torchvision, "model_ema", "model_ema.module."),
            (&torchvision, "model_ema.module", "model_ema.module."),
            (&["state_dict.model.", "state_dict.ema_model."], "state_dict.ema_model", "state_dict.ema_model."),
            // The reference's own set need not be the one.
            (&["ema.", "net."], "ema", "ema."),
            (&["", "ema."], "ema", "ema."),
        ];
        for (prefixes, set, expected) in table {
            assert_eq!(chosen(prefixes, Some(set)), expected);
        }
    }

    #[test]
    fn without_a_word_one_set_is_taken_and_of_several_none_is_guessed() {
        for (prefixes, expected) in
            [(&[][..], ""), (&["module."], "module."), (&["ema.", "net."], "net."), (&["", "ema."], "")]
        {
            assert_eq!(chosen(prefixes, None), expected);
        }
        assert_eq!(
            chosen(&["model.module.", "model_ema.module."], None),
            "it holds several sets of weights: model, model_ema; \
             choose one in the config, as in `weights: {set: model}`"
        );
    }

    #[test]
    fn a_word_that_chooses_nothing_is_told_with_those_that_do() {
        let nested = ["state_dict.ema.", "state_dict.net."];
        let words = "its sets of weights: state_dict.ema, state_dict.net; choose one in the config";
        assert!(chosen(&nested, Some("state_dict")).contains(words));
        assert!(chosen(&nested, Some("state")).contains(words), "a part of a word is no word");
        assert!(chosen(&[""], Some("ema")).ends_with("leave `weights.set` out for this model"));
    }

    #[test]
    fn sets_of_a_model_whose_names_are_free_are_told_by_their_names() {
        // A tensor's shape is that of names of even or odd length.
        let of = |names: &[&str], set| {
            let shapes: Vec<[i64; 1]> = names.iter().map(|name| [name.len() as i64 % 2]).collect();
            let tensors = names.iter().zip(&shapes).map(|(name, shape)| (*name, &shape[..]));
            choose_unmarked(tensors, set).unwrap_or_else(|told| told)
        };
        let several = ["ema.a.weight", "ema.b.weight", "net.a.weight", "net.b.weight"];
        assert_eq!(of(&several, None), "net.");
        assert_eq!(of(&several, Some("ema")), "ema.");
        let unknown = ["ema.a.weight", "ema.b.weight", "own.a.weight", "own.b.weight"];
        assert!(of(&unknown, None).contains("several sets of weights: ema, own; choose one"));
        assert_eq!(of(&["net.a.weight", "net.b.weight"], None), "net.");
        // Two layers are no two sets, nor are two blocks of other widths.
        assert_eq!(of(&["a.weight", "b.weight"], None), "");
        assert_eq!(of(&["block.0.weight", "block1.0.weight", "head.weight"], None), "");
        assert!(of(&["a.weight", "b.weight"], Some("ema")).contains("stand under no name"));
    }
}
