//! The devices of this machine that a sweep uses: one slot each.

mod visible;

use machine::{cores, processor};
use sweep::config::Devices;

use crate::error::FleetError;
use crate::health::nvml::driver;
use crate::slot::Slot;

#[derive(Clone, Debug)]
struct Gpu {
    uuid: String,
    /// Product name, or the reason why the GPU does not answer.
    name: String,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    /// A program computes on it.
    Busy,
    /// It does not answer.
    Broken,
}

/// The slots that `devices` asks for. GPUs named in `ours` count as idle: workers of this sweep are on them.
///
/// # Errors
/// [`FleetError::Hidden`] if GPUs are wanted and `CUDA_VISIBLE_DEVICES` names one that does not exist.
pub(super) fn slots(devices: &Devices, ours: &[String]) -> Result<Vec<Slot>, FleetError> {
    if matches!(devices, Devices::Cpu { .. }) {
        return choose(devices, ours, || Ok(Vec::new()));
    }
    let gpus = match gpus() {
        Ok(gpus) => Ok(shown(gpus).map_err(|reason| FleetError::Hidden { reason })?),
        Err(reason) => Err(reason),
    };
    choose(devices, ours, || gpus)
}

/// GPUs of `gpus` that the environment lets programs see.
fn shown(gpus: Vec<Gpu>) -> Result<Vec<Gpu>, String> {
    let said = |name| std::env::var(name).ok();
    visible::visible(gpus, said(visible::NAME).as_deref(), said(visible::ORDER).as_deref())
}

/// A sentence on why no GPU is used, where `auto` has found none.
pub(super) fn without_gpu(devices: &Devices, slots: &[Slot]) -> Option<String> {
    if *devices != Devices::Auto || slots.iter().any(|slot| slot.gpu.is_some()) {
        return None;
    }
    let reason = gpus().err().unwrap_or_else(|| match std::env::var(visible::NAME) {
        Ok(said) => format!("{}={said} shows none", visible::NAME),
        Err(_) => "this machine has none".to_owned(),
    });
    Some(format!("no GPU can be used ({reason}): the processor computes, as with `devices: cpu`"))
}

/// A sentence on fewer threads than cores, where the processor computes and the environment limits it.
pub(super) fn limited(slots: &[Slot]) -> Option<String> {
    let (cores, threads) = (cores::cores(), slots.iter().map(|slot| slot.threads).sum::<usize>());
    let is_told = slots.iter().all(|slot| slot.gpu.is_none()) && !cores.said_by.is_empty();
    let plural = if threads == 1 { "" } else { "s" };
    is_told.then(|| {
        format!("the processor computes with {threads} thread{plural}, as {} says", cores.said_by.join(" and "))
    })
}

/// The slots that `devices` asks for, where `gpus` is the driver's answer.
fn choose(
    devices: &Devices,
    ours: &[String],
    gpus: impl FnOnce() -> Result<Vec<Gpu>, String>,
) -> Result<Vec<Slot>, FleetError> {
    match devices {
        Devices::Cpu { workers } => Ok(cpu(*workers)),
        Devices::Gpus(indices) => {
            let gpus = gpus().map_err(|reason| FleetError::NoGpu { reason })?;
            indices.iter().map(|index| chosen(&gpus, *index)).collect()
        }
        Devices::Auto => match gpus() {
            Ok(gpus) if !gpus.is_empty() => idle(&gpus, ours),
            // A machine without GPUs, or without a driver for them.
            _ => Ok(cpu(1)),
        },
    }
}

/// Slots for the idle GPUs of `gpus`. On a machine with GPUs, nobody expects a sweep that takes a hundred times as long on the
/// processor, so without an idle GPU there is an error: the config has to ask for the processor.
fn idle(gpus: &[Gpu], ours: &[String]) -> Result<Vec<Slot>, FleetError> {
    let usable = |gpu: &Gpu| match gpu.state {
        State::Idle => true,
        State::Busy => ours.contains(&gpu.uuid),
        State::Broken => false,
    };
    let idle = gpus.iter().enumerate().filter(|(_, gpu)| usable(gpu));
    let slots: Vec<Slot> = idle.map(|(index, gpu)| slot(index, gpu)).collect();
    if slots.is_empty() {
        let word = |(index, gpu): (usize, &Gpu)| match gpu.state {
            State::Broken => format!("GPU {index} does not answer: {}", gpu.name),
            _ => format!("others work on GPU {index}"),
        };
        let reason = gpus.iter().enumerate().map(word).collect::<Vec<_>>().join("; ");
        return Err(FleetError::NoneIdle { reason });
    }
    Ok(slots)
}

/// Slots for `workers` workers, among which the cores of this process are divided.
fn cpu(workers: usize) -> Vec<Slot> {
    let slot = |(index, threads): (usize, usize)| {
        let plural = if threads == 1 { "" } else { "s" };
        let model = format!("{}, {threads} thread{plural}", processor::product_name());
        Slot { name: format!("cpu:{index}"), model, threads, gpu: None, memory: None }
    };
    cores::cores().shared_by(workers).into_iter().enumerate().map(slot).collect()
}

fn slot(index: usize, gpu: &Gpu) -> Slot {
    let (name, model) = (format!("gpu:{index} ({})", gpu.name), gpu.name.clone());
    Slot { name, model, threads: 1, gpu: Some(gpu.uuid.clone()), memory: None }
}

fn chosen(gpus: &[Gpu], index: u32) -> Result<Slot, FleetError> {
    let gpu = gpus.get(index as usize).ok_or_else(|| {
        let has = (0..gpus.len()).map(|index| index.to_string()).collect::<Vec<_>>().join(", ");
        FleetError::NoSuchGpu { index, has: if has.is_empty() { "none".to_owned() } else { has } }
    })?;
    if gpu.state == State::Broken {
        return Err(FleetError::NoGpu { reason: format!("GPU {index} does not answer: {}", gpu.name) });
    }
    Ok(slot(index as usize, gpu))
}

/// An idle GPU has less than one part in this many of its memory in use (0.5 of 8 GiB), beside what the driver reserves.
const IDLE_PART: u64 = 16;

/// The GPUs that NVML knows, in nvidia-smi's order. The error is one sentence.
fn gpus() -> Result<Vec<Gpu>, String> {
    let nvml = driver()?;
    let count = nvml.device_count().map_err(|error| error.to_string())?;
    let gpu = |index| {
        let device = nvml.device_by_index(index)?;
        // Some virtual GPUs do not tell who works on them, and whose processes are in another container is not told either:
        // memory is, of which a desktop takes less.
        let worked_on = device.running_compute_processes().is_ok_and(|processes| !processes.is_empty());
        let busy = worked_on || device.memory_info().is_ok_and(|memory| memory.used > memory.total / IDLE_PART);
        let state = if busy { State::Busy } else { State::Idle };
        Ok(Gpu { uuid: device.uuid()?, name: device.name()?, state })
    };
    let gpu = |index| {
        let broken = |error: nvml_wrapper::error::NvmlError| Gpu {
            uuid: String::new(),
            name: error.to_string(),
            state: State::Broken,
        };
        gpu(index).unwrap_or_else(broken)
    };
    Ok((0..count).map(gpu).collect())
}

#[cfg(test)]
mod tests;
