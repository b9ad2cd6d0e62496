//! Writing of the journal: the sweep puts events into a queue, and a thread of its own writes them, many at a time.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::error::JournalError;
use crate::insert::{insert, insert_sweep};
use crate::open;
use crate::row::{Event, SweepStart, now};

/// Number of events that may wait to be written. A sweep that is faster than its disk loses history, not time.
const WAITING: usize = 1 << 16;

/// Largest number of events in one transaction, and the time that the first of them may wait for others.
const BATCH: usize = 4096;
const PAUSE: Duration = Duration::from_millis(250);

/// Time until the next try of a journal that cannot be written: its disk is full, or another process holds it.
const AGAIN: Duration = Duration::from_secs(5);

/// Largest number of journals that are replaced in one sweep: a sweep continues without a journal that breaks again and
/// again.
const MOST_REPLACED: u32 = 3;

/// Time that the end of a sweep waits for its last lines.
const GOODBYE: Duration = Duration::from_secs(5);

/// Journal of one sweep. Writing an event takes the caller a microsecond and never fails.
#[derive(Debug)]
pub struct Journal {
    events: Option<SyncSender<(f64, Event)>>,
    done: Receiver<()>,
    lost: u64,
    /// Beginning of the sweep by two clocks. Times are counted from the beginning, so that none is before an earlier one
    /// if the clock of the machine is set back.
    began: (f64, Instant),
}

impl Journal {
    /// Begins a sweep in the journal `file`, on a thread of its own: nothing here waits for a disk.
    pub fn begin(file: &Path, sweep: SweepStart) -> Self {
        let began = (now(), Instant::now());
        let (events, queue) = sync_channel(WAITING);
        let (finished, done) = sync_channel(1);
        let file = file.to_owned();
        let spawned = thread::Builder::new().name("journal".to_owned()).spawn(move || {
            Writer::new(file, sweep, began.0).run(&queue);
            let _ = finished.send(());
        });
        if let Err(error) = &spawned {
            tracing::warn!(%error, "the sweep goes on without a journal");
        }
        Self { events: spawned.is_ok().then_some(events), done, lost: 0, began }
    }

    /// Records an event that happens now.
    pub fn tell(&mut self, event: Event) {
        let Some(events) = &self.events else { return };
        let (began, clock) = self.began;
        match events.try_send((began + clock.elapsed().as_secs_f64(), event)) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                self.lost += 1;
                if self.lost == 1 {
                    tracing::warn!("the journal is slower than the sweep; some of its history is left out");
                }
            }
            Err(TrySendError::Disconnected(_)) => self.events = None,
        }
    }

    /// Ends the sweep in the journal, and waits up to five seconds until all events are written.
    pub fn end(mut self, outcome: &str) {
        self.tell(Event::Over { outcome: outcome.to_owned() });
        if self.events.take().is_some() {
            let _ = self.done.recv_timeout(GOODBYE);
        }
    }
}

/// Part of the journal that runs on the thread.
struct Writer {
    file: PathBuf,
    start: SweepStart,
    began: f64,
    /// Open journal, and the number of the sweep in it; `None` before the journal is opened.
    open: Option<(Connection, i64)>,
    warned: bool,
    replaced: u32,
}

/// Events that are not written yet, with their times.
type Waiting = Vec<(f64, Event)>;

impl Writer {
    fn new(file: PathBuf, start: SweepStart, began: f64) -> Self {
        Self { file, start, began, open: None, warned: false, replaced: 0 }
    }

    fn run(mut self, queue: &Receiver<(f64, Event)>) {
        let mut waiting = Waiting::new();
        self.write(&mut waiting);
        while gather(queue, &mut waiting) {
            self.write(&mut waiting);
        }
    }

    /// Writes `waiting` in one transaction and empties it. Events that cannot be written now are kept for later.
    fn write(&mut self, waiting: &mut Waiting) {
        if self.replaced > MOST_REPLACED {
            waiting.clear();
            return;
        }
        let mut written = self.try_write(waiting);
        if let Err(error) = &written
            && error.is_of_this_file()
        {
            written = self.replace(error).and_then(|()| self.try_write(waiting));
        }
        match written {
            Ok(()) => waiting.clear(),
            Err(error) => self.warn(&error),
        }
        // What is known best is what happened last.
        waiting.drain(..waiting.len().saturating_sub(WAITING));
    }

    fn try_write(&mut self, waiting: &Waiting) -> Result<(), JournalError> {
        if self.open.is_none() {
            let connection = open::open(&self.file)?;
            self.begin(connection)?;
        }
        let failed = |source| JournalError::Sqlite { file: self.file.clone(), source };
        let Some((connection, sweep)) = &mut self.open else { return Ok(()) };
        let transaction = connection.transaction().map_err(failed)?;
        for (at, event) in waiting {
            insert(&transaction, *sweep, *at, event).map_err(failed)?;
        }
        transaction.commit().map_err(failed)
    }

    fn begin(&mut self, connection: Connection) -> Result<(), JournalError> {
        let failed = |source| JournalError::Sqlite { file: self.file.clone(), source };
        let sweep = insert_sweep(&connection, &self.start, self.began).map_err(failed)?;
        self.open = Some((connection, sweep));
        Ok(())
    }

    /// Replaces a journal that broke while in use, or accepts nothing: this sweep continues in a new journal.
    fn replace(&mut self, error: &JournalError) -> Result<(), JournalError> {
        self.open = None;
        self.replaced += 1;
        let connection = open::replace(&self.file, error)?;
        self.begin(connection)
    }

    fn warn(&mut self, error: &JournalError) {
        if !self.warned {
            tracing::warn!("{error}; the sweep goes on, and its history is written once that can be");
        }
        self.warned = true;
    }
}

/// Waits for events and for those that follow soon; `false` when there will be no more. The wait is short while some events
/// are waiting already.
fn gather(queue: &Receiver<(f64, Event)>, waiting: &mut Waiting) -> bool {
    let first = if waiting.is_empty() {
        queue.recv().map_err(|_| RecvTimeoutError::Disconnected)
    } else {
        queue.recv_timeout(AGAIN)
    };
    match first {
        Ok(event) => waiting.push(event),
        Err(RecvTimeoutError::Timeout) => return true,
        Err(RecvTimeoutError::Disconnected) => return false,
    }
    let until = Instant::now() + PAUSE;
    for _ in 1..BATCH {
        match queue.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(event) => waiting.push(event),
            Err(_) => break,
        }
    }
    true
}
