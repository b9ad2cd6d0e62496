//! Figures for Prometheus, in its text format.

use std::fmt::Write as _;

use axum::http::header;
use axum::response::IntoResponse;

use super::Shown;
use crate::live::Told;

/// Answers with all figures.
pub(super) fn metrics(shown: &Shown) -> impl IntoResponse + use<> {
    let scan = shown.scanner.now();
    let mut text = String::new();
    let complete = scan.stores.iter().filter(|seen| seen.complete).count();
    let cells: Vec<char> = scan.stores.iter().flat_map(|seen| seen.cells.chars()).collect();
    gauge(&mut text, "attrisweep_groups", "Groups whose stores exist.", scan.stores.len() as f64);
    gauge(&mut text, "attrisweep_groups_complete", "Groups whose stores are complete.", complete as f64);
    head(&mut text, "attrisweep_cells", "Variants of groups, by what their stores have.", "gauge");
    for (letter, state) in [('d', "done"), ('p', "part"), ('r', "running"), ('f', "failed"), ('w', "waiting")] {
        let count = cells.iter().filter(|cell| **cell == letter).count();
        let _ = writeln!(text, "attrisweep_cells{{state=\"{state}\"}} {count}");
    }
    if let Some(live) = &shown.live {
        of_sweep(&mut text, &live.told());
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text)
}

/// A line about each device: its labels, and one of its figures.
type Figure = (&'static str, &'static str, fn(&crate::live::Device) -> f64);

const DEVICES: [Figure; 3] = [
    ("attrisweep_device_maps_total", "Maps that the device has made in this run.", |device| device.maps as f64),
    ("attrisweep_device_computing_seconds_total", "Time in which the device computed.", |device| device.computing),
    ("attrisweep_device_written_bytes_total", "Bytes that the device's worker has written.", |device| {
        device.bytes as f64
    }),
];

fn of_sweep(text: &mut String, told: &Told) {
    counter(text, "attrisweep_maps_total", "Maps that this run has made.", told.done as f64);
    gauge(text, "attrisweep_maps_expected", "Maps that this run is to make.", told.maps as f64);
    gauge(
        text,
        "attrisweep_failures",
        "Units that failed in this run and are not done since.",
        told.failed.len() as f64,
    );
    gauge(text, "attrisweep_start_time_seconds", "Beginning of this run, since 1970.", told.began);
    if let Some(left) = told.left {
        gauge(text, "attrisweep_left_seconds", "Forecast of the time that is left.", left);
    }
    for (name, help, figure) in DEVICES {
        head(text, name, help, "counter");
        for device in &told.devices {
            let (slot, name_of) = (device.slot, escaped(&device.name));
            let _ = writeln!(text, "{name}{{slot=\"{slot}\",device=\"{name_of}\"}} {}", figure(device));
        }
    }
    head(text, "attrisweep_device_up", "Whether a worker serves the device.", "gauge");
    for device in &told.devices {
        let (slot, name) = (device.slot, escaped(&device.name));
        let _ = writeln!(text, "attrisweep_device_up{{slot=\"{slot}\",device=\"{name}\"}} {}", u8::from(device.works));
    }
}

fn head(text: &mut String, name: &str, help: &str, kind: &str) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn gauge(text: &mut String, name: &str, help: &str, value: f64) {
    head(text, name, help, "gauge");
    let _ = writeln!(text, "{name} {value}");
}

fn counter(text: &mut String, name: &str, help: &str, value: f64) {
    head(text, name, help, "counter");
    let _ = writeln!(text, "{name} {value}");
}

/// The value of a label, as the format wants it.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
