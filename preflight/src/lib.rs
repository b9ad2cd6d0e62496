//! Preflight: finds the batch size of every variant, on every kind of device, that is fastest and safe.
//!
//! Workers that measure are disposable: a worker that dies, hangs or loses its device costs one process. Results go into two
//! files: `preflight_results.json`, in the form of the reference, and `preflight_profile.json`, with the measurements.

mod interrupt;
mod options;
mod probe;
pub mod program;
mod report;
mod search;
mod task;
mod warm_worker;

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use fleet::launchers::Place;
use fleet::{Slot, Worker};
use plan::exit::{Code, Failure};
use plan::profile::{self, Entry, Source};
use plan::{Batches, Checked};

pub use interrupt::{Interruptible, Signals, watched};
pub use options::Options;
pub use report::Summary;

use probe::Probe;
use report::Cost;
use search::Found;
use task::Task;

/// State that the threads of all devices share.
struct Shared<'a> {
    tasks: VecDeque<Task>,
    batches: &'a mut Batches,
    summary: Summary,
    /// The error of a file that could not be written.
    failure: Option<Failure>,
}

impl Shared<'_> {
    /// Writes the result of `task`, so that a process that is killed now has lost nothing. A disk that takes no files ends all
    /// tasks.
    fn keep(&mut self, task: Task, found: &Found) {
        let libtorch = self.batches.profile().libtorch().to_owned();
        self.batches.put(Entry {
            of: task.subject,
            batch: found.batch,
            bound: found.bound,
            bytes: found.line,
            margin: task.margin,
            images_per_second: found.rate,
            by: Source::Preflight,
            date: profile::now(),
            program: profile::program(),
            libtorch,
        });
        if let Err(error) = self.batches.save().and_then(|()| self.batches.save_results()) {
            self.failure = Some(error.into());
            self.tasks.clear();
        }
    }
}

/// Measures every variant of the config that no profile knows, on all devices at once, and writes the files after each.
///
/// `tell` is called with a line for each. A variant that cannot be measured is in the summary, and the others go on.
pub fn run(
    checked: &mut Checked,
    worker: &Worker,
    options: Options,
    tell: &(dyn Fn(&str) + Sync),
) -> Result<Summary, Failure> {
    if checked.launcher.place() != Place::Here {
        let text = "devices of this machine can be measured, and the launcher starts workers elsewhere: run `preflight --here` on such a \
                    machine, or leave it out, as workers find their batch sizes themselves";
        return Err(Failure { code: Code::Config, text: text.to_owned() });
    }
    if let Some(folder) = checked.batches.results_file().parent() {
        files::durable::create_folders(folder)?;
    }
    let (tasks, known) = task::list(checked, options);
    let slots = checked.slots.clone();
    let mut summary = Summary::default();
    summary.known = known;
    summary.failed = tasks.iter().filter_map(Task::hopeless).collect();
    for (what, why) in &summary.failed {
        tell(&format!("{what}: {why}"));
    }
    let tasks = tasks.into_iter().filter(|task| task.hopeless().is_none()).collect();
    let started = Instant::now();
    let shared = Mutex::new(Shared { tasks, batches: &mut checked.batches, summary, failure: None });
    thread::scope(|scope| {
        for slot in &slots {
            let shared = &shared;
            scope.spawn(move || serve(slot, worker, options, shared, tell));
        }
    });
    let mut shared = shared.into_inner().unwrap_or_else(PoisonError::into_inner);
    if shared.summary.found == 0 && shared.failure.is_none() {
        // What was known before may never have been written there.
        shared.failure = shared.batches.save_results().err().map(Failure::from);
    }
    shared.summary.seconds = started.elapsed().as_secs_f64();
    for task in shared.tasks {
        shared.summary.failed.push((task.name(), "no device of its kind is left".to_owned()));
    }
    shared.failure.map_or(Ok(shared.summary), Err)
}

/// Does tasks for the slot's kind of device until no task is left, or the device fails.
fn serve(slot: &Slot, worker: &Worker, options: Options, shared: &Mutex<Shared<'_>>, tell: &(dyn Fn(&str) + Sync)) {
    let mut process = None;
    loop {
        let task = {
            let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
            let next = shared.tasks.iter().position(|task| task.device == slot.model);
            next.and_then(|index| shared.tasks.remove(index))
        };
        let Some(task) = task else { return };
        let mut cost = Cost::default();
        if slot.gpu.is_some() {
            process = None;
        }
        let outcome = Probe::new(worker, slot, &task, options, &mut cost, &mut process).run(tell);
        let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
        shared.summary.cost.add(&cost);
        match outcome {
            Ok(found) => {
                tell(&report::line(&task, &found));
                shared.summary.found(&task, &found);
                shared.keep(task, &found);
            }
            Err(why) => {
                let name = task.name();
                tell(&format!("{name}: {}", why.text));
                if why.device {
                    // Another device of its kind may do it.
                    shared.tasks.push_front(task);
                    return;
                }
                shared.summary.failed.push((name, why.text));
            }
        }
    }
}
