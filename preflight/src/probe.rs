//! The probe of one variant on one device: carries sizes from the search to a worker, and its measurements back.

use std::collections::HashSet;
use std::time::Instant;

use fleet::{Lost, Slot, Worker};
use protocol::exit::ExitCode;
use protocol::probe::Run;
use sweep::memory::Point;

use crate::options::Options;
use crate::report::Cost;
use crate::search::{Found, How, Search, Step};
use crate::task::Task;
use crate::warm_worker::WarmWorker;

/// Workers that may be lost for other reasons than memory before a variant is given up.
const LIVES: u32 = 2;

/// Seconds of measurements from which a rate is taken, after a first one that warms up. On a GPU a first measurement may have
/// waited for the driver to load kernels.
const ENOUGH: f64 = 0.5;
/// Seconds from which on a measurement is made once.
const LONG: f64 = 2.0;
/// Most measurements of one size in a row.
const MOST_REPEATS: f64 = 20.0;

/// Share of a measurement's time that threads may wait for cores before its rate is in doubt.
const DISTURBED: f64 = 0.1;

/// Most processes on one core for which a rate is corrected.
const MOST_SHARED: f64 = 16.0;

/// The reason why a variant could not be measured.
#[derive(Debug)]
pub(crate) struct Why {
    pub(crate) text: String,
    /// Whether the device is to blame, and not the variant.
    pub(crate) device: bool,
}

impl Why {
    fn variant(text: String) -> Self {
        Self { text, device: false }
    }
}

/// The probe of one variant on the device of one slot.
pub(crate) struct Probe<'a> {
    worker: &'a Worker,
    slot: &'a Slot,
    task: &'a Task,
    options: Options,
    cost: &'a mut Cost,
    process: &'a mut Option<WarmWorker>,
    search: Search,
    /// Sizes that were tried.
    sizes: Vec<usize>,
    /// Bytes that the first batch in a worker takes more than later ones, because weights are packed then. They count for every
    /// size, as any size may be the first one of a sweep.
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
        process: &'a mut Option<WarmWorker>,
    ) -> Self {
        let search = Search::new(task.most(), task.budget(slot.memory), task.margin);
        Self { worker, slot, task, options, cost, process, search, sizes: Vec::new(), first: 0, lives: LIVES }
    }

    /// Runs the search to its end.
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

    /// Decides what follows from a lost worker: a smaller batch, another try, or the end.
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

    /// Measures `batch` images at once. Returns the bytes that were held before, the point, and how it was measured.
    fn ask(&mut self, batch: usize) -> Result<(u64, Point, How), Stopped> {
        if !self.sizes.contains(&batch) {
            self.sizes.push(batch);
            self.cost.batches += 1;
        }
        let subject = (self.task.variant.key.clone(), batch);
        let started = self.cost.processes;
        let mut taken = self.take(batch, 1)?;
        let new = self.cost.processes > started;
        let worker = self.process()?;
        let mut warm = !worker.computed.insert(subject);
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

    /// Measures `batch` images at once, `repeats` times, and returns the best time.
    fn take(&mut self, batch: usize, repeats: usize) -> Result<Taken, Stopped> {
        let request = self.task.request(batch, repeats);
        let (patience, stillness, gpu) = (self.options.patience, self.options.stillness, self.slot.gpu.is_some());
        let (started, processes) = (Instant::now(), self.cost.processes);
        let worker = self.process()?;
        let measured = worker.prober.ask(&request, patience, stillness).map_err(Stopped::Lost)?;
        let (budget, beside) = worker.observe(gpu, measured.limit);
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

    /// The warm worker, if it holds the right model and limit, or else a new one. On the processor its memory limit is the budget
    /// of a batch.
    fn process(&mut self) -> Result<&mut WarmWorker, Stopped> {
        let model = self.task.group.input.weights.display().to_string();
        let gpu = self.slot.gpu.is_some();
        // What others hold of a GPU changes, and so does what a worker may hold there: each variant has its own.
        let of_cpu = self.task.budget(self.slot.memory);
        let serves = |worker: &WarmWorker| worker.model == model && (gpu || worker.memory == of_cpu);
        if let Some(worker) = self.process.take().filter(serves) {
            return Ok(self.process.insert(worker));
        }
        let budget = self.budget();
        self.search.allow(budget);
        self.cost.processes += 1;
        let slot = Slot { memory: budget, ..self.slot.clone() };
        let prober = self.worker.prober(&slot).map_err(|error| Stopped::Start(error.to_string()))?;
        Ok(self.process.insert(WarmWorker { prober, model, memory: budget, beside: None, computed: HashSet::new() }))
    }
}

/// Result of measuring a batch several times.
struct Taken {
    best: Run,
    bytes: u64,
    floor: u64,
}

/// The reason why there was no answer.
enum Stopped {
    /// No worker could be started.
    Start(String),
    Lost(Lost),
}
