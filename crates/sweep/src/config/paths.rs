//! `paths`: folders that are read and written. Relative paths start at the working folder.

use std::path::PathBuf;

use crate::yaml::{Fields, read};

/// The folders of a sweep.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paths {
    /// Folder of the files of weights, `weights_<flag>/<model>_<size>_1.pth`.
    pub weights_root: PathBuf,
    /// Folder of the datasets, `<flag>_<size>.npz`, or `<flag>.npz` for 28 px.
    pub data_root: PathBuf,
    /// Folder of mean images.
    pub means_dir: Option<PathBuf>,
    /// Folder of the logs of the scheduler and its workers.
    pub log_dir: PathBuf,
    /// Folder of the stores.
    pub output_dir: PathBuf,
}

impl Paths {
    pub(super) fn read(mut fields: Fields<'_>) -> Self {
        let paths = Self {
            weights_root: fields.required("medmnist_weights_root", read::path).unwrap_or_default(),
            data_root: fields.required("medmnist_data_root", read::path).unwrap_or_default(),
            means_dir: fields.optional("means_dir", read::path),
            log_dir: fields.optional("scheduler_log_dir", read::path).unwrap_or_else(|| "./scheduler_logs/".into()),
            output_dir: fields.required("final_output_dir", read::path).unwrap_or_default(),
        };
        fields.finish();
        paths
    }
}
