//! Colour maps: 256 colours each, the same as those of matplotlib. All are safe for eyes that do not tell red from green.
//!
//! A colour map is one text of hexadecimal colours and one line in [`PALETTES`]. `RdBu_r` and `PuOr` go back to color specifications
//! and designs developed by Cynthia Brewer (<https://colorbrewer.org>); `viridis` and `inferno` are in the public domain (CC0).

use crate::error::PictureError;

/// Colour map.
#[derive(Debug)]
pub struct Palette {
    /// Name that matplotlib has for the colour map.
    pub name: &'static str,
    /// Whether the middle is zero, so that the colour map is one for maps with signs.
    pub diverging: bool,
    /// 256 colours, six hexadecimal digits each.
    text: &'static str,
}

/// Every colour map. The first diverging and the first sequential one are those that are taken unless another is asked for.
pub const PALETTES: [&Palette; 5] = [
    &Palette { name: "RdBu_r", diverging: true, text: include_str!("RdBu_r.txt") },
    &Palette { name: "PuOr", diverging: true, text: include_str!("PuOr.txt") },
    &Palette { name: "inferno", diverging: false, text: include_str!("inferno.txt") },
    &Palette { name: "viridis", diverging: false, text: include_str!("viridis.txt") },
    &Palette { name: "Greys_r", diverging: false, text: include_str!("Greys_r.txt") },
];

/// The colour map called `name`, or the first one of its kind where `name` is one of the other kind or none.
///
/// # Errors
/// [`PictureError::Word`] for a name of no colour map.
pub fn named(name: Option<&str>, signed: bool) -> Result<&'static Palette, PictureError> {
    let known = name.map(|name| PALETTES.into_iter().find(|palette| palette.name == name).ok_or(name));
    let expected = || PALETTES.map(|palette| format!("`{}`", palette.name)).join(", ");
    let unknown = |name: &str| PictureError::Word { what: "colour map", found: name.to_owned(), expected: expected() };
    let known = known.transpose().map_err(unknown)?;
    let first = PALETTES.into_iter().find(|palette| palette.diverging == signed);
    Ok(known.filter(|palette| palette.diverging == signed).or(first).unwrap_or(PALETTES[0]))
}

impl Palette {
    /// The 256 colours, red, green and blue.
    pub fn colours(&self) -> Vec<[u8; 3]> {
        let digits: Vec<u8> =
            self.text.chars().filter_map(|digit| digit.to_digit(16)).map(|digit| digit as u8).collect();
        digits.chunks_exact(6).map(|c| [c[0] << 4 | c[1], c[2] << 4 | c[3], c[4] << 4 | c[5]]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_colour_map_has_256_colours_and_a_diverging_one_is_palest_in_its_middle() {
        for palette in PALETTES {
            let colours = palette.colours();
            assert_eq!(colours.len(), 256, "{}", palette.name);
            let bright = |at: usize| colours[at].iter().map(|part| u32::from(*part)).sum::<u32>();
            if palette.diverging {
                assert!(bright(127) > 700 && bright(0) < 300 && bright(255) < 300, "{}", palette.name);
            } else {
                assert!(bright(255) > bright(0) + 200, "{}", palette.name);
            }
        }
    }

    #[test]
    fn a_sequential_colour_map_is_never_taken_for_a_map_with_signs() {
        assert_eq!(named(Some("inferno"), true).unwrap().name, "RdBu_r");
        assert_eq!(named(Some("viridis"), false).unwrap().name, "viridis");
        assert_eq!(named(None, false).unwrap().name, "inferno");
        assert!(named(Some("jet"), false).is_err());
    }
}
