//! A toy kind of work, which only this file knows, on its way through all three stages.

use std::sync::Arc;
use std::sync::mpsc::channel;

use protocol::message::{Failure, FromWorker};
use sweep::group::Dtype;
use sweep::unit::{Part, Piece, Unit};
use tch::Device;

use super::pipeline;
use crate::device::Opened;
use crate::engine::{Computation, Engine};
use crate::example;
use crate::kinds::{Entry, Loaded};
use crate::link::connection::{Grant, Link};
use crate::stages::computed::Computed;
use crate::unit_error::UnitError;

/// Counts the letters of a unit's name, and writes the number into the group's store.
const LETTERS: Entry = Entry {
    carries: |unit| unit.piece == Some(Piece::Variant("letters".into())),
    read: |_, unit, _| Ok(Box::new(Letters(unit.id().to_string()))),
};

struct Letters(String);

impl Loaded for Letters {
    fn compute(
        &self,
        _grant: &Grant,
        _engine: &mut Engine,
        _stop: &dyn Fn() -> bool,
        emit: &mut dyn FnMut(Computed),
    ) -> Result<Computation, UnitError> {
        let text = self.0.len().to_string();
        emit(Computed::Act(Box::new(move |group, _| {
            std::fs::write(group.store.join("letters"), &text).unwrap();
            Ok(text.len() as u64)
        })));
        Ok(Computation { maps: 7, ..Computation::default() })
    }
}

/// The results of a worker of `kinds` that is granted `unit`.
fn results(kinds: &'static [&'static Entry], unit: Unit) -> Vec<FromWorker> {
    let link = Link::broken(&[(unit.id(), 1)]);
    let (grants, granted) = channel();
    grants.send(Grant { unit, attempt: 1, batches: Arc::default(), tag: "t".into() }).unwrap();
    drop(grants);
    let device = Opened { device: Device::Cpu, name: "cpu".into(), threads: 1 };
    assert!(pipeline::run(&link, granted, &device, kinds).is_ok());
    link.results()
}

#[test]
fn a_kind_of_work_that_nothing_else_knows_is_read_computed_written_and_reported() {
    let folder = tempfile::tempdir().unwrap();
    let group = Arc::new(example::group(folder.path(), Dtype::Float32));
    example::store_of(&group);
    let unit =
        Unit { piece: Some(Piece::Variant("letters".into())), ..Unit::of(group.clone(), "letters", Part::Shard(0)) };
    let (id, letters) = (unit.id(), unit.id().to_string().len());
    let results = results(&[&LETTERS], unit);
    let [FromWorker::Done { unit, attempt: 1, report }] = &results[..] else { panic!("{results:?}") };
    assert_eq!((unit, report.maps, report.bytes), (&id, 7, letters.to_string().len() as u64));
    let written = std::fs::read_to_string(group.store.join("letters")).unwrap();
    assert_eq!(written, letters.to_string());
}

#[test]
fn a_unit_of_no_kind_fails_with_its_name() {
    let group = Arc::new(example::group("none".as_ref(), Dtype::Float32));
    let results = results(&[&LETTERS], Unit::of(group, "means", Part::Whole));
    let [FromWorker::Failed { class: Failure::Input, text, .. }] = &results[..] else { panic!("{results:?}") };
    assert!(text.contains("/means`"), "{text}");
}
