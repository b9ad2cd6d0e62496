use std::path::Path;

use sweep::group::Precision;
use sweep::problem::Problems;
use sweep::semantics::Semantics;

use super::*;

const MIB: u64 = 1 << 20;

fn slot(model: &str, memory: Option<u64>) -> Slot {
    Slot { name: "cpu:0".into(), model: model.into(), threads: 1, gpu: Some("uuid".into()), memory }
}

/// Group whose images of 3x8x8 pixels in a shard take next to nothing; missing weights have a size of 0.
fn group(shard: u64) -> Group {
    let variant = |key: &str| testkit::group::variant(key, "Saliency");
    testkit::group::group().images(1000, shard).variants(vec![variant("A"), variant("B")]).build()
}

fn config(folder: &Path, more: &str) -> Config {
    let text = format!(
        "paths: {{medmnist_weights_root: w, medmnist_data_root: d, final_output_dir: {}}}\n\
         search_space: {{model_flags: [m], splits: [test], noise_conditions: [{{name: c, type: none}}], \
         attribution_methods: [{{name: Saliency}}]}}\n{more}",
        folder.display()
    );
    let mut problems = Problems::new(Path::new("c.yml"));
    let config = Config::parse(Path::new("c.yml"), &text, &mut problems).unwrap();
    problems.into_result().unwrap();
    config
}

fn told(size: GrantedBatch) -> (usize, bool) {
    (size.images, size.grows)
}

fn batches(folder: &Path, more: &str) -> Batches {
    let (batches, warnings) = Batches::read(&config(folder, more), "2.11.0");
    assert_eq!(warnings, [""; 0]);
    batches
}

fn entry(group: &Group, device: &str, batch: usize, bound: Bound) -> Entry {
    Entry {
        of: Subject::of(group, &group.variants[0], device),
        batch,
        bound,
        bytes: Line { base: 400 * MIB, per_image: 10 * MIB },
        margin: MARGIN,
        images_per_second: 20.0,
        by: Source::Preflight,
        date: profile::now(),
        program: profile::program(),
        libtorch: "2.11.0".into(),
    }
}

#[test]
fn without_anything_known_a_cautious_guess_grows() {
    let folder = tempfile::tempdir().unwrap();
    let group = group(64);
    assert_eq!(told(batches(folder.path(), "").of(&group, &group.variants[0], &slot("x", None))), (CAUTIOUS, true));
}

