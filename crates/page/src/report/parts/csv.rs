//! Tables as CSV (RFC 4180): one head, and one line for each row.

/// Table while it is made.
pub(in crate::report) struct Csv {
    pub(in crate::report) text: String,
}

impl Csv {
    /// Table with these columns.
    pub(in crate::report) fn new(head: &[&str]) -> Self {
        Self { text: format!("{}\n", head.join(",")) }
    }

    /// Adds a row.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let cells: Vec<String> = cells.into_iter().map(|cell| quoted(&cell)).collect();
        self.text.push_str(&cells.join(","));
        self.text.push('\n');
    }
}

/// A number with all its digits; nothing where there is none.
pub(super) fn number(number: Option<f64>) -> String {
    number.map(|number| number.to_string()).unwrap_or_default()
}

fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_commas_and_quotes_stay_one_field() {
        let mut csv = Csv::new(&["a", "b"]);
        csv.row(["x,\"y\"".to_owned(), number(Some(0.25))]);
        csv.row([number(None), "z".to_owned()]);
        assert_eq!(csv.text, "a,b\n\"x,\"\"y\"\"\",0.25\n,z\n");
    }
}
