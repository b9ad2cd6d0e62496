//! Metrics of a config, checked against what the build knows.

use evaluation::ask;
use protocol::framing::MAX_LINE;
use store::Labels;
use sweep::config::Config;
use sweep::group::Group;
use sweep::problem::Problems;

use super::methods::REST;

/// Fills in what is measured and scored in each of `groups`, whose images may differ in their shape.
pub(super) fn attach(groups: &mut [(Group, Labels)], config: &Config, problems: &mut Problems) {
    for (group, _) in groups {
        group.evaluation = ask::evaluation(&config.evaluation, &group.variants, group.shape, problems);
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