#[test]
fn the_config_comes_before_the_profile_and_that_before_the_references_results() {
    let (folder, group) = (tempfile::tempdir().unwrap(), group(64));
    std::fs::write(folder.path().join(RESULTS), r#"{"m": {"A": 3, "B": 0}}"#).unwrap();
    let mut known = batches(folder.path(), "");
    let of = |batches: &Batches, index: usize| told(batches.of(&group, &group.variants[index], &slot("x", None)));
    assert_eq!((of(&known, 0), of(&known, 1)), ((3, false), (1, false)));
    known.put(entry(&group, "x", 12, Bound::Speed));
    assert_eq!((of(&known, 0), of(&known, 1)), ((12, false), (1, false)));
    known.save().unwrap();
    assert_eq!(of(&batches(folder.path(), ""), 0), (12, false));
    assert_eq!(of(&batches(folder.path(), "batch_size: 5"), 0), (5, false));
}

#[test]
fn what_was_measured_elsewhere_does_not_count() {
    let (folder, group) = (tempfile::tempdir().unwrap(), group(64));
    let mut known = batches(folder.path(), "");
    let mut larger = entry(&group, "x", 7, Bound::Speed);
    larger.of.weights = 1000;
    known.put(larger);
    let of =
        |known: &Batches, group: &Group, device: &str| known.of(group, &group.variants[0], &slot(device, None)).images;
    // The weights that are not there have a size of 0.
    assert_eq!(of(&known, &group, "x"), CAUTIOUS);
    known.put(entry(&group, "x", 12, Bound::Speed));
    assert_eq!(of(&known, &group, "another"), CAUTIOUS);
    let others: [fn(&mut Group); 6] = [
        |group| group.shape = [3, 9, 9],
        |group| group.classes = 3,
        |group| group.model = "n".into(),
        |group| group.numerics.precision = Precision::Float64,
        |group| group.numerics.fold_batch_norm = true,
        |group| group.variants[0].semantics = Semantics::Captum,
    ];
    for change in others {
        let mut other = group.clone();
        change(&mut other);
        assert_eq!(of(&known, &other, "x"), CAUTIOUS);
    }
    known.save().unwrap();
    assert_eq!(of(&batches(folder.path(), ""), &group, "x"), 12);
    let (later, _) = Batches::read(&config(folder.path(), ""), "2.12.0");
    assert_eq!(of(&later, &group, "x"), CAUTIOUS);
}

#[test]
fn less_memory_than_was_measured_with_means_fewer_images_and_more_lets_a_batch_grow() {
    let (folder, group) = (tempfile::tempdir().unwrap(), group(64));
    let mut known = batches(folder.path(), "");
    known.put(entry(&group, "x", 32, Bound::Memory));
    let of = |memory: u64| told(known.of(&group, &group.variants[0], &slot("x", Some(memory * MIB))));
    // Of 600 MiB 200 are above the model; 90 % of them take 18 images of 10 MiB.
    assert_eq!((of(600), of(410), of(100)), ((18, false), (1, false), (1, false)));
    // 90 % of 1000 MiB would take 90 images.
    assert_eq!(of(1400), (32, true));
}

#[test]
fn shards_in_flight_are_no_room_for_a_batch_on_the_cpu() {
    let group = group(64);
    let cpu = |memory| Slot { gpu: None, ..slot("x", Some(memory)) };
    let (gpu, cpu) = (room(&group, &slot("x", Some(600 * MIB)), 0, 0.0), room(&group, &cpu(600 * MIB), 0, 0.0));
    // What the pipeline takes at any size, and of 64 images of 3x8x8: pixels of two shards, images ahead, images and two
    // maps each that wait, and eight copies of one image.
    let image = 3 * 8 * 8 * 4;
    assert_eq!(gpu.unwrap() - cpu.unwrap(), 32 * MIB + 2 * 64 * image / 4 + 64 * image + 3 * 64 * image + 8 * image);
    // Of large images and long shards no more than the pixels.
    let large = Group { shape: [3, 224, 224], shard: 1024, images: 5000, ..group };
    let pixels = 2 * 1024 * 3 * 224 * 224;
    assert!(large.in_flight() - pixels < 66 * MIB, "{}", large.in_flight());
    // Of pictures, what their decoders take on all threads.
    let mut pictures = large.clone();
    pictures.input.data = serde_json::json!({"images": "2 files sha256 0", "scaled": "shorter side to 256 px"});
    assert_eq!(pictures.in_flight() - large.in_flight(), sweep::group::DECODING);
}

#[test]
fn a_sweep_corrects_what_ran_out_of_memory_and_leaves_the_rest_to_preflight() {
    let (folder, group) = (tempfile::tempdir().unwrap(), group(64));
    let (mut known, slot) = (batches(folder.path(), ""), slot("x", None));
    known.put(entry(&group, "x", 32, Bound::Speed));
    let mut learned = Learned {
        keys: vec!["A".into(), "B".into()],
        batch: 8,
        bound: Bound::Speed,
        line: Line { base: 1, per_image: 1 },
        rate: 10.0,
        ran_out: false,
    };
    assert!(known.learn(&group, &slot, &learned));
    let of = |known: &Batches, index: usize| told(known.of(&group, &group.variants[index], &slot));
    assert_eq!((of(&known, 0), of(&known, 1)), ((32, false), (8, false)));
    // Both together make 10 images a second: each by itself 20.
    assert_eq!(known.seconds(&group, &slot), Some(1.0 / 20.0 + 1.0 / 20.0));
    assert_eq!(known.seconds(&group, &Slot { model: "another".into(), ..slot.clone() }), None);
    learned = Learned { batch: 16, ran_out: true, bound: Bound::Memory, rate: 0.0, ..learned };
    assert!(known.learn(&group, &slot, &learned));
    assert_eq!(of(&known, 0), (16, true));
    assert_eq!(known.profile().current().map(|entry| entry.by).collect::<Vec<_>>(), [Source::Sweep; 2]);
}

#[test]
fn of_a_gpu_a_batch_takes_also_the_context_that_its_worker_does_not_count() {
    let (folder, group) = (tempfile::tempdir().unwrap(), group(64));
    let gpu = slot("gpu", None);
    let cpu = Slot { gpu: None, ..slot("cpu", None) };
    let line = Line { base: 300 * MIB, per_image: MIB };
    let learned = Learned { keys: vec!["A".into()], batch: 8, bound: Bound::Memory, line, rate: 10.0, ran_out: false };
    for (slot, base) in [(gpu, 900), (cpu, 300)] {
        let mut known = batches(folder.path(), "");
        assert!(known.learn(&group, &slot, &learned));
        assert_eq!(known.profile().current().next().unwrap().bytes, Line { base: base * MIB, per_image: MIB });
    }
}

#[test]
fn the_results_hold_what_fits_every_device_and_what_they_held_before() {
    let (folder, group) = (tempfile::tempdir().unwrap(), group(64));
    let file = folder.path().join(RESULTS);
    std::fs::write(&file, r#"{"m": {"A": 3, "Z": 7}, "other": {"A": 1}}"#).unwrap();
    let mut known = batches(folder.path(), "");
    known.put(entry(&group, "large", 96, Bound::Memory));
    known.put(entry(&group, "small", 24, Bound::Memory));
    known.put(Entry { program: "attrisweep 0.0.1".into(), ..entry(&group, "stale", 1, Bound::Memory) });
    known.save_results().unwrap();
    let found: Results = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    let expected = r#"{"m": {"A": 24, "Z": 7}, "other": {"A": 1}}"#;
    assert_eq!(found, serde_json::from_str(expected).unwrap());
}

#[test]
fn two_processes_that_measure_at_once_keep_what_the_other_has_found() {
    let (folder, group) = (tempfile::tempdir().unwrap(), group(64));
    let (mut first, mut second) = (batches(folder.path(), ""), batches(folder.path(), ""));
    let other = |batch| {
        let entry = entry(&group, "x", batch, Bound::Memory);
        Entry { of: Subject { key: "B".into(), ..entry.of.clone() }, ..entry }
    };
    for (of, entry) in [(0, entry(&group, "x", 4, Bound::Memory)), (1, other(8)), (1, other(16))] {
        let batches = [&mut first, &mut second].into_iter().nth(of).unwrap();
        batches.put(entry);
        batches.save().unwrap();
        batches.save_results().unwrap();
    }
    // Of the same it is the last that was measured, and not the last that was written.
    first.save().unwrap();
    let read = batches(folder.path(), "");
    let mut found: Vec<_> = read.profile().current().map(|entry| (entry.of.key.as_str(), entry.batch)).collect();
    found.sort_unstable();
    assert_eq!(found, [("A", 4), ("B", 16)]);
    let file = std::fs::read_to_string(folder.path().join(RESULTS)).unwrap();
    assert_eq!(
        serde_json::from_str::<Results>(&file).unwrap(),
        serde_json::from_str(r#"{"m": {"A": 4, "B": 16}}"#).unwrap()
    );
}

#[test]
fn results_that_are_no_results_are_told_and_not_used() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(RESULTS), "{").unwrap();
    let (_, warnings) = Batches::read(&config(folder.path(), ""), "2.11.0");
    assert!(warnings[0].contains("preflight_results.json` cannot be used (cut off"), "{warnings:?}");
}

#[test]
fn results_that_are_no_results_are_put_aside_before_there_are_new_ones() {
    let (folder, group) = (tempfile::tempdir().unwrap(), group(64));
    let file = folder.path().join(RESULTS);
    std::fs::write(&file, "{\"m\": {\"A\": 7").unwrap();
    let (mut known, _) = Batches::read(&config(folder.path(), ""), "2.11.0");
    known.save_results().unwrap();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "{\"m\": {\"A\": 7", "there are none");
    known.put(entry(&group, "x", 24, Bound::Memory));
    for _ in 0..2 {
        known.save_results().unwrap();
        let aside = folder.path().join("preflight_results.json.damaged");
        assert_eq!(std::fs::read_to_string(aside).unwrap(), "{\"m\": {\"A\": 7");
    }
    assert_eq!(batches(folder.path(), "").results["m"]["A"], 24);
}

