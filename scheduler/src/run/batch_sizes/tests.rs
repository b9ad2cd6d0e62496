use std::path::Path;

use plan::profile::{Entry, Source, Subject};
use sweep::config::Config;
use sweep::memory::{Bound, Line};
use sweep::problem::Problems;
use sweep::unit::Part;

use super::*;

const MIB: u64 = 1 << 20;

fn group() -> Arc<Group> {
    testkit::group::group().variants(vec![testkit::group::variant("A", "Saliency")]).share()
}

/// A GPU of the kind `x` of which a worker may hold so much.
fn slot(mib: u64) -> Slot {
    Slot { name: "gpu".into(), model: "x".into(), threads: 1, gpu: Some("uuid".into()), memory: Some(mib * MIB) }
}

/// A profile in which 32 images of `group` at once take 720 MiB.
fn batches(group: &Group) -> Batches {
    let text = "paths: {medmnist_weights_root: w, medmnist_data_root: d, final_output_dir: not-there}\n\
        search_space: {model_flags: [m], splits: [test], noise_conditions: [{name: c, type: none}], \
        attribution_methods: [{name: Saliency}]}\n";
    let mut problems = Problems::new(Path::new("c.yml"));
    let config = Config::parse(Path::new("c.yml"), text, &mut problems).unwrap();
    let (mut batches, _) = Batches::read(&config, "2.11.0");
    batches.put(Entry {
        of: Subject::of(group, &group.variants[0], "x"),
        batch: 32,
        bound: Bound::Memory,
        bytes: Line { base: 400 * MIB, per_image: 10 * MIB },
        margin: plan::batches::MARGIN,
        images_per_second: 20.0,
        by: Source::Preflight,
        date: plan::profile::now(),
        program: plan::profile::program(),
        libtorch: "2.11.0".into(),
    });
    batches
}

/// Other processes may hold memory of one of the devices.
#[test]
fn two_devices_of_a_kind_are_granted_what_each_has_room_for() {
    let group = group();
    let slots = [slot(1400), slot(600)];
    let mut sizes = BatchSizes::of(&slots, vec![Arc::clone(&group)], batches(&group));
    sizes.connected(WorkerId(7), 0);
    sizes.connected(WorkerId(8), 1);
    let mut granted = |worker| {
        sizes.granted(WorkerId(worker), &Unit::of(Arc::clone(&group), "attribute", Part::Shard(0))).of(["A"]).images
    };
    // Of 600 MiB 200 are above the model; 90 % of them take 18 images of 10 MiB.
    assert_eq!([granted(7), granted(8), granted(7)], [32, 18, 32]);
}
