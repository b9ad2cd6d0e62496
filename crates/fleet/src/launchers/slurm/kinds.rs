//! Kinds of GPUs that a cluster has, as sinfo names them.

use std::collections::BTreeSet;
use std::process::Command;

use super::programs::run;

/// The word for nodes on which processors compute.
pub(super) const PROCESSORS: &str = "processors";

/// A GPU of whatever kind.
const ANY: &str = "gpu:1";

/// Options of sbatch that sinfo takes as well.
const SHARED: [&str; 2] = ["--partition=", "--nodes="];

/// Whether the resource `gres` names a number of GPUs and no kind.
pub(super) fn is_count(gres: &str) -> bool {
    gres.strip_prefix("gpu:").is_some_and(|rest| rest.parse::<u32>().is_ok())
}

/// Kinds of GPUs where jobs with these `options` of sbatch may run, each as the resource of a job with one of them.
pub(super) fn ask(options: &[String]) -> Result<Vec<String>, String> {
    let mut command = Command::new("sinfo");
    command.args(["--noheader", "--Format=Gres:500"]);
    let named = options.iter().map(|option| option.replace("--nodelist=", "--nodes="));
    command.args(named.filter(|option| SHARED.iter().any(|shared| option.starts_with(shared))));
    run(command, "").map(|answer| kinds(&answer))
}

/// Kinds in lines such as `gpu:a100:4(S:0-1),gpu:h100:2`.
fn kinds(answer: &str) -> Vec<String> {
    let words = answer.split(|c: char| c == ',' || c == ';' || c.is_whitespace());
    let kind = |word: &str| {
        let word = word.split('(').next().unwrap_or_default();
        match word.split(':').collect::<Vec<_>>()[..] {
            ["gpu", kind, _] => Some(format!("gpu:{kind}:1")),
            ["gpu", _] | ["gpu"] => Some(ANY.to_owned()),
            _ => None,
        }
    };
    let found: BTreeSet<String> = words.filter_map(kind).collect();
    // A cluster that tells nothing of its GPUs may have some.
    if found.is_empty() { vec![ANY.to_owned()] } else { found.into_iter().collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_gpu_is_named_once_and_other_resources_are_none() {
        let answer = "gpu:a100:4(S:0-1),shard:16; gpu:h100:2; gpu:a100:8(S:0,1); (null); tmpfs:100G";
        assert_eq!(kinds(answer), ["gpu:a100:1", "gpu:h100:1"]);
        assert_eq!(kinds("gpu:4(S:0-1)"), [ANY]);
        for hostile in ["", "(null)", "gpu", ":::", "gpu:::", "\u{e9}:1"] {
            assert!(!kinds(hostile).is_empty(), "{hostile}");
        }
        assert!(is_count("gpu:2") && !is_count("gpu:a100:1") && !is_count("shard:4"));
    }
}
