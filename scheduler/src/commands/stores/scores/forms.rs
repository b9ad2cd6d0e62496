//! Forms of tables: text for terminals, CSV, JSON, Markdown and LaTeX.

use std::fmt::Write as _;

use serde_json::json;
use sweep::evaluation::Direction;

use super::table::{Cell, Column, Row, Table};

fn arrow(direction: Direction) -> &'static str {
    match direction {
        Direction::Higher => " ↑",
        Direction::Lower => " ↓",
        Direction::Neither => "",
    }
}

/// Mean and standard error of a cell, and in brackets how many images are undefined.
fn told(cell: &Cell, plus_minus: &str) -> String {
    let Some(mean) = cell.mean else { return "undefined".to_owned() };
    let error = cell.standard_error.map(|error| format!(" {plus_minus} {}", short(error))).unwrap_or_default();
    let undefined = if cell.undefined > 0 { format!(" ({})", cell.undefined) } else { String::new() };
    format!("{}{error}{undefined}", short(mean))
}

/// Four digits, with an exponent where the number is very large or very small.
fn short(number: f64) -> String {
    let size = number.abs();
    if size != 0.0 && !(1e-3..1e5).contains(&size) { format!("{number:.3e}") } else { format!("{number:.4}") }
}

fn rank(row: &Row) -> Option<String> {
    Some(format!("{:.2} ({:.2})", row.mean_rank?, row.rank_spread?))
}

