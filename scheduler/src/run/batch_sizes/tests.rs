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
    sizes.connected(WorkerId(7), 0, None);
    sizes.connected(WorkerId(8), 1, None);
    let mut granted = |worker| {
        sizes.granted(WorkerId(worker), &Unit::of(Arc::clone(&group), "attribute", Part::Shard(0))).of(["A"]).images
    };
    // Of 600 MiB 200 are above the model; 90 % of them take 18 images of 10 MiB.
    assert_eq!([granted(7), granted(8), granted(7)], [32, 18, 32]);
}

/// Nobody knows where a job will run before it runs.
#[test]
fn a_worker_of_another_machine_is_granted_what_its_own_device_has_room_for() {
    let group = group();
    let unknown = Slot { model: "GPUs elsewhere".into(), gpu: None, memory: None, ..slot(0) };
    let mut sizes = BatchSizes::of(&[unknown], vec![Arc::clone(&group)], batches(&group));
    let about = |memory: u64| About {
        model: "x".into(),
        gpu: Some("uuid".into()),
        memory: Some(memory * MIB),
        ..About::default()
    };
    let mut of = |worker, about: About| {
        sizes.connected(WorkerId(worker), 0, Some(&about));
        sizes.granted(WorkerId(worker), &Unit::of(Arc::clone(&group), "attribute", Part::Shard(0))).of(["A"]).images
    };
    // As two devices of a kind, above; a kind that was not measured has the cautious size.
    assert_eq!([of(7, about(1400)), of(8, about(600))], [32, 18]);
    assert_eq!(of(9, About { model: "y".into(), ..about(1400) }), plan::batches::CAUTIOUS);
}

/// The core holds an abort against the host's memory, too: the next attempt must have a chance.
#[test]
fn batches_are_halved_after_every_end_that_counts_as_a_want_of_memory_and_after_no_other() {
    use protocol::exit::ExitCode;
    let group = group();
    let unit = Unit::of(Arc::clone(&group), "attribute", Part::Shard(0));
    let aborted = Ended::Signal(6);
    let ends = [aborted, Ended::OutOfMemory, Ended::Code(ExitCode::HostMemory.number()), Ended::Signal(11)];
    let after = ends.map(|how| {
        let mut sizes = BatchSizes::of(&[slot(1400)], vec![Arc::clone(&group)], batches(&group));
        sizes.exited(0, how);
        sizes.connected(WorkerId(8), 0, None);
        sizes.granted(WorkerId(8), &unit).of(["A"]).images
    });
    assert_eq!(after, [16, 16, 16, 32]);
}
