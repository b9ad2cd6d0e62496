//! One variant on one device: carries what the search asks for to workers, and what they answer back to it.

use std::time::Instant;

use fleet::{Lost, Prober, Slot, Worker};
use sweep::memory::Point;

use crate::Options;
use crate::report::Cost;
use crate::search::{Found, Search, Step};
use crate::task::Task;

/// Workers that may be lost, for other reasons than memory, before a variant is given up.
const LIVES: u32 = 2;
/// Exit code of a worker that cannot use its device.
const NO_DEVICE: i32 = 83;
/// Exit code of a worker that was asked for something that cannot be computed.
const REFUSED: i32 = 81;

/// Seconds of measurements from which a rate is taken; one that takes longer than [`LONG`] is made once.
const ENOUGH: f64 = 0.5;
const LONG: f64 = 2.0;
const MOST_REPEATS: f64 = 20.0;

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
    process: Option<Prober>,
    search: Search,
    lives: u32,
}

impl<'a> Probe<'a> {
    pub(crate) fn new(
        worker: &'a Worker,
        slot: &'a Slot,
        task: &'a Task,
        options: Options,
        cost: &'a mut Cost,
    ) -> Self {
        let search = Search::new(task.most(), task.budget(slot.memory), options.margin);
        Self { worker, slot, task, options, cost, process: None, search, lives: LIVES }
    }

    /// Searches to the end.
    pub(crate) fn run(mut self, tell: &dyn Fn(&str)) -> Result<Found, Why> {
        loop {
            match self.search.next() {
                Step::Found(found) => return Ok(found),
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
            Ok((floor, point)) => {
                self.search.measured(floor, point);
                Ok(())
            }
            Err(Stopped::Start(text)) => Err(Why { text, device: true }),
            Err(Stopped::Lost(lost)) => {
                self.process = None;
                self.lost(batch, &lost, tell)
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
            Lost::Left(REFUSED, words) => return Err(Why::variant(words.clone())),
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
                let device = matches!(lost, Lost::Left(NO_DEVICE, _));
                return Err(Why { text: format!("batch {batch}: {lost}"), device });
            }
        }
        Ok(())
    }

    /// What `batch` images at once take, and the bytes that were held before.
    fn ask(&mut self, batch: usize) -> Result<(u64, Point), Stopped> {
        let mut seconds = f64::INFINITY;
        self.cost.batches += 1;
        let (mut bytes, mut floor, mut repeats) = (0, 0, 1);
        // What is short is made again, as often as a rate needs; nobody waits for what is long.
        while repeats > 0 {
            let request = self.task.request(batch, repeats);
            let (patience, stillness) = (self.options.patience, self.options.stillness);
            let started = Instant::now();
            let fresh = self.process.is_none();
            let measured = self.process()?.ask(&request, patience, stillness).map_err(Stopped::Lost)?;
            let computed: f64 = measured.runs.iter().map(|run| run.seconds).sum();
            if fresh {
                self.cost.starting += started.elapsed().as_secs_f64() - computed;
            }
            seconds = measured.runs.iter().map(|run| run.seconds).fold(seconds, f64::min);
            bytes = measured.runs.iter().map(|run| run.bytes).fold(bytes, u64::max);
            floor = measured.base;
            repeats =
                if repeats == 1 && seconds < LONG { (ENOUGH / seconds).clamp(2.0, MOST_REPEATS) as usize } else { 0 };
        }
        Ok((floor, Point { batch, bytes, rate: batch as f64 / seconds }))
    }

    /// The worker, started if there is none. On the CPU its limit is what a batch may take.
    fn process(&mut self) -> Result<&mut Prober, Stopped> {
        if let Some(process) = self.process.take() {
            return Ok(self.process.insert(process));
        }
        // What others hold of a GPU changes.
        let now = fleet::budgets(std::slice::from_ref(self.slot)).pop().flatten();
        let memory = if self.slot.gpu.is_some() { now } else { self.slot.memory };
        let budget = self.task.budget(memory);
        self.search.allow(budget);
        self.cost.processes += 1;
        let slot = Slot { memory: budget, ..self.slot.clone() };
        let process = self.worker.prober(&slot).map_err(|error| Stopped::Start(error.to_string()))?;
        Ok(self.process.insert(process))
    }
}

/// Why there was no answer.
enum Stopped {
    /// No worker could be started.
    Start(String),
    Lost(Lost),
}
