//! Sheets: images with their maps in rows and columns, as SVG with text, or as one PNG of the pictures alone.

use super::svg::{Drawing, Held, lines, width};
use crate::error::PictureError;
use crate::palettes::Palette;
use crate::rgb::Rgb;

/// Sheet of pictures.
#[derive(Debug, Default)]
pub struct Sheet {
    /// Title, for those who cannot see the sheet and for lists of files.
    pub title: String,
    /// Titles of the columns.
    pub columns: Vec<String>,
    /// Rows from the top.
    pub rows: Vec<Row>,
    /// Colour maps of the sheet.
    pub bars: Vec<Bar>,
    /// Sentences below the sheet.
    pub notes: Vec<String>,
}

/// Row of a sheet.
#[derive(Debug, Default)]
pub struct Row {
    /// Lines of text at the left.
    pub head: Vec<String>,
    /// Pictures, one for each column.
    pub tiles: Vec<Tile>,
}

/// Field of a sheet.
#[derive(Debug)]
pub enum Tile {
    /// A picture.
    Picture {
        /// The picture, one pixel for each value.
        picture: Rgb,
        /// Text below it.
        below: String,
        /// Whether it has the frame of what is wrong.
        wrong: bool,
    },
    /// Reason for which there is no picture.
    Missing(String),
}

/// Colour map of a sheet, with the values at its ends.
#[derive(Debug)]
pub struct Bar {
    /// The colour map.
    pub palette: &'static Palette,
    /// Value of the first and of the last colour, as text.
    pub ends: [String; 2],
}

/// Pixels of a screen between two pictures, and of a line of text.
const GAP: f64 = 8.0;
const LINE: f64 = 11.0;
/// Size of text.
const SIZE: f64 = 9.0;
/// Width and height of a colour bar.
const BAR: [f64; 2] = [120.0, 9.0];
/// Colour of the PNG between pictures.
const PAPER: u8 = 255;

impl Sheet {
    /// The sheet as SVG, whose pictures are `side` pixels wide.
    ///
    /// # Errors
    /// [`PictureError::Png`] for a picture without pixels.
    pub fn svg(&self, side: f64) -> Result<String, PictureError> {
        let letters = (side / (SIZE * 0.56)) as usize;
        let titles: Vec<Vec<String>> = self.columns.iter().map(|title| lines(title, letters)).collect();
        let heads = self.rows.iter().flat_map(|row| &row.head);
        let left = heads.map(|line| width(line, SIZE)).fold(0.0, f64::max) + GAP;
        let high = titles.iter().map(Vec::len).max().unwrap_or(0) as f64 * LINE;
        let mut drawing = Drawing::default();
        for (column, title) in titles.iter().enumerate() {
            let x = left + column as f64 * (side + GAP) + side / 2.0;
            for (at, line) in title.iter().enumerate() {
                let y = high - (title.len() - at) as f64 * LINE + LINE - 3.0;
                drawing.text((x, y), Held::Middle, SIZE, "", line);
            }
        }
        let mut y = high;
        for row in &self.rows {
            y += Self::row(&mut drawing, row, (left, y), side)?;
        }
        let wide = left + self.columns.len() as f64 * (side + GAP);
        y = self.foot(&mut drawing, y + GAP, wide)?;
        Ok(drawing.finish(wide.max(320.0), y, &self.title))
    }

    /// Draws a row, and gives its height.
    fn row(drawing: &mut Drawing, row: &Row, (left, y): (f64, f64), side: f64) -> Result<f64, PictureError> {
        let height = |tile: &Tile| match tile {
            Tile::Picture { picture, .. } => side * picture.height as f64 / picture.width.max(1) as f64,
            Tile::Missing(_) => 0.0,
        };
        let high = row.tiles.iter().map(height).fold(0.0, f64::max);
        let high = if high > 0.0 { high } else { side };
        for (at, line) in row.head.iter().enumerate() {
            drawing.text((0.0, y + (at + 1) as f64 * LINE), Held::Left, SIZE, "", line);
        }
        for (column, tile) in row.tiles.iter().enumerate() {
            let x = left + column as f64 * (side + GAP);
            match tile {
                Tile::Picture { picture, below, wrong } => {
                    drawing.picture([x, y, side, height(tile)], picture)?;
                    if *wrong {
                        drawing.rectangle([x - 1.5, y - 1.5, side + 3.0, height(tile) + 3.0], "wrong", None);
                    }
                    drawing.text((x + side / 2.0, y + high + LINE - 1.0), Held::Middle, SIZE, "faint", below);
                }
                Tile::Missing(reason) => {
                    drawing.rectangle([x, y, side, high], "pale", None);
                    for (at, line) in lines(reason, (side / (SIZE * 0.6)) as usize).iter().enumerate() {
                        let place = (x + side / 2.0, y + high / 2.0 + at as f64 * LINE);
                        drawing.text(place, Held::Middle, SIZE, "faint", line);
                    }
                }
            }
        }
        Ok(high.max(row.head.len() as f64 * LINE) + LINE + GAP)
    }