/// Table for a terminal. The best mean of a score has a star.
pub(super) fn text(table: &Table) -> String {
    let mut lines = vec![header(table, arrow)];
    for row in &table.rows {
        let starred = |cell: &Cell| format!("{}{}", told(cell, "±"), if cell.best { "*" } else { "" });
        lines.push(line(row, starred, str::to_owned));
    }
    let widths: Vec<usize> =
        (0..lines[0].len()).map(|at| lines.iter().map(|line| line[at].chars().count()).max().unwrap_or(0)).collect();
    let mut text = format!("{}\n", table.store);
    for line in &lines {
        let cells = line.iter().zip(&widths).map(|(cell, width)| {
            let space = " ".repeat(width.saturating_sub(cell.chars().count()));
            format!("{cell}{space}")
        });
        let _ = writeln!(text, "  {}", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
    text.push_str("  mean ± standard error over images; (n): n images are undefined and left out; *: best\n");
    let missing: u64 = table.rows.iter().flat_map(|row| row.cells.iter().flatten()).map(|cell| cell.missing).sum();
    if missing > 0 {
        let _ = writeln!(text, "  {missing} scores of single images are not there yet");
    }
    text
}

fn header(table: &Table, arrow: impl Fn(Direction) -> &'static str) -> Vec<String> {
    let score = |column: &Column| format!("{}{}", column.score, arrow(column.direction));
    let [first, last] = ["method", "mean rank (spread)"].map(str::to_owned);
    std::iter::once(first).chain(table.columns.iter().map(score)).chain([last]).collect()
}

fn line(row: &Row, cell: impl Fn(&Cell) -> String, method: impl Fn(&str) -> String) -> Vec<String> {
    let cells = row.cells.iter().map(|of| of.as_ref().map_or_else(|| "-".to_owned(), &cell));
    std::iter::once(method(&row.method)).chain(cells).chain([rank(row).unwrap_or_else(|| "-".to_owned())]).collect()
}

/// One line for each store, method and score.
pub(super) fn csv(tables: &[Table]) -> String {
    let mut text = String::from(
        "store,method,score,class,direction,mean,standard_error,median,images,undefined,missing,best,mean_rank,rank_spread\n",
    );
    let number = |number: Option<f64>| number.map(|number| number.to_string()).unwrap_or_default();
    for (table, row) in tables.iter().flat_map(|table| table.rows.iter().map(move |row| (table, row))) {
        for (column, cell) in table.columns.iter().zip(&row.cells) {
            let Some(cell) = cell else { continue };
            let names = [&table.store, &row.method, &column.score, &column.class].map(|name| quoted(name));
            let direction = json!(column.direction);
            let _ = writeln!(
                text,
                "{},{},{},{},{},{},{},{},{}",
                names.join(","),
                direction.as_str().unwrap_or_default(),
                [cell.mean, cell.standard_error, cell.median].map(number).join(","),
                cell.images,
                cell.undefined,
                cell.missing,
                cell.best,
                number(row.mean_rank),
                number(row.rank_spread),
            );
        }
    }
    text
}

/// A field of CSV; names of stores may hold commas.
fn quoted(name: &str) -> String {
    if name.contains([',', '"', '\n']) { format!("\"{}\"", name.replace('"', "\"\"")) } else { name.to_owned() }
}

/// Everything, as JSON.
pub(super) fn json(tables: &[Table]) -> String {
    format!("{:#}\n", json!(tables))
}

/// Tables of Markdown, the best of each score bold.
pub(super) fn markdown(tables: &[Table]) -> String {
    let of = |table: &Table| {
        let row = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let head = header(table, arrow);
        let rule = format!("|{}\n", " --- |".repeat(head.len()));
        let bold = |cell: &Cell| {
            let told = told(cell, "±");
            if cell.best { format!("**{told}**") } else { told }
        };
        let rows = table.rows.iter().map(|of| row(line(of, bold, |method| format!("`{method}`"))));
        format!("## {}\n\n{}{rule}{}", table.store, row(head), rows.collect::<String>())
    };
    tables.iter().map(of).collect::<Vec<_>>().join("\n")
}

/// Tables of LaTeX (package booktabs), the best of each score bold.
pub(super) fn latex(tables: &[Table]) -> String {
    let arrow = |direction| match direction {
        Direction::Higher => " $\\uparrow$",
        Direction::Lower => " $\\downarrow$",
        Direction::Neither => "",
    };
    let of = |table: &Table| {
        let row = |cells: Vec<String>| format!("{} \\\\\n", cells.join(" & "));
        let head = header(table, arrow).into_iter().map(|cell| escaped(&cell)).collect();
        let bold = |cell: &Cell| {
            let told = told(cell, "$\\pm$");
            if cell.best { format!("\\textbf{{{told}}}") } else { told }
        };
        let rows = table.rows.iter().map(|of| row(line(of, bold, escaped))).collect::<String>();
        let columns = "r".repeat(table.columns.len() + 1);
        format!(
            "% {}\n\\begin{{tabular}}{{l{columns}}}\n\\toprule\n{}\\midrule\n{rows}\\bottomrule\n\\end{{tabular}}\n",
            table.store,
            row(head)
        )
    };
    tables.iter().map(of).collect::<Vec<_>>().join("\n")
}

/// Names have underscores, which LaTeX takes for subscripts.
fn escaped(name: &str) -> String {
    name.replace('_', "\\_")
}

#[cfg(test)]
mod tests {
    use super::super::table::tests::table;
    use super::*;

    #[test]
    fn the_text_has_an_arrow_for_the_direction_and_a_star_for_the_best() {
        let text = text(&table());
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[1], "  method  Up ↑                  Down_steps_5 ↓    mean rank (spread)");
        assert_eq!(lines[2], "  A       1.5000 ± 0.5000 (1)*  4.0000 ± 1.0000*  1.25 (0.25)");
        assert_eq!(lines[4], "  C       undefined             -                 -");
    }

    #[test]
    fn the_forms_for_programs_and_papers_say_the_same() {
        let tables = [table()];
        let csv = csv(&tables);
        let lines: Vec<&str> = csv.lines().collect();
        assert_eq!(lines[1], "s,A,Up,Up,higher,1.5,0.5,1.5,2,1,0,true,1.25,0.25");
        assert!(lines.iter().all(|line| line.split(',').count() == 14) && lines.len() == 6, "{csv}");
        let read: serde_json::Value = serde_json::from_str(&json(&tables)).unwrap();
        assert_eq!(read[0]["rows"][0]["cells"][0]["mean"], 1.5);
        assert!(markdown(&tables).contains("| `A` | **1.5000 ± 0.5000 (1)** | **4.0000 ± 1.0000** | 1.25 (0.25) |\n"));
        let latex = latex(&tables);
        assert!(
            latex.contains("Down\\_steps\\_5 $\\downarrow$") && latex.contains("\\textbf{1.5000 $\\pm$ 0.5000 (1)}")
        );
    }
}
