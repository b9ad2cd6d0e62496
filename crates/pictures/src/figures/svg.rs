//! Drawings in SVG: text that stays text, shapes, and pictures that are part of the file.
//!
//! A drawing has no background, and its ink is dark on a light page and light on a dark one, so that a page shows it in either. Programs
//! that know no style sheets draw it in black.

use std::fmt::Write as _;

use crate::error::PictureError;
use crate::rgb::Rgb;

const STYLE: &str = "text{font-family:Helvetica,Arial,'DejaVu Sans',sans-serif;fill:#1b1f24}.faint{fill:#57606a}\
.line{stroke:#57606a;fill:none}.pale{stroke:#d0d7de;fill:none}.wrong{stroke:#c1121f;stroke-width:3;fill:none}.bad{fill:#a40e26}\
.shape{fill:#2166ac;stroke:none}.dark{fill:#1b1f24}.light{fill:#fff}image{image-rendering:pixelated}\
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.faint{fill:#9da7b3}.line{stroke:#9da7b3}.pale{stroke:#3d444d}\
.wrong{stroke:#ff7b72}.bad{fill:#ff9b93}.shape{fill:#6cb0f0}.dark{fill:#1b1f24}.light{fill:#fff}}";

/// Place where a text is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    Left,
    Middle,
    Right,
}

/// A drawing while it is made. Lengths are pixels of a screen.
#[derive(Debug, Default)]
pub(super) struct Drawing {
    body: String,
}

impl Drawing {
    /// Writes a line of text, whose foot is at `y`. `class` is a class of the style sheet, or nothing.
    pub(super) fn text(&mut self, (x, y): (f64, f64), held: Held, size: f64, class: &str, text: &str) {
        let anchor = match held {
            Held::Left => "start",
            Held::Middle => "middle",
            Held::Right => "end",
        };
        let text = escaped(text);
        let _ = writeln!(
            self.body,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size}\" text-anchor=\"{anchor}\" class=\"{class}\">{text}</text>"
        );
    }

    /// Draws a rectangle of a class of the style sheet, or of a colour of its own.
    pub(super) fn rectangle(&mut self, [x, y, width, height]: [f64; 4], class: &str, fill: Option<[u8; 3]>) {
        let fill =
            fill.map(|[red, green, blue]| format!(" fill=\"#{red:02x}{green:02x}{blue:02x}\"")).unwrap_or_default();
        let _ = writeln!(
            self.body,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" class=\"{class}\"{fill}/>"
        );
    }

    /// Draws a line through points; a closed one has a filling.
    pub(super) fn path(&mut self, points: &[(f64, f64)], class: &str, closed: bool) {
        let mut path = String::new();
        for (at, (x, y)) in points.iter().enumerate() {
            let _ = write!(path, "{}{x:.2} {y:.2}", if at == 0 { 'M' } else { 'L' });
        }
        let end = if closed { "Z" } else { "" };
        let _ = writeln!(self.body, "<path d=\"{path}{end}\" class=\"{class}\"/>");
    }

    /// Draws a picture into a rectangle.
    pub(super) fn picture(&mut self, [x, y, width, height]: [f64; 4], picture: &Rgb) -> Result<(), PictureError> {
        let data = base64(&picture.png()?);
        let _ = writeln!(
            self.body,
            "<image x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" preserveAspectRatio=\"none\" \
             style=\"image-rendering:pixelated\" href=\"data:image/png;base64,{data}\"/>"
        );
        Ok(())
    }

    /// The file of a drawing that is so wide and high, with a title for those who cannot see it.
    pub(super) fn finish(self, width: f64, height: f64, title: &str) -> String {
        let title = escaped(title);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" \
             height=\"{height:.0}\" role=\"img\"><title>{title}</title><style>{STYLE}</style>\n{}</svg>\n",
            self.body
        )
    }
}

/// Width of a text of this size, roughly: letters of the usual fonts are half as wide as they are high, and a little more.
pub(super) fn width(text: &str, size: f64) -> f64 {
    text.chars().count() as f64 * size * 0.56
}

/// `text` in lines of so many letters at most, broken behind underscores and spaces, as keys of methods are long. A longer part without
/// either is broken anywhere.
pub(super) fn lines(text: &str, most: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for part in text.split_inclusive(['_', ' ']) {
        let letters: Vec<char> = part.chars().collect();
        for piece in letters.chunks(most.max(1)) {
            let here = lines.last().map_or(0, |line| line.chars().count());
            if here > 0 && here + piece.len() > most {
                lines.push(String::new());
            }
            if let Some(line) = lines.last_mut() {
                line.extend(piece);
            }
        }
    }
    lines
}

/// Text as XML and HTML take it, in an attribute too. Letters that XML does not allow are left out.
pub fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\u{0}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {}
            letter => safe.push(letter),
        }
    }
    safe
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Bytes as text, four letters for three bytes (RFC 4648).
pub fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let at = |index: usize| u32::from(three.get(index).copied().unwrap_or(0));
        let all = at(0) << 16 | at(1) << 8 | at(2);
        for letter in 0..4 {
            let digit = DIGITS[(all >> (18 - 6 * letter) & 63) as usize];
            text.push(if letter <= three.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test vectors of RFC 4648.
    #[test]
    fn bytes_become_the_letters_of_the_standard() {
        let of = |text: &str| base64(text.as_bytes());
        assert_eq!(["", "f", "fo", "foo", "foobar"].map(of), ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYmFy"]);
        assert_eq!(base64(&[0xfb, 0xff]), "+/8=");
    }

    #[test]
    fn a_name_that_is_markup_stays_a_name() {
        assert_eq!(escaped("<b>&\"'\u{1}\n"), "&lt;b&gt;&amp;&quot;&#39;\n");
        let mut drawing = Drawing::default();
        drawing.text((0.0, 0.0), Held::Left, 9.0, "", "</text><script>");
        assert!(!drawing.finish(1.0, 1.0, "<x>").contains("<script>"));
    }

    #[test]
    fn long_names_are_broken_behind_underscores_and_else_anywhere() {
        assert_eq!(lines("Integrated_n_steps_50", 12), ["Integrated_", "n_steps_50"]);
        assert_eq!(lines("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(lines("", 3), [""]);
    }
}
