//! Metrics of a config, checked against what the build knows.

mod masks;

use evaluation::ask;
use protocol::framing::MAX_LINE;
use store::Labels;
use sweep::config::Config;
use sweep::fingerprint;
use sweep::group::Group;
use sweep::problem::Problems;

use crate::check::methods::REST;

/// Digits of the digest of masks in the keys of measurements.
const DIGITS: usize = 8;

/// Fills in what is measured and scored in each of `groups`, whose images may differ in their shape.
pub(super) fn attach(groups: &mut [(Group, Labels)], config: &Config, problems: &mut Problems) {
    let masks = masks::find(config, groups.iter().map(|(group, _)| group), problems);
    // Methods that were adopted are no variants of such a group: scores would be those of a part.
    for (group, _) in groups.iter_mut().filter(|(group, _)| !group.has_base()) {
        group.input.masks = masks.get(&(group.dataset.clone(), group.split.clone())).cloned();
        let digest = group.input.masks.as_ref().map(|masks| fingerprint::digest(&masks.content)[..DIGITS].to_owned());
        group.evaluation =
            ask::evaluation(&config.evaluation, (&group.variants, digest.as_deref()), group.shape, problems);
        let bytes = serde_json::to_vec(&(&group.variants, &group.evaluation)).map_or(usize::MAX, |line| line.len());
        if bytes > MAX_LINE - REST {
            let most = MAX_LINE - REST;
            let text = format!(
                "its scores take {bytes} bytes to tell a worker, together with the variants, expected at most {most}; split \
                 them into several configs"
            );
            problems.add(0, "evaluation", text);
        }
    }
}
