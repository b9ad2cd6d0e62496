//! Scores of a group: a table, a figure of averages for each score, and the ranks of the methods.

use pictures::figures::{Average, Heat, averages, short};
use pictures::palettes;
use sweep::evaluation::Direction;

use crate::report::error::ReportError;
use crate::report::groups::Found;
use crate::report::page::Page;
use crate::report::parts::told;
use crate::report::{Score, Scores};

/// Writes the scores of a group; a group without any says so.
pub(super) fn write(page: &mut Page, found: &Found, scores: Option<Scores>) -> Result<(), ReportError> {
    page.title("Scores");
    let Some(scores) = scores.filter(|scores| !scores.rows.is_empty()) else {
        page.text("The store has no scores: its config asked for no metrics.");
        return Ok(());
    };
    let missing: u64 =
        scores.rows.iter().flat_map(|(_, cells, _)| cells.iter().flatten()).map(|cell| cell.missing).sum();
    if missing > 0 {
        page.warning(&format!("{missing} scores of single images are not there yet"));
    }
    let head: Vec<String> = std::iter::once("method".to_owned())
        .chain(scores.columns.iter().map(|(name, direction)| format!("{name}{}", arrow(*direction))))
        .chain(["mean rank".to_owned()])
        .collect();
    let head: Vec<&str> = head.iter().map(String::as_str).collect();
    let rows: Vec<Vec<String>> = scores.rows.iter().map(row).collect();
    page.table("mean ± standard error over images; (n): n images are undefined; ★ the best mean; ↑ high is good, ↓ low is good", &head, &rows);
    page.table_file(&format!("tables/g{:04}-scores.csv", found.number), "Scores with medians and ranks", &scores.csv)?;
    for (at, (name, direction)) in scores.columns.iter().enumerate() {
        let all: Vec<Average> =
            scores.rows.iter().filter_map(|(method, cells, _)| average(method, cells[at])).collect();
        let caption = format!("{name}{}: means and standard errors over images.", arrow(*direction));
        page.figure(&format!("g{:04}-score-{}", found.number, at + 1), &caption, &averages(&caption, &all), None)?;
    }
    ranks(page, found, &scores)
}

fn arrow(direction: Direction) -> &'static str {
    match direction {
        Direction::Higher => " ↑",
        Direction::Lower => " ↓",
        Direction::Neither => "",
    }
}

fn row((method, cells, rank): &(String, Vec<Option<Score>>, Option<f64>)) -> Vec<String> {
    let cell = |cell: &Option<Score>| {
        let Some(cell) = cell else { return "–".to_owned() };
        let Some(mean) = cell.mean else { return "undefined".to_owned() };
        let error = cell.standard_error.map(|error| format!(" ± {}", short(error))).unwrap_or_default();
        let undefined = if cell.undefined > 0 { format!(" ({})", cell.undefined) } else { String::new() };
        format!("{}{error}{undefined}{}", short(mean), if cell.best { " ★" } else { "" })
    };
    std::iter::once(method.clone()).chain(cells.iter().map(cell)).chain([told(*rank)]).collect()
}

fn average(method: &str, cell: Option<Score>) -> Option<Average> {
    let Score { mean, standard_error: error, best, .. } = cell?;
    Some(Average { name: method.to_owned(), mean, error, best })
}

/// Draws the rank of each method by each score that has a direction, 1 for the best.
fn ranks(page: &mut Page, found: &Found, scores: &Scores) -> Result<(), ReportError> {
    let directed: Vec<usize> =
        (0..scores.columns.len()).filter(|at| scores.columns[*at].1 != Direction::Neither).collect();
    if directed.is_empty() || scores.rows.len() < 2 {
        return Ok(());
    }
    let rank = |at: usize, method: usize| {
        let sign = if scores.columns[at].1 == Direction::Higher { -1.0 } else { 1.0 };
        let mean = |row: usize| Some(sign * scores.rows[row].1[at]?.mean?);
        let own = mean(method)?;
        let others = || (0..scores.rows.len()).filter_map(mean);
        let (better, equal) =
            (others().filter(|other| *other < own).count(), others().filter(|other| *other == own).count());
        Some(better as f64 + (equal + 1) as f64 / 2.0)
    };
    let values = (0..scores.rows.len()).map(|method| directed.iter().map(|at| rank(*at, method)).collect()).collect();
    let caption = "Rank of each method by each score, 1 for the best mean; methods with equal means share their rank.";
    let heat = Heat {
        title: caption,
        rows: scores.rows.iter().map(|(method, ..)| method.clone()).collect(),
        columns: directed.iter().map(|at| scores.columns[*at].0.clone()).collect(),
        values,
        // The best rank has the last colour, which is bright.
        range: [scores.rows.len() as f64, 1.0],
        palette: palettes::named(Some("viridis"), false)?,
    };
    page.figure(&format!("g{:04}-ranks", found.number), caption, &heat.svg(), None)
}
