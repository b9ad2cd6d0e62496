//! A journal's life: written beside a sweep, read by people and commands, damaged in every way.

#![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use journal::{Ended, Event, History, Journal, SweepStart, damaged_files, file};
use rusqlite::Connection;
use sweep::message::Report;

fn start() -> SweepStart {
    let text = |text: &str| text.to_owned();
    SweepStart {
        program: text("test 1"),
        config: text("c.yml"),
        config_sha256: text("00"),
        pid: 7,
        units: 3,
        afresh: false,
    }
}

fn granted(unit: &str, attempt: u32) -> Event {
    Event::Granted { unit: unit.to_owned(), attempt, worker: 1, slot: 0, device: "cpu".to_owned() }
}

fn ended(unit: &str, attempt: u32, how: Ended) -> Event {
    Event::Ended { unit: unit.to_owned(), attempt, how }
}

fn failed(text: &str) -> Ended {
    Ended::Failed { class: "Engine".to_owned(), text: text.to_owned() }
}

fn lost(text: &str) -> Ended {
    Ended::Lost { class: "Crash".to_owned(), text: text.to_owned() }
}

fn done(maps: u64) -> Ended {
    Ended::Done(Report { maps, seconds: 2.0, ..Report::default() })
}

/// One sweep of `events` that ended with `outcome`.
fn sweep(folder: &Path, events: Vec<Event>, outcome: &str) {
    let mut journal = Journal::begin(&file(folder), start());
    for event in events {
        journal.tell(event);
    }
    journal.end(outcome);
}

fn failed_units(folder: &Path) -> Vec<(String, String)> {
    let history = History::open(&file(folder)).unwrap().unwrap();
    history.failed_units().unwrap().into_iter().map(|failed| (failed.unit, failed.error)).collect()
}

#[test]
fn a_unit_has_failed_if_its_last_attempt_has_whatever_came_before_and_in_whatever_sweep() {
    let folder = tempfile::tempdir().unwrap();
    let first = vec![
        granted("a/0", 1),
        ended("a/0", 1, failed("early")),
        granted("a/0", 2),
        ended("a/0", 2, done(4)),
        granted("a/1", 1),
        ended("a/1", 1, failed("late")),
        granted("a/2", 1),
        ended("a/2", 1, lost("signal 9")),
        granted("a/3", 1),
        ended("a/3", 1, lost("signal 11")),
        Event::GivenUp { unit: "a/3".to_owned(), reason: "lost 3 times".to_owned() },
        granted("a/4", 1),
        ended("a/4", 1, Ended::Stopped),
    ];
    sweep(folder.path(), first, "some units failed");
    let told = |unit: &str, error: &str| (unit.to_owned(), error.to_owned());
    assert_eq!(failed_units(folder.path()), [told("a/1", "late"), told("a/3", "lost 3 times")]);
    // Another sweep, killed in the middle of the first and done with the other.
    sweep(folder.path(), vec![granted("a/1", 1), granted("a/3", 1), ended("a/3", 1, done(4))], "complete");
    assert_eq!(failed_units(folder.path()), [told("a/1", "late")]);
    let history = History::open(&file(folder.path())).unwrap().unwrap();
    let last = history.last_sweep().unwrap().unwrap();
    assert_eq!((last.id, last.outcome.as_deref(), last.pid), (2, Some("complete"), 7));
    let speed = history.speed(2).unwrap().unwrap();
    assert!(speed.maps == 4 && speed.seconds >= 2.0, "{speed:?}");
    assert_eq!(damaged_files(folder.path()), [""; 0].map(std::path::PathBuf::from));
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
        // As after a clean end: everything is in the file itself.
        Connection::open(file(folder.path()))
            .unwrap()
            .query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))
            .unwrap();
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
    assert_eq!(fs::read(&damaged_files(folder.path())[0]).unwrap(), before);
    assert_eq!(History::open(&file(folder.path())).unwrap().unwrap().last_sweep().unwrap().unwrap().id, 1);
}

#[test]
fn a_folder_that_cannot_be_written_costs_history_and_neither_time_nor_the_sweep() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("not/there");
    let begun = Instant::now();
    sweep(&nowhere, (0..100).map(|unit| granted(&format!("a/{unit}"), 1)).collect(), "complete");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert!(!nowhere.exists());
}

