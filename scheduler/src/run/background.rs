//! Background work: whatever may wait for a disk, on threads of its own, so that workers are heard all the while.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use files::durable::try_writing;
use files::leftovers;
use plan::Plan;
use plan::exit::Failure;
use store::{FORMATS, StoreError};
use tokio::task::JoinSet;

use super::happening::{Happening, Listener};
use crate::core::{Event, Unwritable};
use crate::lock::Lock;

/// Size in bytes of the file by which a folder is tested: a folder with less room counts as full.
const TRIAL: usize = 1 << 20;
/// Number of ticks between two looks at the output folder.
const TICKS: u32 = 10;

/// Work under way in the background.
pub(crate) struct Background<'a> {
    plan: &'a Plan,
    output: PathBuf,
    /// Stores of the sweep that are not complete.
    stores: Vec<PathBuf>,
    lock: Arc<Mutex<Lock>>,
    /// Whether the sweep has ended, so that nobody waits for a lock any more.
    over: Arc<AtomicBool>,
    closing: BTreeSet<usize>,
    looking: bool,
    ticks: u32,
    running: JoinSet<Result<Done, Failure>>,
}

/// Result of a piece of background work.
enum Done {
    Closed(usize, Event),
    Tried(Event),
    Looked(Option<Event>),
}

impl<'a> Background<'a> {
    /// Background work of `plan`, whose output folder is locked.
    pub(crate) fn new(plan: &'a Plan, lock: Lock) -> Self {
        let open = plan.groups.iter().filter(|planned| !planned.complete);
        Self {
            plan,
            output: plan.config.paths.output_dir.clone(),
            stores: open.map(|planned| planned.group.store.clone()).collect(),
            lock: Arc::new(Mutex::new(lock)),
            over: Arc::default(),
            closing: BTreeSet::new(),
            looking: false,
            ticks: 0,
            running: JoinSet::new(),
        }
    }

    /// Waits for the next result; `None` if no work is under way.
    pub(crate) async fn next(&mut self) -> Option<Result<Event, Failure>> {
        loop {
            let done = match self.running.join_next().await? {
                Ok(done) => done,
                // Nobody would ever hear the end of it.
                Err(error) => match error.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    Err(_) => continue,
                },
            };
            match done {
                Ok(Done::Closed(group, event)) => {
                    self.closing.remove(&group);
                    return Some(Ok(event));
                }
                Ok(Done::Tried(event)) => return Some(Ok(event)),
                Ok(Done::Looked(found)) => {
                    self.looking = false;
                    if let Some(event) = found {
                        return Some(Ok(event));
                    }
                }
                Err(failure) => return Some(Err(failure)),
            }
        }
    }

    /// Marks the store of a group complete, and gives it the format that the config asks for: all of its units are done, and nobody writes to the store any more.
    pub(crate) fn close(&mut self, group: usize) {
        if !self.closing.insert(group) {
            return;
        }
        let planned = &self.plan.groups[group];
        let (of, lock, facts) = (Arc::clone(&planned.group), Arc::clone(&self.lock), planned.facts.clone());
        let (format, has_short_names) = (self.plan.format, self.plan.has_short_names);
        self.running.spawn_blocking(move || {
            // Unfinished files may be those of another scheduler's workers.
            if let Some(reason) = lock.lock().unwrap_or_else(PoisonError::into_inner).lost() {
                return Ok(Done::Closed(group, Event::Unwritable { what: Unwritable::Group(group), reason }));
            }
            // It has its form already, and something after that went wrong.
            let goal = FORMATS.goal(&of.store, format);
            if goal != of.store && !of.store.exists() && store::exists(&goal) {
                return Ok(Done::Closed(group, Event::Closed(group)));
            }
            // A worker that was lost during this run may have left a file unfinished.
            let tag = format!("scheduler-{}", std::process::id());
            let removed = leftovers::remove(&of.store).map_err(StoreError::from);
            let closed = removed.and_then(|()| store::finish(&of, &facts, &tag));
            let closed = closed.and_then(|()| FORMATS.pack(&of.store, format));
            let event = match closed {
                Ok(place) => {
                    if has_short_names {
                        plan::link(&place);
                    }
                    tracing::info!(group = of.name(), place = %place.display(), "group complete");
                    Event::Closed(group)
                }
                Err(error @ (StoreError::Write { .. } | StoreError::Read { .. })) => {
                    let reason = Failure::from(error).text;
                    Event::Unwritable { what: Unwritable::Group(group), reason }
                }
                Err(error) => return Err(error.into()),
            };
            Ok(Done::Closed(group, event))
        });
    }

    /// Tests whether the stores exist and can be written. Files of writers that are not among the `living` processes, if
    /// those are known, are removed before.
    pub(crate) fn try_output_folder(&mut self, living: Option<BTreeSet<u32>>) {
        let (output, stores, lock) = (self.output.clone(), self.stores.clone(), Arc::clone(&self.lock));
        let over = Arc::clone(&self.over);
        self.running.spawn_blocking(move || {
            let tried = stores
                .iter()
                .find(|store| !store::exists(&FORMATS.now(store)))
                .map_or(Ok(()), |store| Err(format!("`{}` is not there", store.display())));
            let tried = tried.and_then(|()| {
                let mut lock = lock.lock().unwrap_or_else(PoisonError::into_inner);
                lock.again(&|| !over.load(Ordering::Relaxed)).map_err(|failure| failure.text)?;
                if let Some(living) = &living {
                    make_room(&stores, living);
                }
                try_writing(&output, TRIAL).map_err(|error| Failure::from(error).text)
            });
            Ok(Done::Tried(Event::Tried(tried)))
        });
    }

    /// Checks whether the output folder is still ours.
    fn look(&mut self) {
        if std::mem::replace(&mut self.looking, true) {
            return;
        }
        let lock = Arc::clone(&self.lock);
        self.running.spawn_blocking(move || {
            let lost = lock.lock().unwrap_or_else(PoisonError::into_inner).lost();
            Ok(Done::Looked(lost.map(|reason| Event::Unwritable { what: Unwritable::Folder, reason })))
        });
    }
}

impl Listener for Background<'_> {
    fn hear(&mut self, happening: &Happening<'_>) {
        if matches!(happening, Happening::Tick) {
            self.ticks += 1;
            if self.ticks.is_multiple_of(TICKS) {
                self.look();
            }
        }
    }
}

impl Drop for Background<'_> {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

/// Removes unfinished files of killed workers: the disk may be full of them.
fn make_room(stores: &[PathBuf], living: &BTreeSet<u32>) {
    // A store that is complete may have another form by now.
    for store in stores.iter().filter(|store| store.is_dir()) {
        match leftovers::remove_of_dead(store, living) {
            Ok(0) => {}
            Ok(files) => tracing::info!(files, store = %store.display(), "what workers that ended had left is removed"),
            Err(error) => tracing::info!(%error, "what workers that ended had left cannot be removed"),
        }
    }
}
