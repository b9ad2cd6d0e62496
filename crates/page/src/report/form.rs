//! Forms of a report.

/// Form of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A folder with `index.html`.
    Folder,
    /// A zip of such a folder.
    Zip,
    /// One HTML file that has everything in itself.
    OneFile,
}
