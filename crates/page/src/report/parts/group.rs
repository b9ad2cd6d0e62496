//! Chapter part of one group: its sheet, the statistics of its methods, and its scores.

use crate::report::Wishes;
use crate::report::error::ReportError;
use crate::report::groups::{Found, Known, Reading};
use crate::report::page::Page;
use crate::report::parts::csv::Csv;
use crate::report::parts::{percent, scores, sheets, statistics};

/// Writes what there is to say of a group. Returns whether all of it could be read.
pub(in crate::report) fn group(
    page: &mut Page,
    found: &Found,
    (wishes, open): (&Wishes<'_>, bool),
    methods: &mut Csv,
) -> Result<bool, ReportError> {
    page.open_part(&format!("g{}", found.number), &found.name, open);
    let told = match &found.known {
        Ok(known) => written(page, found, known, (wishes, methods)),
        Err(reason) => Ok(Err(reason.clone())),
    };
    let told = told?;
    if let Err(reason) = &told {
        page.warning(&format!("the store cannot be read: {reason}"));
    }
    page.close_part();
    Ok(told.is_ok())
}

/// The inner error is a store that cannot be read, in a sentence.
fn written(
    page: &mut Page,
    found: &Found,
    known: &Known,
    (wishes, methods): (&Wishes<'_>, &mut Csv),
) -> Result<Result<(), String>, ReportError> {
    let read = || -> Result<_, store::StoreError> {
        let mut reading = Reading::open(&known.group)?;
        let mut sheet = sheets::sheet(format!("Images and maps of {}", found.name), &known.group.variants);
        for image in reading.spread(wishes.images) {
            sheets::add(&mut sheet, &mut reading, &known.group.variants, (None, image))?;
        }
        let statistics = statistics::of(&mut reading, wishes.sample)?;
        Ok((reading.samples.counts(), sheet, statistics))
    };
    let ((predicted, right), sheet, statistics) = match read() {
        Ok(read) => read,
        Err(error) => return Ok(Err(error.to_string())),
    };
    // Of images without labels, or with several, none is right or wrong: nothing is said of them.
    let accuracy = (predicted > 0).then(|| {
        format!("; {right} of {predicted} predicted right ({})", percent(Some(right as f64 / predicted as f64)))
    });
    let [channels, height, width] = known.group.shape;
    page.text(&format!(
        "{} images of {channels} x {height} x {width}, {} classes{}.",
        known.group.images,
        known.group.classes,
        accuracy.unwrap_or_default()
    ));
    if sheet.rows.is_empty() {
        page.warning("no map is written yet");
    } else {
        let caption = format!(
            "Images and maps of {}: {} images, evenly spread over those that are there.",
            found.name,
            sheet.rows.len()
        );
        page.figure(&format!("g{:04}-sheet", found.number), &caption, &sheet.svg(sheets::SIDE)?, None)?;
        statistics.write(page, found, &known.group.variants, methods)?;
    }
    match store::describe(&found.place).and_then(|described| described.map(|of| (wishes.scores)(&of)).transpose()) {
        Ok(scores) => scores::write(page, found, scores.flatten())?,
        Err(error) => return Ok(Err(error.to_string())),
    }
    Ok(Ok(()))
}
