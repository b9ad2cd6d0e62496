//! A journal that is damaged in every way: the sweep goes on, what was there is kept, and what comes is written.

#![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use journal::{History, Journal, damaged_files, file};
use rusqlite::Connection;

use common::{done, ended, failed, failed_units, granted, start, sweep};

fn told(unit: &str, error: &str) -> (String, String) {
    (unit.to_owned(), error.to_owned())
}

/// A sweep in which one unit fails.
fn failing(folder: &Path, unit: &str, error: &str) {
    sweep(folder, vec![granted(unit, 1), ended(unit, 1, failed(error))], "complete");
}

/// Files of `folder` in whose names is `.kept-`, say.
fn put_aside(folder: &Path, part: &str) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| path.to_string_lossy().contains(part)).collect()
}

fn beside(file: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", file.display()))
}

/// What may have become of a journal.
type Harm = fn(&mut Vec<u8>);

/// All of them, by name.
fn harms() -> Vec<(&'static str, Harm)> {
    vec![
        ("zeroed", |bytes| bytes.fill(0)),
        ("torn", |bytes| bytes.truncate(bytes.len() / 2)),
        ("its first page zeroed", |bytes| bytes[..4096].fill(0)),
        ("its second page zeroed", |bytes| bytes[4096..8192].fill(0)),
        ("text", |bytes| *bytes = b"unit,seconds\n".repeat(400)),
    ]
}

#[test]
fn a_damaged_journal_is_kept_beside_a_new_one_and_the_sweep_is_in_the_new_one() {
    for (name, harm) in harms() {
        let folder = tempfile::tempdir().unwrap();
        sweep(folder.path(), vec![granted("a/0", 1), ended("a/0", 1, failed("old"))], "complete");
        let mut bytes = fs::read(file(folder.path())).unwrap();
        harm(&mut bytes);
        fs::write(file(folder.path()), &bytes).unwrap();
        sweep(folder.path(), vec![granted("b/0", 1), ended("b/0", 1, failed("new"))], "complete");
        assert_eq!(failed_units(folder.path()), [("b/0".to_owned(), "new".to_owned())], "{name}");
        let aside = damaged_files(folder.path());
        assert_eq!(aside.len(), 1, "{name}: {aside:?}");
        assert_eq!(fs::read(&aside[0]).unwrap(), bytes, "{name}");
    }
}

#[test]
fn a_file_of_another_program_is_not_written_to() {
    let folder = tempfile::tempdir().unwrap();
    Connection::open(file(folder.path()))
        .unwrap()
        .execute_batch("CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)")
        .unwrap();
    let before = fs::read(file(folder.path())).unwrap();
    assert!(History::open(&file(folder.path())).unwrap_err().to_string().contains("of another program"));
    sweep(folder.path(), vec![granted("a/0", 1)], "complete");
    // It is theirs: nobody may remove it as damaged.
    assert_eq!(fs::read(&put_aside(folder.path(), ".kept-")[0]).unwrap(), before);
    assert_eq!(damaged_files(folder.path()), [""; 0].map(PathBuf::from));
    assert_eq!(History::open(&file(folder.path())).unwrap().unwrap().last_sweep().unwrap().unwrap().id, 1);
}

#[test]
fn an_empty_file_is_a_journal_that_nobody_has_written_to() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(file(folder.path()), "").unwrap();
    assert!(History::open(&file(folder.path())).unwrap().is_none());
    failing(folder.path(), "a/0", "new");
    assert_eq!(failed_units(folder.path()), [told("a/0", "new")]);
    assert_eq!(damaged_files(folder.path()), [""; 0].map(PathBuf::from));
}

/// A log that another database has left under our journal's name would be played into it.
#[test]
fn a_log_of_another_database_is_put_aside_and_the_history_goes_on() {
    for of_another in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        failing(folder.path(), "a/0", "old");
        let (journal, other) = (file(folder.path()), folder.path().join("other.sqlite"));
        let theirs = Connection::open(&other).unwrap();
        theirs.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(())).unwrap();
        theirs.execute_batch("CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)").unwrap();
        let log = fs::read(beside(&other, "-wal")).unwrap();
        if of_another {
            fs::write(beside(&journal, "-wal"), &log).unwrap();
        } else {
            fs::create_dir(beside(&journal, "-wal")).unwrap();
        }
        failing(folder.path(), "b/0", "new");
        assert_eq!(failed_units(folder.path()), [told("a/0", "old"), told("b/0", "new")], "{of_another}");
        let logs = put_aside(folder.path(), ".kept-").into_iter();
        let kept = logs.filter(|kept| kept.is_file()).find(|kept| kept.to_string_lossy().ends_with("-wal"));
        assert_eq!(kept.map(|kept| fs::read(kept).unwrap()), of_another.then_some(log));
    }
}

#[test]
fn what_stands_in_its_place_and_is_no_file_is_put_aside() {
    let folder = tempfile::tempdir().unwrap();
    let journal = file(folder.path());
    fs::create_dir_all(journal.join("something")).unwrap();
    assert!(History::open(&journal).unwrap_err().to_string().ends_with("is no regular file"));
    failing(folder.path(), "a/0", "new");
    assert_eq!(failed_units(folder.path()), [told("a/0", "new")]);
    let names = || fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    assert!(names().any(|path| path.join("something").is_dir()));
}

