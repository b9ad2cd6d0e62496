//! Arguments that several commands share.

use std::path::PathBuf;

use plan::Wishes;

use crate::tell::Manner;

/// The config that a command is about.
#[derive(Debug, clap::Args)]
pub(crate) struct ConfigArg {
    /// Config file of the sweep
    #[arg(long, value_name = "YAML", default_value = sweep::config::DEFAULT_FILE, value_hint = clap::ValueHint::FilePath)]
    pub(crate) config: PathBuf,

    /// As the sweep was given it: at most so many images of each split
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) limit: Option<u64>,

    /// As the sweep was given it: folder of the stores
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub(crate) output: Option<PathBuf>,
}

/// Arguments of a run.
#[derive(Debug, clap::Args)]
pub(crate) struct SweepArgs {
    /// Config file of the sweep
    #[arg(long, value_name = "YAML", default_value = sweep::config::DEFAULT_FILE, value_hint = clap::ValueHint::FilePath)]
    pub(crate) config: PathBuf,

    /// Check the config and the files that it names, tell what there is to do, and stop
    #[arg(long)]
    pub(crate) check: bool,

    /// Address on which workers call back; port 0 takes a free one
    ///
    /// Every worker must show a token that only this scheduler's workers are handed.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:0", env = "ATTRISWEEP_LISTEN")]
    pub(crate) listen: String,

    /// What a worker on the CPU may hold, such as 2GiB, whatever the config says; enforced
    #[arg(long, value_name = "SIZE", value_parser = sweep::memory::parse)]
    pub(crate) memory: Option<u64>,

    /// At most so many images of each split
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) limit: Option<u64>,

    /// Folder of the stores, whatever the config says
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub(crate) output: Option<PathBuf>,

    /// Compute on this GPU only, as nvidia-smi counts them, whatever the config says
    #[arg(long, value_name = "INDEX")]
    pub(crate) gpu_id: Option<u32>,

    /// File of batch sizes, whatever the config says; the profile lies beside it
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(crate) results: Option<PathBuf>,

    /// Worker program, if it is not beside this one
    #[arg(long, value_name = "FILE", env = "ATTRISWEEP_WORKER")]
    pub(crate) worker: Option<PathBuf>,

    /// Serve a page that shows the sweep, on this machine alone unless the config says more
    #[arg(long, value_name = "PORT", num_args = 0..=1, require_equals = true, default_missing_value = "0")]
    pub(crate) page: Option<u16>,

    /// Tell failures, warnings and errors alone
    #[arg(long)]
    pub(crate) quiet: bool,

    /// Tell progress, failures and the end as JSON on standard output, one object a line
    #[arg(long, conflicts_with_all = ["quiet", "check"])]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) logs: logs::Args,

    /// Seconds without a word after which a worker is taken for lost
    #[arg(long, value_name = "SECONDS", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) lease: u64,
}

impl SweepArgs {
    /// The command line that has these arguments.
    pub(crate) fn words(&self) -> Vec<String> {
        let path = |name: &str, path: &PathBuf| format!("--{name}={}", path.display());
        let optional = [
            self.output.as_ref().map(|folder| path("output", folder)),
            self.worker.as_ref().map(|file| path("worker", file)),
            self.page.map(|port| format!("--page={port}")),
            self.quiet.then(|| "--quiet".to_owned()),
            self.json.then(|| "--json".to_owned()),
        ];
        let always =
            [path("config", &self.config), format!("--listen={}", self.listen), format!("--lease={}", self.lease)];
        always.into_iter().chain(self.wanted()).chain(optional.into_iter().flatten()).chain(self.logs.words()).collect()
    }

    /// The arguments that say what is computed and in which batches, beside the config: where they differ, it is another sweep.
    pub(crate) fn wanted(&self) -> Vec<String> {
        let wanted = [
            self.memory.map(|bytes| format!("--memory={bytes}B")),
            self.limit.map(|limit| format!("--limit={limit}")),
            self.gpu_id.map(|gpu| format!("--gpu-id={gpu}")),
            self.results.as_ref().map(|file| format!("--results={}", file.display())),
        ];
        wanted.into_iter().flatten().collect()
    }

    /// How much is told while the sweep runs.
    pub(crate) fn manner(&self) -> Manner {
        match (self.quiet, self.json) {
            (true, _) => Manner::Quiet,
            (_, true) => Manner::Json,
            _ => Manner::Told,
        }
    }

    /// Wishes of the command line that count before the config.
    pub(crate) fn wishes(&self) -> Wishes {
        Wishes {
            memory: self.memory,
            gpu: self.gpu_id,
            limit: self.limit,
            output: self.output.clone(),
            results: self.results.clone(),
            ..Wishes::default()
        }
    }
}
