//! One variant on one device: carries what the search asks for to workers, and what they answer back to it.

use std::collections::HashSet;
use std::time::Instant;

use fleet::{Lost, Slot, Worker};
use protocol::exit::ExitCode;
use protocol::probe::Run;
use sweep::memory::Point;

use crate::Options;
use crate::kept::Kept;
use crate::report::Cost;
use crate::search::{Found, Search, Step};
use crate::size::How;
use crate::task::Task;

/// Workers that may be lost, for other reasons than memory, before a variant is given up.
const LIVES: u32 = 2;

/// Seconds of measurements from which a rate is taken, after a first one that warms up; one that takes longer than [`LONG`] is
/// made once. What does on a GPU when its worker has just started may have waited for the driver to load its kernels.
const ENOUGH: f64 = 0.5;
const LONG: f64 = 2.0;
const MOST_REPEATS: f64 = 20.0;

/// Share of the time of a measurement that may be spent waiting for cores before its rate is in doubt.
const DISTURBED: f64 = 0.1;

/// Processes among which a core is shared, at most, where rates are made good for it.
const MOST_SHARED: f64 = 16.0;

/// Why a variant could not be measured.
#[derive(Debug)]
pub(crate) struct Why {
    pub(crate) text: String,
    /// Whether it is the device, and not the variant.
    pub(crate) device: bool,
}

impl Why {
    fn variant(text: String) -> Self {
        Self { text, device: false }
    }
}

pub(crate) struct Probe<'a> {
    worker: &'a Worker,
    slot: &'a Slot,
    task: &'a Task,
    options: Options,
    cost: &'a mut Cost,
    process: &'a mut Option<Kept>,
    search: Search,
    /// Sizes that were tried.
    sizes: Vec<usize>,
    /// Bytes that a batch takes more at its first time in a worker, which packs weights then: whatever its size, as a sweep's first
    /// one may be of any.
    first: u64,
    lives: u32,
}

impl<'a> Probe<'a> {
    pub(crate) fn new(
        worker: &'a Worker,
        slot: &'a Slot,
        task: &'a Task,
        options: Options,
        cost: &'a mut Cost,
        process: &'a mut Option<Kept>,
    ) -> Self {
        let search = Search::new(task.most(), task.budget(slot.memory), task.margin);
        Self { worker, slot, task, options, cost, process, search, sizes: Vec::new(), first: 0, lives: LIVES }
    }

    /// Searches to the end.
    pub(crate) fn run(mut self, tell: &dyn Fn(&str)) -> Result<Found, Why> {
        loop {
            match self.search.next() {
                Step::Found(found) => {
                    if self.search.is_disturbed() {
                        let name = self.task.name();
                        tell(&format!("{name}: others compute on these cores, so memory alone decides its batch"));
                    }
                    return Ok(found);
                }
                Step::NoRoom => {
                    let shares = self.slot.memory.map(|memory| format!(": {}", self.task.shares(memory)));
                    let text = format!("one image at once does not fit{}", shares.unwrap_or_default());
                    return Err(Why::variant(text));
                }
                Step::Measure(batch) => self.measure(batch, tell)?,
            }
        }
    }

    fn measure(&mut self, batch: usize, tell: &dyn Fn(&str)) -> Result<(), Why> {
        match self.ask(batch) {
            Ok((floor, point, how)) => {
                self.search.measured(floor, point, how);
                Ok(())
            }
            Err(Stopped::Start(text)) => Err(Why { text, device: true }),
            Err(Stopped::Lost(lost)) => {
                *self.process = None;
                self.lost(batch, &lost, tell)?;
                // Somebody else may have taken what was not there.
                self.search.allow(self.budget());
                Ok(())
            }
        }
    }

    /// The answer to a lost worker: less memory, another try, or the end.
    fn lost(&mut self, batch: usize, lost: &Lost, tell: &dyn Fn(&str)) -> Result<(), Why> {
        let again = match lost {
            Lost::OutOfMemory(_) => {
                self.search.ran_out(batch);
                return Ok(());
            }
            Lost::Left(code, words) if *code == ExitCode::Request.number() => return Err(Why::variant(words.clone())),
            // What it holds stays held: another one would find a driver in trouble, or wait for the same disk.
            Lost::Stuck(..) => {
                return Err(Why { text: format!("batch {batch}: {lost}"), device: self.slot.gpu.is_some() });
            }
            _ => self.lives.checked_sub(1),
        };
        match (again, lost) {
            (Some(lives), _) => {
                self.lives = lives;
                tell(&format!("{}, batch {batch}: {lost}; it is tried again", self.task.name()));
            }
            // The system kills for memory without a word.
            (None, Lost::Killed(9)) if batch > 1 => self.search.ran_out(batch),
            (None, _) => {
                let device = matches!(lost, Lost::Left(code, _) if *code == ExitCode::NoDevice.number());
                return Err(Why { text: format!("batch {batch}: {lost}"), device });
            }
        }
        Ok(())
    }

