//! Three stages that overlap: read the next shard, compute this one, write the last one.
//!
//! Between them there is room for so many bytes (`Group::in_flight` counts them): memory is that of a few images, and of
//! the pixels of two shards, whatever the size of the data. The device is owned by the calling thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use protocol::exit::ExitCode;
use sweep::group::Group;
use sweep::unit::Part;

use super::job::Job;
use crate::device::traffic::behind;
use crate::device::{Opened, lanes};
use crate::engine::Engine;
use crate::exit::{self, Exit};
use crate::kinds::{self, Entry};
use crate::link::connection::{Grant, Link};
use crate::stages::byte_budget::{ByteBudget, Reserved};
use crate::stages::computed::Computed;
use crate::stages::reader::Reader;
use crate::stages::writer::Writer;
use crate::unit_error::UnitError;

/// Most steps that wait to be written: small ones take next to nothing of the byte budget.
const STEPS: usize = 1024;

/// Message from the second stage to the third. The parts of a unit follow each other.
enum Step {
    Begin(Arc<Group>, Part, Writer),
    Computed(Computed, Reserved),
    End(Job, Result<(), UnitError>),
}

/// Unit with what was read for the unit, or with the error of reading.
type Read = (Job, kinds::Read);

/// The kinds of work of a worker.
type Kinds = &'static [&'static Entry];

/// Does the granted units, each as its kind among `kinds` says, until there are no more.
pub(super) fn run(link: &Link, grants: Receiver<Grant>, device: &Opened, kinds: Kinds) -> Result<(), Exit> {
    // One shard waits in the hands of its reader.
    let (loaded, next) = sync_channel(0);
    let (steps, written) = sync_channel(STEPS);
    let reading = thread::spawn(move || read(kinds, &grants, &loaded));
    let writer_link = link.clone();
    let writing = thread::spawn(move || write(&writer_link, &written));
    let outcome = compute(link, &next, &steps, device);
    // The writer ends when nobody can send to it any more, after what is under way is in place.
    drop((steps, next));
    let wrote = writing.join().is_ok();
    outcome?;
    // Only now: after a failure the reader may still be waiting for grants.
    let read = reading.join().is_ok();
    if read && wrote { Ok(()) } else { Err(Exit::internal("a stage of the worker panicked")) }
}

fn read(kinds: Kinds, grants: &Receiver<Grant>, loaded: &SyncSender<Read>) {
    let mut reader = Reader::default();
    for grant in grants {
        let mut job = Job::new(grant);
        let _unit = job.grant.span().entered();
        let started = Instant::now();
        let Grant { unit, tag, .. } = &job.grant;
        let result = kinds::of(kinds, unit).and_then(|kind| (kind.read)(&mut reader, unit, tag));
        job.reading = started.elapsed();
        if loaded.send((job, result)).is_err() {
            return;
        }
    }
}

fn compute(link: &Link, next: &Receiver<Read>, steps: &SyncSender<Step>, device: &Opened) -> Result<(), Exit> {
    let mut engine = Engine::new(device.device);
    let (budget, lanes) = (ByteBudget::of(behind(device.device)), lanes(device.device));
    let send = |step| steps.send(step).map_err(|_| Exit::internal("the writing stage is gone"));
    let mut idle = Instant::now();
    for (mut job, loaded) in next {
        // It may have been given back while it was read.
        if !link.begin(&job.grant) {
            continue;
        }
        job.waiting = idle.elapsed();
        let _unit = job.grant.span().entered();
        let Grant { unit, tag, .. } = &job.grant;
        let unwritable = Arc::new(AtomicBool::new(false));
        let writer = Writer::new(&unit.group, tag.clone(), Arc::clone(&unwritable), lanes);
        send(Step::Begin(Arc::clone(&unit.group), unit.part, writer))?;
        let stop = || link.stopping() || unwritable.load(Ordering::Relaxed);
        let mut blocked = Duration::ZERO;
        // What cannot be written need not be computed. A send fails only if the writer is gone, which the next one reports.
        let mut emit = |computed: Computed| {
            let started = Instant::now();
            let reserved = budget.reserve(computed.bytes());
            drop(steps.send(Step::Computed(computed, reserved)));
            blocked += started.elapsed();
        };
        let computation = loaded.and_then(|loaded| loaded.compute(&job.grant, &mut engine, &stop, &mut emit));
        let outcome = computation.map(|computation| {
            job.reading += computation.images;
            (job.computation, job.blocked) = (computation, blocked);
        });
        let sticky = outcome.as_ref().is_err_and(UnitError::is_sticky);
        send(Step::End(job, outcome))?;
        if sticky {
            return Err(Exit::sticky("the CUDA context is lost"));
        }
        if link.stopping() {
            return Ok(());
        }
        idle = Instant::now();
    }
    Ok(())
}

/// Writes values in their order. The first failure of a unit is its outcome, and later values of the unit are dropped.
fn write(link: &Link, steps: &Receiver<Step>) {
    let mut current: Option<(Arc<Group>, Part, Writer)> = None;
    let mut failed = None;
    for step in steps {
        // A process that stood still, on a node that was frozen, must begin no file in a store that may be complete by now.
        if link.has_expired() {
            exit::now(ExitCode::LeaseLost);
        }
        match (step, &mut current) {
            (Step::Begin(group, part, writer), _) => {
                current = Some((group, part, writer));
                failed = None;
            }
            (Step::Computed(computed, _reserved), Some((group, part, writer))) if failed.is_none() => {
                let started = Instant::now();
                failed = writer.write(group, *part, computed).err();
                writer.took += started.elapsed();
                writer.unwritable.store(failed.is_some(), Ordering::Relaxed);
            }
            (Step::Computed(..), _) => {}
            (Step::End(mut job, outcome), _) => {
                if let Some((_, _, writer)) = current.take() {
                    (job.bytes, job.writing) = (writer.bytes, writer.took);
                    (job.underflow, job.incomplete) = (writer.underflow, writer.incomplete);
                }
                job.report(link, failed.take().map_or(outcome, Err));
            }
        }
    }
}
