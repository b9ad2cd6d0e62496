//! Other sets of weights in the same file: their average beside them, as training saves both.

use super::Builder;

/// End of the names of counts, which some files have and the same model's others do not.
const COUNT: &str = ".num_batches_tracked";

impl Builder<'_> {
    /// What stands before the names of other sets of the same weights. A set has every tensor that was read so far, in the same shape:
    /// a second branch of a network of somebody's own is no set.
    fn sets(&self) -> impl Iterator<Item = &String> {
        let shape = |name: &str| self.weights.shape(name, &[]);
        self.others.iter().filter(move |other| {
            let used = self.used.iter().filter(|name| !name.ends_with(COUNT));
            let twin = |name: &str| [other.as_str(), name.strip_prefix(&self.prefix).unwrap_or(name)].concat();
            !self.used.is_empty() && used.into_iter().all(|name| shape(name) == shape(&twin(name)))
        })
    }

    /// What stands before all names of the other sets that lie below the same name as the set that is read: `ema.` of
    /// `ema.module.conv1.weight`, which may have counts of its own.
    pub(super) fn sets_within(&self) -> Vec<String> {
        let below = self.sets().filter_map(|other| other.strip_prefix(&self.prefix));
        let firsts = below.filter_map(|rest| rest.split_once('.')).map(|(first, _)| format!("{}{first}.", self.prefix));
        firsts.collect()
    }

    /// A sentence for a person on which of several sets of weights was taken, where the config does not say it.
    pub(super) fn of_several_sets(&self) -> Option<String> {
        let words: Vec<&str> = self.sets().map(|other| other.trim_end_matches('.')).collect();
        let first = words.first().filter(|_| !self.weights.set_is_said())?;
        let taken = match self.prefix.trim_end_matches('.') {
            "" => "those that stand under no name are taken".to_owned(),
            prefix => format!("those under `{prefix}` are taken"),
        };
        let others = words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        Some(format!(
            "it holds several sets of weights: {taken}, and not {others}; `weights: {{set: {first}}}` in the config takes the other"
        ))
    }
}