    /// Draws colour bars and notes from `y` on, and gives the height of the whole.
    fn foot(&self, drawing: &mut Drawing, mut y: f64, wide: f64) -> Result<f64, PictureError> {
        for bar in &self.bars {
            let [low, full] = &bar.ends;
            let x = width(low, SIZE) + GAP;
            drawing.text((0.0, y + SIZE), Held::Left, SIZE, "", low);
            drawing.picture([x, y, BAR[0], BAR[1]], &Rgb::of_palette(bar.palette))?;
            drawing.text((x + BAR[0] + GAP, y + SIZE), Held::Left, SIZE, "", full);
            y += LINE + GAP;
        }
        let letters = (wide.max(320.0) / (SIZE * 0.56)) as usize;
        for line in self.notes.iter().flat_map(|note| lines(note, letters)) {
            y += LINE;
            drawing.text((0.0, y), Held::Left, SIZE, "faint", &line);
        }
        Ok(y + GAP)
    }

    /// The pictures alone as one PNG: each of their pixels is a square of `times` x `times` pixels, with 4 pixels of white between
    /// pictures. What is missing is white.
    ///
    /// # Errors
    /// [`PictureError::Png`] for a sheet without pictures.
    pub fn png(&self, times: usize) -> Result<Vec<u8>, PictureError> {
        let pictures = || self.rows.iter().flat_map(|row| &row.tiles).filter_map(Tile::picture);
        let wide = pictures().map(|picture| picture.width).max().unwrap_or(0) * times + 4;
        let high = pictures().map(|picture| picture.height).max().unwrap_or(0) * times + 4;
        let columns = self.rows.iter().map(|row| row.tiles.len()).max().unwrap_or(0);
        let (width, height) = ((columns * wide).saturating_sub(4), (self.rows.len() * high).saturating_sub(4));
        let mut all = Rgb { height, width, bytes: vec![PAPER; width * height * 3] };
        for (row, tiles) in self.rows.iter().enumerate() {
            for (column, picture) in tiles.tiles.iter().enumerate().filter_map(|(at, tile)| Some((at, tile.picture()?)))
            {
                all.put(picture, (column * wide, row * high), times);
            }
        }
        all.png()
    }
}

impl Tile {
    /// Width of the picture, in pixels of its own; 0 where there is none.
    pub fn width(&self) -> usize {
        self.picture().map_or(0, |picture| picture.width)
    }

    /// Height of the picture, in pixels of its own; 0 where there is none.
    pub fn height(&self) -> usize {
        self.picture().map_or(0, |picture| picture.height)
    }

    fn picture(&self) -> Option<&Rgb> {
        match self {
            Self::Picture { picture, .. } => Some(picture),
            Self::Missing(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tile(bytes: &[u8]) -> Tile {
        let picture = Rgb { height: 1, width: bytes.len() / 3, bytes: bytes.to_vec() };
        Tile::Picture { picture, below: "0.1".to_owned(), wrong: true }
    }

    fn sheet() -> Sheet {
        let row = Row {
            head: vec!["#0".to_owned()],
            tiles: vec![tile(&[9, 8, 7, 1, 2, 3]), Tile::Missing("<none>".to_owned())],
        };
        let bar = Bar { palette: crate::palettes::PALETTES[0], ends: ["-1".to_owned(), "1".to_owned()] };
        let columns = vec!["image".to_owned(), "A & B".to_owned()];
        Sheet { title: "t".to_owned(), columns, rows: vec![row], bars: vec![bar], notes: vec!["note".to_owned()] }
    }

    #[test]
    fn the_text_of_a_sheet_stays_text_and_its_pictures_are_in_the_file() {
        let svg = sheet().svg(64.0).unwrap();
        for part in ["A &amp; B", "&lt;none&gt;", "note", "data:image/png;base64,iVBOR", "class=\"wrong\""] {
            assert!(svg.contains(part), "{part}: {svg}");
        }
        assert_eq!(svg.matches("<image").count(), 2);
    }

    #[test]
    fn a_pixel_becomes_a_square_and_pictures_keep_a_distance() {
        let png = sheet().png(2).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut bytes).unwrap();
        // Two fields of 2 x 2 pixels wide, and 4 between them; one row of 1 x 2.
        assert_eq!((info.width, info.height), (12, 2));
        assert_eq!(bytes[36..36 + 15], [9, 8, 7, 9, 8, 7, 1, 2, 3, 1, 2, 3, 255, 255, 255]);
        assert!(Sheet::default().png(2).is_err());
    }
}
