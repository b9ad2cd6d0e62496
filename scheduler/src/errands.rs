//! What may wait for a disk, on threads of its own: workers are listened to all the while.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use plan::exit::Failure;
use plan::{Plan, Planned};
use store::durable::{probe, sweep, sweep_dead};
use store::{Facts, StoreError};
use sweep::computed_by::ComputedBy;
use tokio::task::JoinSet;

use crate::core::{Event, Unwritable};
use crate::lock::Lock;

/// Bytes of the file by which a folder is tried: less room than that is none.
const TRIAL: usize = 1 << 20;

/// Errands under way.
pub(crate) struct Errands {
    output: PathBuf,
    /// Stores of the sweep that are not complete.
    stores: Vec<PathBuf>,
    lock: Arc<Mutex<Lock>>,
    /// The sweep has ended: nobody waits for a lock any more.
    over: Arc<AtomicBool>,
    /// Groups by their names.
    groups: HashMap<String, usize>,
    closing: BTreeSet<usize>,
    /// For each group what has computed of it in this run.
    makers: BTreeMap<usize, BTreeSet<ComputedBy>>,
    /// Groups whose roots say that they are complete, or will: held by whoever writes a root.
    complete: Arc<Mutex<BTreeSet<usize>>>,
    looking: bool,
    running: JoinSet<Result<Done, Failure>>,
}

/// What an errand found.
enum Done {
    Closed(usize, Event),
    Tried(Event),
    Looked(Option<Event>),
    Noted,
}

impl Errands {
    /// Those of `plan`, whose output folder is locked.
    pub(crate) fn new(plan: &Plan, lock: Lock) -> Self {
        let open = plan.groups.iter().filter(|planned| !planned.complete);
        Self {
            output: plan.config.paths.output_dir.clone(),
            stores: open.map(|planned| planned.group.store.clone()).collect(),
            lock: Arc::new(Mutex::new(lock)),
            over: Arc::default(),
            groups: plan.groups.iter().zip(0..).map(|(planned, index)| (planned.group.name(), index)).collect(),
            closing: BTreeSet::new(),
            makers: BTreeMap::new(),
            complete: Arc::default(),
            looking: false,
            running: JoinSet::new(),
        }
    }

    /// What has been found; nothing if no errand is under way.
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
                Ok(Done::Noted) => {}
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

    /// Has the store of a group say that `maker` has computed some of its maps, if that is new.
    pub(crate) fn note(&mut self, plan: &Plan, group: &str, maker: &ComputedBy) {
        let Some(&group) = self.groups.get(group) else { return };
        let planned = &plan.groups[group];
        let makers = self.makers.entry(group).or_default();
        if !makers.insert(maker.clone()) {
            return;
        }
        let (of, lock, complete) = (Arc::clone(&planned.group), Arc::clone(&self.lock), Arc::clone(&self.complete));
        let facts = Facts { computed_by: makers.clone(), ..planned.facts.clone() };
        self.running.spawn_blocking(move || {
            let complete = complete.lock().unwrap_or_else(PoisonError::into_inner);
            let is_lost = lock.lock().unwrap_or_else(PoisonError::into_inner).lost().is_some();
            if !is_lost && !complete.contains(&group) {
                let tag = format!("scheduler-{}", std::process::id());
                // What cannot be written now is written with the next one, or at the end.
                if let Err(error) = store::note(&of, &facts, &tag) {
                    tracing::info!(%error, group = of.name(), "the store does not say yet what computes it");
                }
            }
            Ok(Done::Noted)
        });
    }

    /// Marks a store complete: all of its shards and means are there, and nobody writes to it any more.
    pub(crate) fn close(&mut self, planned: &Planned, group: usize) {
        if !self.closing.insert(group) {
            return;
        }
        let (of, lock, complete) = (Arc::clone(&planned.group), Arc::clone(&self.lock), Arc::clone(&self.complete));
        let computed_by = self.makers.get(&group).cloned().unwrap_or_default();
        let facts = Facts { computed_by, ..planned.facts.clone() };
        self.running.spawn_blocking(move || {
            // Unfinished files may be those of another scheduler's workers.
            if let Some(reason) = lock.lock().unwrap_or_else(PoisonError::into_inner).lost() {
                return Ok(Done::Closed(group, Event::Unwritable { what: Unwritable::Group(group), reason }));
            }
            complete.lock().unwrap_or_else(PoisonError::into_inner).insert(group);
            // A worker that was lost during this run may have left a file unfinished.
            let tag = format!("scheduler-{}", std::process::id());
            let closed = sweep(&of.store).and_then(|()| store::finish(&of, &facts, &tag));
            let event = match closed {
                Ok(()) => {
                    tracing::info!(group = of.name(), "group complete");
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

    /// Tries whether the stores are there and can be written, of which `living` are the writers, if they are known.
    pub(crate) fn try_storage(&mut self, living: Option<BTreeSet<u32>>) {
        let (output, stores, lock) = (self.output.clone(), self.stores.clone(), Arc::clone(&self.lock));
        let over = Arc::clone(&self.over);
        self.running.spawn_blocking(move || {
            let tried = stores
                .iter()
                .find(|store| !store.is_dir())
                .map_or(Ok(()), |store| Err(format!("`{}` is not there", store.display())));
            let tried = tried.and_then(|()| {
                let mut lock = lock.lock().unwrap_or_else(PoisonError::into_inner);
                lock.again(&|| !over.load(Ordering::Relaxed)).map_err(|failure| failure.text)?;
                if let Some(living) = &living {
                    make_room(&stores, living);
                }
                probe(&output, TRIAL).map_err(|error| Failure::from(error).text)
            });
            Ok(Done::Tried(Event::Tried(tried)))
        });
    }

    /// Looks whether the output folder is still ours.
    pub(crate) fn look(&mut self) {
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

impl Drop for Errands {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

/// Removes what killed workers left unfinished: it may be what the disk is full of.
fn make_room(stores: &[PathBuf], living: &BTreeSet<u32>) {
    for store in stores {
        match sweep_dead(store, living) {
            Ok(0) => {}
            Ok(files) => tracing::info!(files, store = %store.display(), "what workers that ended had left is removed"),
            Err(error) => tracing::info!(%error, "what workers that ended had left cannot be removed"),
        }
    }
}
