//! Where a worker runs, and for how long: what its launcher says of it, and what the machine says.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use machine::{boot, cores, gpu_driver, processor};
use protocol::about::About;

use crate::device::memory::Memory;
use crate::device::{Opened, uuid};
use crate::libtorch::LIBTORCH;

/// Words of the launcher.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Place {
    /// Name of the job, in a cluster
    #[arg(long, value_name = "NAME")]
    job: Option<String>,

    /// How often the job was started before
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    restart: u32,

    /// Name of the machine, as its cluster calls it
    #[arg(long, value_name = "NAME")]
    node: Option<String>,

    /// Time at which the job ends, in seconds since 1970; 0 if it has no end
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    ends: u64,
}

impl Place {
    /// Facts about this worker for the scheduler.
    pub(super) fn about(&self, device: &Opened) -> About {
        let on_gpu = device.device.is_cuda();
        let shown = std::env::var("CUDA_VISIBLE_DEVICES").ok().filter(|shown| shown.starts_with("GPU-"));
        // A cluster counts the GPUs of a job anew, so that an index says nothing.
        let gpu = if on_gpu { shown.or_else(uuid::first) } else { None };
        let model = if on_gpu {
            // The driver lists cards, and not slices of one.
            gpu_driver::model(gpu.as_deref().unwrap_or_default()).or_else(|| gpu_driver::model("")).unwrap_or_default()
        } else {
            let plural = if device.threads == 1 { "" } else { "s" };
            format!("{}, {} thread{plural}", processor::product_name(), device.threads)
        };
        About {
            job: self.job.clone(),
            restart: self.restart,
            node: self.node.clone().filter(|node| !node.is_empty()).unwrap_or_else(boot::host_name),
            model,
            gpu,
            threads: device.threads,
            cores: cores::cores().count,
            memory: Memory::of(device.device).limit(),
            ends_in: self.ends_in().map(|left| left.as_secs_f64()),
            pid: std::process::id(),
            host_memory: machine::memory::free(),
            program: env!("CARGO_PKG_VERSION").to_owned(),
            libtorch: LIBTORCH.to_owned(),
            driver: if on_gpu { gpu_driver::version() } else { None },
        }
    }

    /// Time until the job ends; `None` if it has no end.
    pub(crate) fn ends_in(&self) -> Option<Duration> {
        let end = UNIX_EPOCH + Duration::from_secs((self.ends > 0).then_some(self.ends)?);
        Some(end.duration_since(SystemTime::now()).unwrap_or_default())
    }
}
