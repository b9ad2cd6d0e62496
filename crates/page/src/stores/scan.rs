//! What the stores of folders have, looked at again and again on a thread of its own.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, mpsc};
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;
use store::{Described, Ledger};
use sweep::fingerprint;
use sweep::group::Group;
use sweep::unit::UnitId;
use tokio::sync::watch;

use super::cells::{Marked, Marks, done};
use super::find;
use crate::live::Failed;

/// Time between two looks, at least.
const PAUSE: Duration = Duration::from_secs(2);
/// A look takes a tenth of its thread's time at most.
const SHARE: u32 = 10;
/// Time after which a look that is not over shows what it has seen.
const SHOW: Duration = Duration::from_millis(300);

/// One store, as it was seen last.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// Name by which the page asks for the store.
    pub(crate) id: String,
    /// Number of the folder.
    pub(crate) sweep: usize,
    pub(crate) place: PathBuf,
    /// The group; `None` for a store that cannot be read.
    pub(crate) group: Option<Arc<Group>>,
    pub(crate) complete: bool,
    pub(crate) error: Option<String>,
    /// Shards that are there, of each variant.
    pub(crate) done: Vec<u64>,
    /// A letter for each variant ([`Marked::cell`]).
    pub(crate) cells: String,
    /// Devices that have computed maps.
    pub(crate) devices: Vec<Value>,
    stamp: Option<SystemTime>,
}

/// All stores, as they were seen last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scan {
    pub(crate) stores: Vec<Arc<Seen>>,
    pub(crate) failed: Vec<Failed>,
    /// Whether all folders have been looked through once.
    pub(crate) whole: bool,
}

/// Stores of folders. A thread looks at them until the scanner is dropped.
#[derive(Debug)]
pub(crate) struct Scanner {
    scan: Arc<RwLock<Arc<Scan>>>,
    /// Number of the last change.
    pub(crate) version: watch::Receiver<u64>,
    _stop: mpsc::Sender<()>,
}

/// Function that tells what failed and what runs in a folder.
pub(crate) type MarksOf = Box<dyn Fn(&Path) -> Marks + Send>;

impl Scanner {
    /// Begins to look at the stores of `folders`.
    pub(crate) fn begin(folders: Vec<PathBuf>, marks: MarksOf) -> std::io::Result<Self> {
        let scan = Arc::new(RwLock::new(Arc::new(Scan::default())));
        let (stop, stopped) = mpsc::channel::<()>();
        let (tell, version) = watch::channel(0);
        let look = Look { folders, marks, scan: Arc::clone(&scan), tell, text: String::new() };
        std::thread::Builder::new().name("page-stores".to_owned()).spawn(move || look.again_and_again(&stopped))?;
        Ok(Self { scan, version, _stop: stop })
    }

    /// Result of the last look.
    pub(crate) fn now(&self) -> Arc<Scan> {
        Arc::clone(&self.scan.read().unwrap_or_else(PoisonError::into_inner))
    }
}

struct Look {
    folders: Vec<PathBuf>,
    marks: MarksOf,
    scan: Arc<RwLock<Arc<Scan>>>,
    tell: watch::Sender<u64>,
    /// All cells of the last version.
    text: String,
}

impl Look {
    fn again_and_again(mut self, stopped: &mpsc::Receiver<()>) {
        loop {
            let began = Instant::now();
            self.look(began);
            let pause = PAUSE.max(began.elapsed() * SHARE);
            if stopped.recv_timeout(pause) != Err(mpsc::RecvTimeoutError::Timeout) {
                return;
            }
        }
    }