#[test]
fn what_is_written_can_be_read_while_the_sweep_runs() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::begin(&file(folder.path()), start());
    journal.tell(granted("a/0", 1));
    journal.tell(ended("a/0", 1, failed("now")));
    let deadline = Instant::now() + Duration::from_secs(10);
    let seen = || History::open(&file(folder.path())).ok().flatten().and_then(|history| history.failed_units().ok());
    while seen().is_none_or(|failed| failed.is_empty()) {
        assert!(Instant::now() < deadline, "nothing was written in ten seconds");
        std::thread::sleep(Duration::from_millis(20));
    }
    journal.end("complete");
}

/// The dispatch path tells two events a unit. Measured, not guessed: the figure stands in docs/benchmarks.md.
#[test]
fn telling_the_journal_of_a_unit_takes_less_than_a_hundred_microseconds() {
    const UNITS: u32 = 20_000;
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::begin(&file(folder.path()), start());
    let begun = Instant::now();
    for unit in 0..UNITS {
        let name = format!("dataset-bloodmnist_model-resnet18_noise-clean_split-test/{unit}");
        journal.tell(granted(&name, 1));
        journal.tell(ended(&name, 1, done(1024)));
    }
    let told = begun.elapsed();
    journal.end("complete");
    eprintln!("{:?} a unit on the dispatch path, {:?} a unit written", told / UNITS, begun.elapsed() / UNITS);
    assert!(told / UNITS < Duration::from_micros(100), "{:?} a unit", told / UNITS);
    let written: u32 = Connection::open(file(folder.path()))
        .unwrap()
        .query_row("SELECT count(*) FROM attempts WHERE state = 'done'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(written, UNITS);
}

/// Unit, class and how often.
fn counts(folder: &Path) -> Vec<(String, String, u32)> {
    let history = History::open(&file(folder)).unwrap().unwrap();
    history.counts().unwrap().into_iter().map(|count| (count.unit, count.class, count.times)).collect()
}

#[test]
fn failures_count_across_sweeps_that_were_cut_off_until_the_unit_is_done_or_a_sweep_ends() {
    let folder = tempfile::tempdir().unwrap();
    let crash = |attempt| [granted("a/0", attempt), ended("a/0", attempt, lost("signal 11"))];
    let cut_off = |events: Vec<Event>| {
        let mut journal = Journal::begin(&file(folder.path()), start());
        for event in events {
            journal.tell(event);
        }
        drop(journal);
    };
    sweep(folder.path(), crash(1).to_vec(), "1 units failed");
    assert_eq!(counts(folder.path()), []);
    sweep(folder.path(), [crash(1), crash(2)].concat(), "interrupted");
    let crashed = |times| ("a/0".to_owned(), "Crash".to_owned(), times);
    assert_eq!(counts(folder.path()), [crashed(2)]);
    let other = [granted("a/1", 1), ended("a/1", 1, failed("sizes"))];
    cut_off([crash(1).to_vec(), other.to_vec()].concat());
    let waited = Instant::now();
    while counts(folder.path()).len() < 2 && waited.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(counts(folder.path()), [crashed(3), ("a/1".to_owned(), "Engine".to_owned(), 1)]);
    sweep(folder.path(), vec![granted("a/0", 1), ended("a/0", 1, done(4))], "interrupted");
    assert_eq!(counts(folder.path()), [("a/1".to_owned(), "Engine".to_owned(), 1)]);
    Journal::begin(&file(folder.path()), SweepStart { afresh: true, ..start() }).end("interrupted");
    assert_eq!(counts(folder.path()), []);
}

#[test]
fn a_shard_that_was_given_up_without_a_try_has_failed_and_means_have_not() {
    let folder = tempfile::tempdir().unwrap();
    let given_up = |unit: &str| Event::GivenUp { unit: unit.to_owned(), reason: "bad input".to_owned() };
    sweep(folder.path(), vec![given_up("a/0"), given_up("a/means")], "2 units failed");
    assert_eq!(failed_units(folder.path()), [("a/0".to_owned(), "bad input".to_owned())]);
}
