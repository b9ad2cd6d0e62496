//! Nodes of the cluster on which workers failed: those that failed twice are excluded from later arrays.

use std::collections::{BTreeMap, BTreeSet};

/// Failures after which a node is excluded.
const ENOUGH: u32 = 2;

/// Failures by node.
#[derive(Debug, Default)]
pub(super) struct Nodes {
    failures: BTreeMap<String, u32>,
}

impl Nodes {
    /// Notes that a job failed on `node`.
    pub(super) fn failed(&mut self, node: &str) {
        self.add(node, 1);
    }

    /// Notes that `node` is of no use.
    pub(super) fn unfit(&mut self, node: &str) {
        self.add(node, ENOUGH);
    }

    fn add(&mut self, node: &str, count: u32) {
        if node.is_empty() {
            return;
        }
        let failures = self.failures.entry(node.to_owned()).or_default();
        let before = *failures;
        *failures = before.saturating_add(count);
        if before < ENOUGH && *failures >= ENOUGH {
            tracing::warn!(node, "no more jobs are sent to this node: workers fail there");
        }
    }

    /// The nodes to exclude, with those of the config; `None` if there are none.
    pub(super) fn excluded(&self, config: Option<&str>) -> Option<String> {
        let failed = self.failures.iter().filter(|(_, count)| **count >= ENOUGH).map(|(node, _)| node.as_str());
        let all: BTreeSet<&str> = config.into_iter().chain(failed).collect();
        (!all.is_empty()).then(|| all.into_iter().collect::<Vec<_>>().join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_excluded_when_it_failed_twice_or_is_of_no_use_at_all() {
        let mut nodes = Nodes::default();
        nodes.failed("n1");
        nodes.failed("");
        assert_eq!((nodes.excluded(None), nodes.excluded(Some("n[7-9]"))), (None, Some("n[7-9]".to_owned())));
        nodes.failed("n1");
        nodes.unfit("n2");
        assert_eq!(nodes.excluded(Some("n9")), Some("n1,n2,n9".to_owned()));
    }
}
