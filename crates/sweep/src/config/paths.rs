//! `paths`: where things are read and written. Relative ones start at the working directory.

use std::path::PathBuf;

use crate::yaml::{Fields, read};

/// The folders of a sweep.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paths {
    /// Holds `weights_<flag>/<model>_<size>_1.pth`.
    pub weights_root: PathBuf,
    /// Holds `<flag>_<size>.npz`; `<flag>.npz` for 28 px.
    pub data_root: PathBuf,
    /// Holds mean images; `means` unless a config names another folder.
    pub means_dir: PathBuf,
    /// Logs of the scheduler and its workers are written here.
    pub log_dir: PathBuf,
    /// Stores are written here; `outputs` unless a config names another folder.
    pub output_dir: PathBuf,
}

impl Paths {
    pub(super) fn read(mut fields: Fields<'_>) -> Self {
        let paths = Self {
            weights_root: fields.required("medmnist_weights_root", read::path).unwrap_or_default(),
            data_root: fields.required("medmnist_data_root", read::path).unwrap_or_default(),
            means_dir: fields.optional("means_dir", read::path).unwrap_or_else(|| "means".into()),
            log_dir: fields.optional("scheduler_log_dir", read::path).unwrap_or_else(|| "./scheduler_logs/".into()),
            output_dir: fields.optional("final_output_dir", read::path).unwrap_or_else(|| "outputs".into()),
        };
        fields.finish();
        paths
    }
}