#[test]
fn a_journal_that_refuses_what_is_written_is_put_aside() {
    let harms = [
        "CREATE TRIGGER no BEFORE INSERT ON attempts BEGIN SELECT raise(ABORT, 'no'); END",
        "ALTER TABLE attempts RENAME COLUMN state TO condition",
        "DROP VIEW readable; DROP TABLE attempts; CREATE VIEW attempts AS SELECT 1 AS sweep",
    ];
    for harm in harms {
        let folder = tempfile::tempdir().unwrap();
        failing(folder.path(), "a/0", "old");
        Connection::open(file(folder.path())).unwrap().execute_batch(harm).unwrap();
        failing(folder.path(), "b/0", "new");
        assert_eq!(failed_units(folder.path()), [told("b/0", "new")], "{harm}");
        assert_eq!(damaged_files(folder.path()).len(), 1, "{harm}");
    }
}

#[test]
fn a_journal_of_a_newer_program_is_kept_for_it() {
    let folder = tempfile::tempdir().unwrap();
    failing(folder.path(), "a/0", "old");
    Connection::open(file(folder.path())).unwrap().execute_batch("PRAGMA user_version = 99").unwrap();
    failing(folder.path(), "b/0", "new");
    assert_eq!(failed_units(folder.path()), [told("b/0", "new")]);
    assert_eq!((put_aside(folder.path(), ".kept-").len(), damaged_files(folder.path()).len()), (1, 0));
}

#[test]
fn what_breaks_while_it_is_written_to_is_put_aside_and_the_sweep_is_in_a_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let journal_file = file(folder.path());
    let mut journal = Journal::begin(&journal_file, start());
    journal.tell(granted("a/0", 1));
    let under_way = || History::open(&journal_file).ok().flatten().and_then(|history| history.under_way(1).ok());
    wait_for(|| under_way().is_some_and(|units| units.len() == 1 && units[0].pid == Some(77)));
    fs::write(&journal_file, "no database\n".repeat(2000)).unwrap();
    journal.tell(granted("b/0", 1));
    journal.tell(ended("b/0", 1, failed("new")));
    journal.end("complete");
    assert_eq!(failed_units(folder.path()), [told("b/0", "new")]);
    assert_eq!(damaged_files(folder.path()).len(), 1);
}

/// As on a full disk: what cannot be written now is written later.
#[test]
fn what_happens_while_it_cannot_be_written_is_written_once_it_can() {
    let folder = tempfile::tempdir().unwrap();
    failing(folder.path(), "a/0", "old");
    let mut journal = Journal::begin(&file(folder.path()), start());
    let holder = Connection::open(file(folder.path())).unwrap();
    holder.busy_timeout(Duration::from_mins(1)).unwrap();
    holder.execute_batch("BEGIN EXCLUSIVE").unwrap();
    journal.tell(granted("a/0", 1));
    journal.tell(ended("a/0", 1, done(4)));
    // Longer than a writer waits for whoever holds it.
    std::thread::sleep(Duration::from_secs(3));
    holder.execute_batch("COMMIT").unwrap();
    let seen = || History::open(&file(folder.path())).ok().flatten().and_then(|history| history.failed_units().ok());
    wait_for(|| seen().is_some_and(|failed| failed.is_empty()));
    journal.end("complete");
}

/// A killed writer leaves a transaction half done; whoever only reads takes it back.
#[test]
fn a_transaction_that_was_cut_off_is_taken_back_by_whoever_reads() {
    let folder = tempfile::tempdir().unwrap();
    let journal = file(folder.path());
    failing(folder.path(), "a/0", "old");
    let writer = Connection::open(&journal).unwrap();
    // A cache of no pages makes it write before the end of its transaction.
    writer.execute_batch("PRAGMA cache_size = 0; PRAGMA cache_spill = 1; BEGIN").unwrap();
    for unit in 0..200 {
        writer
            .execute_batch(&format!(
                "INSERT INTO attempts SELECT sweep, 'x/{unit}', attempt, worker, slot, device,
            started, ended, state, seconds, computing, maps, bytes, class, error, pid FROM attempts WHERE unit = 'a/0'"
            ))
            .unwrap();
    }
    let cut = tempfile::tempdir().unwrap();
    for suffix in ["", "-journal"] {
        fs::copy(beside(&journal, suffix), beside(&file(cut.path()), suffix)).unwrap();
    }
    assert_eq!(failed_units(cut.path()), [told("a/0", "old")]);
}

/// Its schema of version 1 had no process ids, and its log was WAL.
#[test]
fn a_journal_of_the_version_before_is_read_and_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    failing(folder.path(), "a/0", "old");
    let older = Connection::open(file(folder.path())).unwrap();
    older.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(())).unwrap();
    older
        .execute_batch(
            "UPDATE attempts SET state = NULL; ALTER TABLE attempts DROP COLUMN pid; PRAGMA user_version = 1",
        )
        .unwrap();
    let under_way = |sweep| History::open(&file(folder.path())).unwrap().unwrap().under_way(sweep).unwrap();
    assert_eq!((under_way(1).len(), under_way(1)[0].pid), (1, None));
    drop(older);
    sweep(folder.path(), vec![granted("b/0", 1)], "complete");
    assert_eq!((under_way(1)[0].pid, under_way(2)[0].pid), (None, Some(77)));
    assert_eq!(damaged_files(folder.path()), [""; 0].map(PathBuf::from));
    assert!(!beside(&file(folder.path()), "-wal").exists());
}

fn wait_for(what: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(2);
    while !what() {
        assert!(Instant::now() < deadline, "two minutes are over");
        std::thread::sleep(Duration::from_millis(20));
    }
}