/// The reference's results may be of a GPU elsewhere, and have taken an afternoon.
#[test]
fn numbers_of_others_are_kept_in_a_copy_before_they_are_replaced() {
    let (folder, group) = (tempfile::tempdir().unwrap(), group(64));
    let (file, kept) = (folder.path().join(RESULTS), folder.path().join("preflight_results.json.kept"));
    let theirs = "{\"m\": {\"B\": 9}, \"other\": {\"A\": 1536}}";
    std::fs::write(&file, theirs).unwrap();
    let mut known = batches(folder.path(), "");
    known.put(entry(&group, "x", 24, Bound::Memory));
    known.save_results().unwrap();
    assert!(!kept.exists(), "a number was added, and none replaced");
    let before = std::fs::read_to_string(&file).unwrap();
    for batch in [20, 12] {
        known.put(entry(&group, "x", batch, Bound::Memory));
        known.save_results().unwrap();
        assert_eq!(batches(folder.path(), "").results["m"]["A"], batch);
        assert_eq!(std::fs::read_to_string(&kept).unwrap(), before, "the first ones");
    }
    assert_eq!(batches(folder.path(), "").results["other"]["A"], 1536);
}

#[test]
fn the_margin_that_was_chosen_holds_in_a_sweep_and_what_it_learns_and_is_a_tenth_in_old_profiles() {
    let (folder, group) = (tempfile::tempdir().unwrap(), group(64));
    let mut known = batches(folder.path(), "");
    let chosen = Entry { margin: 0.4, ..entry(&group, "x", 32, Bound::Memory) };
    known.put(chosen);
    let of = |known: &Batches, memory: u64| told(known.of(&group, &group.variants[0], &slot("x", Some(memory * MIB))));
    // Of 600 MiB 200 are above the model; 60 % of them take 12 images of 10 MiB, and of 1000 MiB 60: it grows not.
    assert_eq!((of(&known, 600), of(&known, 1400)), ((12, false), (32, false)));
    let learned = Learned {
        keys: vec!["A".into()],
        batch: 16,
        bound: Bound::Memory,
        line: Line { base: 1, per_image: 1 },
        rate: 10.0,
        ran_out: true,
    };
    assert!(known.learn(&group, &slot("x", None), &learned));
    assert_eq!((of(&known, 1400), known.profile().current().next().unwrap().margin), ((16, false), 0.4));
    known.save().unwrap();
    let file = folder.path().join(PROFILE);
    let mut text = std::fs::read_to_string(&file).unwrap();
    for new in ["\"margin\": 0.4,", "\"fold_batch_norm\": false,"] {
        assert!(text.contains(new), "{text}");
        text = text.replace(new, "");
    }
    std::fs::write(&file, text).unwrap();
    let old = batches(folder.path(), "");
    assert_eq!((old.profile().current().next().unwrap().margin, of(&old, 1400)), (MARGIN, (16, true)));
}

