//! Slots: places for one worker each.

use std::process::Command;

/// A place for one worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The name in progress and logs.
    pub name: String,
    /// The kind of device, as profiles of preflight name it: two devices of one kind compute equally fast.
    pub model: String,
    /// Threads to compute with, on the processor.
    pub threads: usize,
    /// UUID of the GPU: indices may change at every boot, and CUDA counts otherwise than NVML.
    pub gpu: Option<String>,
    /// Bytes that its worker may hold; enforced on the processor.
    pub memory: Option<u64>,
}

/// Rounds of some 10 ns for which a thread that waits for the others of a kernel keeps its core before it gives it away. GNU's
/// OpenMP takes 300,000, three milliseconds: where others compute on the same cores, each of these waits is one of them.
const SPINS: u32 = 2000;
const SPINS_OF_USER: [&str; 2] = ["GOMP_SPINCOUNT", "OMP_WAIT_POLICY"];

impl Slot {
    /// Arguments that name a worker's device and its limits.
    pub fn arguments(&self) -> Vec<String> {
        let device = if self.gpu.is_some() { "cuda" } else { "cpu" };
        let memory = self.memory.filter(|_| self.gpu.is_none()).map(|bytes| ["--memory".to_owned(), bytes.to_string()]);
        let device = ["--device", device, "--threads", &self.threads.to_string()].map(str::to_owned);
        device.into_iter().chain(memory.into_iter().flatten()).collect()
    }

    /// Words for `env`, which give a worker on another machine what [`Slot::prepare`] gives one on this machine.
    pub(crate) fn environment(&self) -> Vec<String> {
        let told = SPINS_OF_USER.iter().any(|name| std::env::var_os(name).is_some());
        let spins = (!told).then(|| format!("GOMP_SPINCOUNT={SPINS}"));
        let words = ["-u".to_owned(), "NVIDIA_TF32_OVERRIDE".to_owned(), format!("OMP_NUM_THREADS={}", self.threads)];
        words.into_iter().chain(spins).collect()
    }

    /// Sets the environment of `command`: variables that a worker's libraries must find, without those that they must not.
    pub(crate) fn prepare(&self, command: &mut Command) {
        command.env("OMP_NUM_THREADS", self.threads.to_string());
        spin_little(command);
        // `precision` says whether products are rounded to TF32. The driver's libraries would heed this instead:
        // with 0 `tf32` is not, and with 1 `float32` is.
        command.env_remove("NVIDIA_TF32_OVERRIDE");
        if let Some(uuid) = &self.gpu {
            command.env("CUDA_VISIBLE_DEVICES", uuid);
        }
    }
}

/// Makes waiting threads of `command` give their core away soon, unless the user has set otherwise.
pub(crate) fn spin_little(command: &mut Command) {
    if SPINS_OF_USER.iter().all(|name| std::env::var_os(name).is_none()) {
        command.env("GOMP_SPINCOUNT", SPINS.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With 0 the libraries would refuse `precision: tf32`, with 1 they would round what is `float32`.
    #[test]
    fn the_users_word_on_tf32_does_not_reach_a_worker_and_the_slots_devices_do() {
        for gpu in [None, Some("a".to_owned())] {
            let mut command = Command::new("worker");
            command.env("NVIDIA_TF32_OVERRIDE", "1");
            let (name, model) = ("cpu:0".to_owned(), String::new());
            Slot { name, model, threads: 3, gpu: gpu.clone(), memory: None }.prepare(&mut command);
            let of = |name: &str| {
                let found = command.get_envs().find(|(key, _)| *key == name)?.1;
                Some(found.map(|value| value.to_string_lossy().into_owned()))
            };
            assert_eq!(of("NVIDIA_TF32_OVERRIDE"), Some(None), "removed, also where the user's environment has it");
            assert_eq!(of("OMP_NUM_THREADS"), Some(Some("3".to_owned())));
            assert_eq!(of("CUDA_VISIBLE_DEVICES"), gpu.map(Some));
            let users = ["GOMP_SPINCOUNT", "OMP_WAIT_POLICY"].iter().any(|name| std::env::var_os(name).is_some());
            assert_eq!(of("GOMP_SPINCOUNT"), (!users).then(|| Some("2000".to_owned())));
        }
    }
}
