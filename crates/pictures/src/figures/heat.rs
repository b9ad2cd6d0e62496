//! Heat maps: one number for each row and column, as a colour and as digits.

use super::svg::{Drawing, Held, width};
use crate::palettes::Palette;

/// Heat map.
#[derive(Debug)]
pub struct Heat<'a> {
    /// Title, for those who cannot see the figure.
    pub title: &'a str,
    /// Names of the rows.
    pub rows: Vec<String>,
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Numbers, row by row; `None` is undefined.
    pub values: Vec<Vec<Option<f64>>>,
    /// Values of the first and the last colour.
    pub range: [f64; 2],
    /// Colours.
    pub palette: &'static Palette,
}

const CELL: [f64; 2] = [38.0, 20.0];
const SIZE: f64 = 9.0;

impl Heat<'_> {
    /// The figure as SVG. Columns have the numbers of their names, which are listed below where they are not those of the rows.
    pub fn svg(&self) -> String {
        let same = self.rows == self.columns;
        let numbered = |(at, name): (usize, &String)| format!("{}  {name}", at + 1);
        let rows: Vec<String> =
            if same { self.rows.iter().enumerate().map(numbered).collect() } else { self.rows.clone() };
        let left = rows.iter().map(|name| width(name, SIZE)).fold(0.0, f64::max) + 8.0;
        let (mut drawing, colours) = (Drawing::default(), self.palette.colours());
        for (column, name) in self.columns.iter().enumerate() {
            let place = (left + (column as f64 + 0.5) * CELL[0], 12.0);
            let fits = !same && self.columns.iter().all(|name| width(name, SIZE) < CELL[0]);
            let number = (column + 1).to_string();
            drawing.text(place, Held::Middle, SIZE, "", if fits { name } else { &number });
        }
        for (row, (name, values)) in rows.iter().zip(&self.values).enumerate() {
            let y = 18.0 + row as f64 * CELL[1];
            drawing.text((left - 6.0, y + 13.0), Held::Right, SIZE, "", name);
            for (column, value) in values.iter().enumerate() {
                self.cell(&mut drawing, &colours, (left + column as f64 * CELL[0], y), *value);
            }
        }
        let mut high = 18.0 + rows.len() as f64 * CELL[1] + 6.0;
        let mut wide = left + self.columns.len() as f64 * CELL[0] + 6.0;
        if !same {
            for line in self.columns.iter().enumerate().map(numbered) {
                high += 12.0;
                drawing.text((left, high), Held::Left, SIZE, "faint", &line);
                wide = wide.max(left + width(&line, SIZE));
            }
        }
        drawing.finish(wide, high + 8.0, self.title)
    }

    fn cell(&self, drawing: &mut Drawing, colours: &[[u8; 3]], (x, y): (f64, f64), value: Option<f64>) {
        let place = (x + CELL[0] / 2.0, y + 13.0);
        let Some(value) = value else {
            return drawing.text(place, Held::Middle, SIZE, "faint", "–");
        };
        let share = ((value - self.range[0]) / (self.range[1] - self.range[0])).clamp(0.0, 1.0);
        let colour = colours.get((share * 255.0).round() as usize).copied().unwrap_or_default();
        drawing.rectangle([x, y, CELL[0] - 1.0, CELL[1] - 1.0], "", Some(colour));
        let [red, green, blue] = colour.map(f64::from);
        let bright = 0.2126 * red + 0.7152 * green + 0.0722 * blue > 128.0;
        drawing.text(place, Held::Middle, SIZE, if bright { "dark" } else { "light" }, &format!("{value:.2}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::palettes::named;

    #[test]
    fn a_cell_has_its_colour_and_its_digits_and_what_is_undefined_has_a_dash() {
        let palette = named(Some("viridis"), false).unwrap();
        let names = vec!["A".to_owned(), "B".to_owned()];
        let values = vec![vec![Some(1.0), None], vec![Some(0.0), Some(9.0)]];
        let heat = Heat { title: "t", rows: names.clone(), columns: names, values, range: [0.0, 1.0], palette };
        let svg = heat.svg();
        let hex = |at: usize| palette.colours()[at].map(|part| format!("{part:02x}")).concat();
        assert_eq!((svg.matches(&hex(255)).count(), svg.matches(&hex(0)).count()), (2, 1));
        assert!(svg.contains(">1.00<") && svg.contains(">–<") && svg.contains(">1  A<"));
    }
}
