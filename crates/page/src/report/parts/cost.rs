//! Speed and cost: what the journal of the folder says of devices and of time.

use std::time::{Duration, SystemTime};

use crate::report::History;
use crate::report::error::ReportError;
use crate::report::page::Page;
use crate::report::parts::csv::Csv;
use crate::report::parts::{duration, told};

const DEVICES: [&str; 7] = [
    "device",
    "maps",
    "device hours",
    "computing hours",
    "maps a second of computing maps",
    "written",
    "attempts that failed",
];

const CSV: [&str; 7] =
    ["device", "maps", "held_seconds", "computing_seconds", "mapping_seconds", "bytes", "failed_attempts"];

/// Writes the chapter.
pub(in crate::report) fn cost(page: &mut Page, history: Result<&History, &String>) -> Result<(), ReportError> {
    page.open_chapter("cost", "Speed and cost");
    let history = match history {
        Ok(history) => history,
        Err(reason) => {
            page.text(&format!("Nothing is known of time and devices: {reason}."));
            page.close_chapter();
            return Ok(());
        }
    };
    let held: f64 = history.devices.iter().map(|device| device.held).sum();
    page.text(&format!(
        "{} of {}, by the journal of the folder; a device counts from the granting of a unit to its end.",
        duration(held),
        if history.devices.len() == 1 { "one device".to_owned() } else { format!("{} devices", history.devices.len()) }
    ));
    let mut csv = Csv::new(&CSV);
    let mut rows = Vec::new();
    for of in &history.devices {
        let speed = (of.mapping > 0.0).then(|| of.maps as f64 / of.mapping);
        let hours = |seconds: f64| format!("{:.4}", seconds / 3600.0);
        let written = format!("{:.1} MB", of.bytes as f64 / 1e6);
        rows.push(vec![
            of.device.clone(),
            of.maps.to_string(),
            hours(of.held),
            hours(of.computing),
            told(speed),
            written,
            of.failed.to_string(),
        ]);
        let seconds = [of.held, of.computing, of.mapping].map(|seconds| seconds.to_string());
        let counts = [of.bytes.to_string(), of.failed.to_string()];
        csv.row([of.device.clone(), of.maps.to_string()].into_iter().chain(seconds).chain(counts));
    }
    page.table("devices", &DEVICES, &rows);
    page.table_file("tables/devices.csv", "The table of devices, in seconds and bytes", &csv.text)?;
    let sweep = |of: &super::super::Sweep| {
        let length = of
            .ended
            .map_or_else(|| "not known: it runs, or was killed".to_owned(), |ended| duration(ended - of.started));
        vec![
            time(of.started),
            length,
            of.outcome.clone().unwrap_or_default(),
            of.program.clone(),
            of.config.clone(),
            of.config_sha256.clone(),
        ]
    };
    let sweeps: Vec<Vec<String>> = history.sweeps.iter().map(sweep).collect();
    page.table("sweeps", &["began", "took", "outcome", "program", "config", "SHA-256 of the config"], &sweeps);
    page.text("Not known: energy in kWh, which no part of a sweep measures, and the time of a single method.");
    page.close_chapter();
    Ok(())
}

/// A time since 1970, to a second, in UTC.
fn time(seconds: f64) -> String {
    let since = Duration::try_from_secs_f64(seconds).ok();
    let time = since.and_then(|since| SystemTime::UNIX_EPOCH.checked_add(since));
    // The year 10000 is the first that has no such text.
    let known = time.filter(|_| seconds < 2.5e11);
    known.map_or_else(|| "not known".to_owned(), |time| humantime::format_rfc3339_seconds(time).to_string())
}