#[test]
fn a_batch_of_which_nothing_was_measured_is_not_written_down() {
    let (folder, group) = (tempfile::tempdir().unwrap(), group(64));
    let (mut known, slot) = (batches(folder.path(), ""), slot("x", None));
    let mut learned = Learned {
        keys: vec!["A".into()],
        batch: 8,
        bound: Bound::Memory,
        line: Line { base: 0, per_image: 0 },
        rate: 0.0,
        ran_out: true,
    };
    assert!(!known.learn(&group, &slot, &learned));
    assert_eq!(known.profile().current().count(), 0);
    // Of what preflight has measured it is known what it takes.
    known.put(entry(&group, "x", 32, Bound::Memory));
    for rate in [0.0, 10.0] {
        learned.rate = rate;
        assert!(known.learn(&group, &slot, &learned));
        let &Entry { batch, bytes, .. } = known.profile().current().next().unwrap();
        assert_eq!((batch, bytes), (8, Line { base: 400 * MIB, per_image: 10 * MIB }));
        known.put(entry(&group, "x", 32, Bound::Memory));
    }
}

#[test]
fn sizes_that_the_config_proposes_count_after_those_of_the_results_file() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "paths: {{weights_root: w, data_root: d, output_root_dir: {}}}\nsettings: {{model_flag: m, batch_sizes: {{default: 128, A: 8}}}}\n\
         noise_conditions: [{{name: c, type: none}}]\nattribution_methods: [{{name: Saliency}}]\n",
        folder.path().display()
    );
    let mut problems = Problems::new(Path::new("c.yml"));
    let config = Config::parse(Path::new("c.yml"), &text, &mut problems).unwrap();
    problems.into_result().unwrap();
    let (group, slot) = (group(64), slot("cpu", None));
    let of = |batches: &Batches, index: usize| told(batches.of(&group, &group.variants[index], &slot));
    let (batches, _) = Batches::read(&config, "2.11.0");
    assert_eq!((of(&batches, 0), of(&batches, 1)), ((8, false), (128, false)));
    assert!(batches.are_told(&group, &group.variants[1]));
    std::fs::write(folder.path().join("preflight_results.json"), r#"{"m": {"B": 5}}"#).unwrap();
    let (batches, _) = Batches::read(&config, "2.11.0");
    assert_eq!((of(&batches, 0), of(&batches, 1)), ((8, false), (5, false)));
}
