//! What preflight and sweeps measured, mutated: of no use or read, in little memory, and a batch comes out all the same.

#![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

use std::path::Path;

use fleet::Slot;
use plan::Batches;
use plan::profile::{self, Entry, Source, Subject};
use serde_json::json;
use sweep::config::Config;
use sweep::group::Group;
use sweep::memory::{Bound, Line};
use sweep::problem::Problems;
use testkit::hostile::{Meter, below, mutated, survive};

#[global_allocator]
static METER: Meter = Meter::new();

/// What reading a few kilobytes may take.
const MOST: usize = 4 << 20;

fn group() -> Group {
    let variant = |key: &str| testkit::group::variant(key, "Saliency");
    testkit::group::group().variants(vec![variant("A"), variant("B")]).build()
}

fn config(folder: &Path) -> Config {
    let text = format!(
        "paths: {{medmnist_weights_root: w, medmnist_data_root: d, final_output_dir: {}}}\n\
         search_space: {{model_flags: [m], splits: [test], noise_conditions: [{{name: c, type: none}}], \
         attribution_methods: [{{name: Saliency}}]}}\n",
        folder.display()
    );
    Config::parse(Path::new("c.yml"), &text, &mut Problems::new(Path::new("c.yml"))).unwrap()
}

#[test]
fn mutated_profiles_and_results_are_of_no_use_or_read_in_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let (group, config) = (group(), config(folder.path()));
    let slot =
        Slot { name: "gpu:0".into(), model: "GPU".into(), threads: 1, gpu: Some("uuid".into()), memory: Some(1 << 30) };
    let entry = |bound| Entry {
        of: Subject::of(&group, &group.variants[0], "GPU"),
        batch: 32,
        bound,
        bytes: Line { base: 400 << 20, per_image: 10 << 20 },
        margin: 0.1,
        images_per_second: 20.5,
        by: Source::Sweep,
        date: profile::now(),
        program: profile::program(),
        libtorch: "2.11.0".into(),
    };
    let entries = [entry(Bound::Memory), entry(Bound::Shard)];
    let profile = json!({"version": 1, "entries": entries}).to_string().into_bytes();
    let results = json!({"m": {"A": 16, "B": 8}, "n": {"A": 0}}).to_string().into_bytes();
    let (profile_file, results_file) =
        (folder.path().join("preflight_profile.json"), folder.path().join("preflight_results.json"));
    survive(&METER, MOST, |random| {
        let [mut of_profile, mut of_results] = [profile.clone(), results.clone()];
        let changed = if below(random, 2) == 0 { &mut of_profile } else { &mut of_results };
        *changed = mutated(changed, random);
        std::fs::write(&profile_file, of_profile).unwrap();
        std::fs::write(&results_file, of_results).unwrap();
        let (batches, _) = Batches::read(&config, "2.11.0");
        let granted = batches.granted(&group, &slot);
        assert!(granted.0.values().all(|size| size.images > 0));
        assert!(batches.seconds(&group, &slot).is_none_or(|seconds| seconds >= 0.0));
    });
}
