//! Pictures of maps and images: one number a pixel, the value that gets the full colour, the colours, and the file.
//!
//! | where | what |
//! |---|---|
//! | [`Panel`] | one number a pixel, made of the channels of a map |
//! | [`Outliers`], [`full_colour`] | value from which on pixels get the full colour |
//! | [`palettes`] | colour maps, diverging ones for maps with signs and sequential ones for all others |
//! | [`Rgb`] | picture of a panel or of an image, and its PNG |
//! | [`figures`] | sheets of pictures, heat maps, distributions and averages, in SVG |

mod error;
pub mod figures;
pub mod palettes;
mod panel;
mod rgb;
mod scale;
mod undo;

pub use error::PictureError;
pub use palettes::Palette;
pub use panel::{Channels, Panel};
pub use rgb::Rgb;
pub use scale::{Outliers, full_colour};
pub use undo::Undo;
