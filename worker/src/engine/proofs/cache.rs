//! Passes of lowered graphs that were proved on this machine before, so that each is proved once, by one of the workers that run.
//!
//! A file for each kind of process and model, in the folder that `make setup` uses: `$ATTRISWEEP_CACHE`, `$XDG_CACHE_HOME/attrisweep`
//! or `~/.cache/attrisweep`. What a proof holds for is in the file's name, as a digest: this program's file, libtorch's, the
//! processor, what the environment tells both, the threads, and the model with the shapes of its weights, or the program. Nothing is
//! lost with the folder, and what cannot be read or written there only costs time.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use machine::{processor, this_process};
use network::{Graph, models};
use serde_json::{Value, json};
use sweep::fingerprint;
use sweep::group::Group;
use tch::Device;

use super::file::{MOST, append, read};
use super::turns::Turns;

/// Variables of the environment that change what kernels compute begin with one of these.
const TOLD: [&str; 11] = [
    "ATTRISWEEP_MAX",
    "ATTRISWEEP_BOX",
    "ATTRISWEEP_EMULATE",
    "ATEN_",
    "ONEDNN_",
    "DNNL_",
    "MKL_",
    "OMP_",
    "KMP_",
    "LD_PRELOAD",
    "GLIBC_TUNABLES",
];

/// File of the proofs of one model.
#[derive(Debug)]
pub(crate) struct ProofCache(Option<PathBuf>);

impl ProofCache {
    /// Reads the proofs of `graph`, the model of `group`. The graph trusts these proofs from now on.
    pub(crate) fn of(graph: &Graph, group: &Group, device: Device) -> Self {
        let shapes = models::shapes(&group.input.weights).ok().flatten();
        let weights = shapes.unwrap_or_else(|| group.input.weights_sha256.clone());
        let mut model = json!([group.model, weights, group.input.weights_set, group.numerics.fold_batch_norm]);
        if let (Some(set), Value::Array(facts)) = (&group.input.weights_set, &mut model) {
            facts.push(json!(set));
        }
        let file = || Some(folder()?.join(name(&model)?));
        // Of a GPU a proof takes no time that counts, and what it holds for is not all known: the driver, and the GPU itself.
        let proofs = Self(if graph.is_lowered() && device == Device::Cpu { file() } else { None });
        if let Some(file) = &proofs.0 {
            // One that has grown too long begins anew: what is proved twice costs time only.
            if fs::metadata(file).is_ok_and(|data| data.len() > MOST) {
                let _ = fs::remove_file(file);
            }
            graph.trust(read(file));
            graph.share(Box::new(Turns::of(file.clone())));
        }
        proofs
    }

    /// Adds what `graph` has proved since the last call.
    pub(crate) fn keep(&self, graph: &Graph) {
        let (new, Some(file)) = (graph.proved(), &self.0) else { return };
        if !new.is_empty() {
            append(file, &new);
        }
    }
}

fn folder() -> Option<PathBuf> {
    let of = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = of("ATTRISWEEP_CACHE")
        .or_else(|| of("XDG_CACHE_HOME").map(|folder| folder.join("attrisweep")))
        .or_else(|| of("HOME").map(|home| home.join(".cache/attrisweep")))?;
    Some(cache.join("proofs"))
}

/// Path of the file of a `model`; `None` where the program of this process cannot be identified.
fn name(model: &Value) -> Option<String> {
    let processor = processor::kind()?;
    let mut told: Vec<String> = std::env::vars_os()
        .map(|(name, value)| format!("{}={}", name.to_string_lossy(), value.to_string_lossy()))
        .filter(|line| TOLD.iter().any(|name| line.starts_with(name)))
        .collect();
    told.sort();
    let facts = json!([
        identity(Path::new(this_process::EXECUTABLE))?,
        identity(&this_process::loaded_library("libtorch_cpu.so")?)?,
        processor,
        told,
        tch::get_num_threads(),
        model,
    ]);
    Some(fingerprint::digest(&facts))
}

/// State of a file: any change of the file changes the state.
fn identity(file: &Path) -> Option<String> {
    let (path, data) = (fs::canonicalize(file).ok()?, fs::metadata(file).ok()?);
    let changed = (data.mtime(), data.mtime_nsec(), data.ctime(), data.ctime_nsec());
    Some(format!("{} {} {} {changed:?}", path.display(), data.ino(), data.size()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_a_proof_is_the_same_for_the_same_process_and_other_for_other_weights() {
        let of = |weights: &str| name(&json!(["resnet18", weights])).unwrap();
        assert_eq!(of("a"), of("a"));
        assert_ne!(of("a"), of("b"));
    }

    #[test]
    fn a_file_that_is_written_again_is_another_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("worker");
        fs::write(&file, "a").unwrap();
        let before = identity(&file).unwrap();
        // The clock of a file system may stand still for a while.
        let until = std::time::Instant::now() + std::time::Duration::from_mins(2);
        while identity(&file).unwrap() == before {
            assert!(std::time::Instant::now() < until, "written again, it is another one");
            fs::write(&file, "b").unwrap();
        }
    }
}
