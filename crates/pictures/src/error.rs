//! Errors of pictures.

/// Reason for which there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// Values that do not fill the shape.
    #[error("{found} values are no map of {channels} x {height} x {width}")]
    Shape {
        /// Number of values.
        found: usize,
        /// Number of channels.
        channels: usize,
        /// Height in pixels.
        height: usize,
        /// Width in pixels.
        width: usize,
    },
    /// A channel that the map does not have.
    #[error(
        "channel {channel} of a map with {channels} channels, expected `sum`, `mean_abs` or a number below {channels}"
    )]
    Channel {
        /// Channel that was asked for.
        channel: usize,
        /// Number of channels.
        channels: usize,
    },
    /// A word that names nothing.
    #[error("`{found}` is no {what}, expected {expected}")]
    Word {
        /// What the word should name.
        what: &'static str,
        /// The word.
        found: String,
        /// Words that name something.
        expected: String,
    },
    /// A file that could not be encoded.
    #[error("cannot encode a PNG: {0}")]
    Png(#[from] png::EncodingError),
}
