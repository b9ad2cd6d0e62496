//! What a batch of one-pass gradients asks of a GPU, and whether the host waits between two batches: counted where a CPU plays a GPU with
//! emulated kernels, and held against the table in docs/benchmarks.md.

use std::process::Command;
use std::rc::Rc;

use network::{Crossing, Operators, settings};
use serde_json::json;
use sweep::group::Dtype;
use sweep::variant::Variant;

use super::{Asked, Case, Log, NEVER};
use crate::device::tests::ALONE;

const TABLE: &str = include_str!("../../../../docs/benchmarks.md");
/// Kernels of a batch of one-pass gradients, at most.
const MOST: usize = 90;
/// Height and width of the images: as many kernels as of larger ones, with 2x2 pixels in the last map.
const SIDE: usize = 64;
const ONE_PASS: [&str; 4] = ["Saliency", "InputXGradient", "GuidedBackprop", "Deconvolution"];

pub(super) fn variant(class: &str, parameters: serde_json::Value) -> Variant {
    let parameters = serde_json::from_value(parameters).unwrap();
    Variant { parameters, ..testkit::group::variant(class, class) }
}

/// Numbers of the row that begins with `name`.
fn row(name: &str) -> Vec<usize> {
    let table = TABLE.split_once("| batch of |").unwrap().1;
    let line = table.lines().find_map(|line| line.strip_prefix(&format!("| {name} |")));
    let cells = line.unwrap_or_else(|| panic!("no row of {name}")).split('|');
    cells.filter_map(|cell| cell.trim().parse().ok()).collect()
}

/// Runs the test `name` of this file in a process in which a CPU plays a GPU, unless this is one. Whether this is one.
fn emulates(name: &str) -> bool {
    if settings::emulates_gpu() {
        return true;
    }
    let mut again = Command::new(std::env::current_exe().unwrap());
    // `none` is the plain graph, on a GPU too.
    let again = again.args([&format!("engine::tests::counted::{name}"), "--exact", "--test-threads=1"]);
    let again = again.env_remove(settings::MAX_CPU_ISA).env(settings::EMULATE_GPU, "1").output().unwrap();
    let told = [again.stdout, again.stderr].map(|words| String::from_utf8_lossy(&words).into_owned()).concat();
    assert!(again.status.success() && told.contains("1 passed"), "{told}");
    false
}

/// What the thread that feeds a GPU asks for in the course of a shard of so many batches of two images, and the order of its marks.
fn course(variants: &[Variant], batches: u64) -> (Operators, Vec<Asked>) {
    let case = Case::of(("resnet18", SIDE), variants.to_vec(), (2 * batches, Dtype::Float16));
    let log = Rc::new(Log::default());
    let traffic = log.traffic(NEVER, NEVER);
    // Proofs, and what is made of the weights, are made once, and memory of the host is taken once.
    case.run(&traffic).unwrap();
    let _ = (log.asked.take(), log.set.take());
    let (done, asked) = Operators::of(|| case.run(&traffic));
    done.unwrap();
    assert!(case.graph.is_lowered() && case.graph.disproof().is_none());
    (asked, log.asked.take())
}

/// What a batch adds to a course.
fn batch(variants: &[Variant]) -> Operators {
    let [fewer, more] = [2, 3].map(|batches| course(variants, batches).0);
    more.beyond(&fewer).unwrap_or_else(|| panic!("{more:?}\n{fewer:?}"))
}

#[test]
fn a_batch_of_one_pass_gradients_is_at_most_ninety_kernels() {
    if !emulates("a_batch_of_one_pass_gradients_is_at_most_ninety_kernels") {
        return;
    }
    let _alone = ALONE.lock();
    for class in ONE_PASS {
        let batch = batch(&[variant(class, json!({}))]);
        assert!(batch.launches() <= MOST, "{class}: {} kernels of {batch:#?}", batch.launches());
        let across = [Crossing::Sent, Crossing::Left].map(|how| batch.crossings(how)[0]);
        let numbers = [batch.ours(), batch.launches() - batch.ours(), across[0], across[1]];
        assert_eq!(row(class), numbers, "{class}: {batch:#?}");
    }
}

#[test]
fn between_two_batches_of_one_pass_gradients_nothing_is_waited_for() {
    if !emulates("between_two_batches_of_one_pass_gradients_nothing_is_waited_for") {
        return;
    }
    let _alone = ALONE.lock();
    let variants = [variant("Saliency", json!({}))];
    let (whole, marks) = course(&variants, 4);
    assert_eq!(whole.read(), 0, "{whole:#?}");
    assert_eq!(whole.crossings(Crossing::Pageable), [0, 0]);
    // Logits and maps of each batch leave with a mark each: a batch is waited for when the second one behind it was asked for.
    let batch_of = |mark: usize| mark / 2;
    let last = |asked: &[Asked]| {
        asked.iter().rev().find_map(|asked| if let Asked::Set(mark) = asked { Some(*mark) } else { None })
    };
    let while_asking = marks.iter().position(|asked| *asked == Asked::Set(2 * 4)).unwrap();
    let mut waits = 0;
    for (at, asked) in marks[..while_asking].iter().enumerate() {
        let Asked::Reached(mark) = asked else { continue };
        let now = batch_of(last(&marks[..at]).unwrap());
        assert!(
            now >= batch_of(*mark) + 2,
            "batch {} is waited for before batch {now} is asked for: {marks:?}",
            batch_of(*mark)
        );
        waits += 1;
    }
    assert_eq!(waits, 2 * 2, "{marks:?}");
    // Bytes of a batch: images in single precision; maps in half, three numbers of each, and two logits.
    let (batch, values) = (batch(&variants), 2 * 3 * SIDE * SIDE);
    assert_eq!(batch.crossings(Crossing::Sent)[1], 4 * values);
    assert_eq!(batch.crossings(Crossing::Left)[1], 2 * values + 2 * 3 * 4 + 2 * 2 * 4);
    assert_eq!(batch.crossings(Crossing::Mark)[0], 2);
}
