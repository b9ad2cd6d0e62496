//! What was found in a store, as text.

use std::fmt::Write as _;

use super::examine::Examined;

/// Lines on one store.
pub(super) fn text(examined: &Examined<'_>) -> String {
    let (place, images) = (examined.theirs.place.display(), examined.theirs.group.images);
    if let Some(reason) = &examined.refused {
        return format!("{place}: not adopted: {reason}\n");
    }
    let maps = examined.maps.len();
    let mut text = format!("{place}: {images} images x {maps} maps of another program are adopted\n");
    for sentence in &examined.checked {
        let _ = writeln!(text, "  checked          {sentence}");
    }
    for sentence in &examined.not_vouched_for {
        let _ = writeln!(text, "  not vouched for  {sentence}");
    }
    for (key, reason) in &examined.lacking {
        let _ = writeln!(text, "  computed beside  {key}: {reason}");
    }
    text
}