    /// What `batch` images at once take, the bytes that were held before, and how it was measured.
    fn ask(&mut self, batch: usize) -> Result<(u64, Point, How), Stopped> {
        if !self.sizes.contains(&batch) {
            self.sizes.push(batch);
            self.cost.batches += 1;
        }
        let subject = (self.task.variant.key.clone(), batch);
        let started = self.cost.processes;
        let mut taken = self.take(batch, 1)?;
        let new = self.cost.processes > started;
        let kept = self.process()?;
        let mut warm = !kept.computed.insert(subject);
        // What is short is made again, as often as a rate needs; nobody waits for what is long.
        let seconds = taken.best.seconds;
        if seconds < LONG || (new && self.slot.gpu.is_some()) {
            let repeats = if seconds < LONG { (ENOUGH / seconds).clamp(2.0, MOST_REPEATS) } else { 1.0 };
            let again = self.take(batch, repeats as usize)?;
            self.first = self.first.max(taken.bytes.saturating_sub(again.bytes));
            (taken, warm) = (again, true);
        }
        let Run { seconds, waited, .. } = taken.best;
        let disturbed = waited > DISTURBED * seconds;
        // As near as one can tell what it is without the others.
        let alone = if disturbed { (seconds - waited).max(seconds / MOST_SHARED) } else { seconds };
        let point = Point { batch, bytes: taken.bytes + self.first, rate: batch as f64 / alone };
        Ok((taken.floor + self.first, point, How { warm, disturbed }))
    }

    /// Measures `batch` images at once, `repeats` times.
    fn take(&mut self, batch: usize, repeats: usize) -> Result<Taken, Stopped> {
        let request = self.task.request(batch, repeats);
        let (patience, stillness, gpu) = (self.options.patience, self.options.stillness, self.slot.gpu.is_some());
        let (started, processes) = (Instant::now(), self.cost.processes);
        let kept = self.process()?;
        let measured = kept.prober.ask(&request, patience, stillness).map_err(Stopped::Lost)?;
        let (budget, beside) = kept.seen(gpu, measured.limit);
        self.search.allow(budget);
        if self.cost.processes > processes {
            let computed: f64 = measured.runs.iter().map(|run| run.seconds).sum();
            self.cost.starting += started.elapsed().as_secs_f64() - computed;
        }
        let best = measured.runs.iter().min_by(|a, b| a.seconds.total_cmp(&b.seconds)).copied();
        let Some(best) = best else {
            return Err(Stopped::Lost(Lost::Left(0, "the worker answered without a measurement".to_owned())));
        };
        let bytes = measured.runs.iter().map(|run| run.bytes).max().unwrap_or(0);
        Ok(Taken { best, bytes: bytes + beside, floor: measured.base + beside })
    }

    /// Bytes that a batch may take in a worker that is started now.
    fn budget(&self) -> Option<u64> {
        let free = || fleet::budgets(std::slice::from_ref(self.slot), &[]).pop().flatten();
        self.task.budget(if self.slot.gpu.is_some() { free() } else { self.slot.memory })
    }

    /// The worker, started if there is none that serves. On the CPU its limit is what a batch may take.
    fn process(&mut self) -> Result<&mut Kept, Stopped> {
        let model = self.task.group.weights.display().to_string();
        let gpu = self.slot.gpu.is_some();
        // What others hold of a GPU changes, and so does what a worker may hold there: each variant has its own.
        let of_cpu = self.task.budget(self.slot.memory);
        let serves = |kept: &Kept| kept.model == model && (gpu || kept.memory == of_cpu);
        if let Some(kept) = self.process.take().filter(serves) {
            return Ok(self.process.insert(kept));
        }
        let budget = self.budget();
        self.search.allow(budget);
        self.cost.processes += 1;
        let slot = Slot { memory: budget, ..self.slot.clone() };
        let prober = self.worker.prober(&slot).map_err(|error| Stopped::Start(error.to_string()))?;
        Ok(self.process.insert(Kept { prober, model, memory: budget, beside: None, computed: HashSet::new() }))
    }
}

/// What measuring gave.
struct Taken {
    best: Run,
    bytes: u64,
    floor: u64,
}

/// Why there was no answer.
enum Stopped {
    /// No worker could be started.
    Start(String),
    Lost(Lost),
}