    fn look(&mut self, began: Instant) {
        let last = Arc::clone(&self.scan.read().unwrap_or_else(PoisonError::into_inner));
        let before: BTreeMap<&Path, &Arc<Seen>> = last.stores.iter().map(|seen| (seen.place.as_path(), seen)).collect();
        let mut scan = Scan { whole: last.whole, ..Scan::default() };
        let mut shown = began;
        for (sweep, folder) in self.folders.clone().iter().enumerate() {
            let marks = (self.marks)(folder);
            let failed: Vec<UnitId> = marks.failed.iter().map(|failed| UnitId::from(failed.unit.as_str())).collect();
            let marked = Marked::of(&failed, &marks.running);
            for place in find::stores(folder) {
                let seen = see(&place, sweep, before.get(place.as_path()).copied());
                scan.add(named(seen, &marked, (self.folders.len() > 1).then_some(folder.as_path())));
                if !last.whole && shown.elapsed() > SHOW {
                    shown = Instant::now();
                    self.show(&scan);
                }
            }
            scan.failed.extend(marks.failed);
        }
        scan.whole = true;
        self.show(&scan);
    }

    /// Shows `scan`, and tells so if something is new.
    fn show(&mut self, scan: &Scan) {
        let mut text = format!("{} {}", scan.whole, scan.failed.len());
        for seen in &scan.stores {
            let _ = write!(text, "\n{} {} {} {:?} {:?}", seen.id, seen.cells, seen.complete, seen.done, seen.error);
        }
        *self.scan.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(scan.clone());
        if text != self.text {
            self.text = text;
            self.tell.send_modify(|version| *version += 1);
        }
    }
}

impl Scan {
    /// Adds a store; of a group in several formats, the one that is whole counts.
    fn add(&mut self, seen: Seen) {
        match self.stores.iter_mut().rfind(|other| other.id == seen.id) {
            Some(other) if seen.complete && !other.complete => *other = Arc::new(seen),
            Some(_) => {}
            None => self.stores.push(Arc::new(seen)),
        }
    }

    /// The store called `id`.
    pub(crate) fn store(&self, id: &str) -> Option<&Arc<Seen>> {
        self.stores.iter().find(|seen| seen.id == id)
    }
}

/// Looks at the store at `place`. What cannot have changed since it was seen `before` is not read again.
fn see(place: &Path, sweep: usize, before: Option<&Arc<Seen>>) -> Seen {
    // The root is put in place by a rename, which the time of its folder shows.
    let stamp = std::fs::metadata(place).and_then(|metadata| metadata.modified()).ok();
    let mut seen = match before.filter(|before| before.stamp == stamp && before.group.is_some()) {
        Some(same) if same.complete && same.error.is_none() => return Seen { sweep, ..Seen::clone(same) },
        Some(same) => Seen::clone(same),
        None => described(place, sweep, stamp),
    };
    if let Some(group) = &seen.group {
        match Ledger::read(group) {
            // What could not be read a moment ago can be now.
            Ok(ledger) => (seen.done, seen.error) = (done(group, &ledger), None),
            Err(error) => seen.error = Some(error.to_string()),
        }
    }
    seen
}

fn described(place: &Path, sweep: usize, stamp: Option<SystemTime>) -> Seen {
    let name = place.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (group, complete, error, devices) = match store::describe(place) {
        Ok(Some(Described { mut group, complete, computed_by, .. })) => {
            // Positions of chosen images may be many; what stands for them tells this store from one of other images.
            group.input.data = Value::String(fingerprint::digest(&group.input.data));
            let devices = computed_by.iter().filter_map(|device| serde_json::to_value(device).ok()).collect();
            (Some(Arc::new(group)), complete, None, devices)
        }
        Ok(None) => (None, false, Some("it is no store yet".to_owned()), Vec::new()),
        Err(error) => (None, false, Some(error.to_string()), Vec::new()),
    };
    let id = group.as_ref().map_or(name, |group| group.name());
    let place = place.to_owned();
    Seen { id, sweep, place, group, complete, error, done: Vec::new(), cells: String::new(), devices, stamp }
}

/// Names a store for the page, and fills its cells.
fn named(mut seen: Seen, marked: &Marked<'_>, folder: Option<&Path>) -> Seen {
    if let Some(group) = &seen.group {
        let (name, all) = (group.name(), group.shards());
        let cells = group.variants.iter().zip(&seen.done);
        seen.cells = cells.map(|(variant, done)| marked.cell(&name, &variant.key, *done, all)).collect();
        seen.id = name;
    }
    if let Some(folder) = folder {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        seen.id = format!("{}~{name}~{}", seen.sweep, seen.id);
    }
    seen
}
