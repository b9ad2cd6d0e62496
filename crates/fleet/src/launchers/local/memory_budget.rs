//! Memory budgets of workers: bytes that are free now.

use machine::{memory, process};
use nvml_wrapper::enums::device::UsedGpuMemory;
use nvml_wrapper::struct_wrappers::device::ProcessInfo;

use super::super::launcher::Survivor;
use crate::health::nvml::driver;
use crate::slot::Slot;

/// Share of the host's free memory that all workers together may take: the scheduler and other programs need memory too.
const SHARE: f64 = 0.9;

/// Bytes of the GPU called `uuid` that are free or held by a worker of `ours`.
fn of_gpu(uuid: &str, ours: &[Survivor]) -> Option<u64> {
    let device = driver().ok()?.device_by_uuid(uuid).ok()?;
    let free = device.memory_info().ok()?.free;
    let ours: Vec<u32> =
        ours.iter().filter(|one| one.gpu.as_deref() == Some(uuid)).filter_map(|one| one.ticket.pid).collect();
    let processes = if ours.is_empty() { Vec::new() } else { device.running_compute_processes().unwrap_or_default() };
    Some(free.saturating_add(held(&processes, &ours)))
}

/// Bytes that the processes `ours` hold, among all processes in `work` on a GPU. In a container the driver has other ids for
/// processes: a single process on the GPU is ours then, and of several nobody knows.
fn held(work: &[ProcessInfo], ours: &[u32]) -> u64 {
    let bytes = |process: &ProcessInfo| match process.used_gpu_memory {
        UsedGpuMemory::Used(bytes) => bytes,
        UsedGpuMemory::Unavailable => 0,
    };
    match (work, ours) {
        ([only], [_]) => bytes(only),
        _ => work.iter().filter(|process| ours.contains(&process.pid)).map(bytes).sum(),
    }
}

/// Bytes that the worker of each of `slots` may take: the free bytes of its GPU, or an equal share of the host's free bytes. Bytes
/// that living workers of this sweep hold, `ours`, count as free.
pub fn budgets(slots: &[Slot], ours: &[Survivor]) -> Vec<Option<u64>> {
    let host = slots.iter().filter(|slot| slot.gpu.is_none()).count().max(1) as u64;
    let share = memory::free().map(|free| share(free, held_of_host(ours), host));
    slots.iter().map(|slot| slot.gpu.as_deref().map_or(share, |uuid| of_gpu(uuid, ours))).collect()
}

/// Bytes of the host's memory that the workers `ours` on the processor hold.
fn held_of_host(ours: &[Survivor]) -> u64 {
    ours.iter().filter(|one| one.gpu.is_none()).filter_map(|one| one.ticket.pid).map(process::anonymous_memory).sum()
}

/// Bytes for each of `workers` on the processor, where `free` bytes are free and `held` are theirs already.
fn share(free: u64, held: u64, workers: u64) -> u64 {
    ((free + held) as f64 * SHARE) as u64 / workers
}

#[cfg(test)]
mod tests {
    use super::super::super::job::Ticket;
    use super::*;

    #[test]
    fn workers_on_the_cpu_share_what_is_free() {
        let slot = |index: usize| Slot {
            name: format!("cpu:{index}"),
            model: String::new(),
            threads: 1,
            gpu: None,
            memory: None,
        };
        let (one, two) = (budgets(&[slot(0)], &[]), budgets(&[slot(0), slot(1)], &[]));
        let (one, two) = (one[0].unwrap(), two[1].unwrap());
        // What is free changes between the two calls.
        assert!(one > two && (1.5..2.5).contains(&(one as f64 / two as f64)), "{one} {two}");
    }

    fn process(pid: u32, bytes: u64) -> ProcessInfo {
        let used_gpu_memory = UsedGpuMemory::Used(bytes);
        ProcessInfo { pid, used_gpu_memory, gpu_instance_id: None, compute_instance_id: None }
    }

    #[test]
    fn what_a_worker_of_ours_holds_of_a_gpu_is_not_others_as_far_as_it_can_be_told_from_theirs() {
        let both = [process(7, 100), process(8, 40)];
        assert_eq!((held(&both, &[7]), held(&both, &[7, 8]), held(&both, &[])), (100, 140, 0));
        // Of other ids than ours are two somebody's, and one is ours.
        assert_eq!((held(&both, &[1]), held(&both[..1], &[1]), held(&both[..1], &[])), (0, 100, 0));
    }

    #[test]
    fn what_a_worker_of_ours_holds_of_the_host_counts_as_free() {
        let of = |pid| Survivor { ticket: Ticket { name: String::new(), pid: Some(pid) }, gpu: None };
        let (own, gone) = (of(std::process::id()), of(u32::MAX));
        let elsewhere = Survivor { gpu: Some("a".into()), ..own.clone() };
        let memory = std::hint::black_box(vec![1_u8; 64 << 20]);
        assert!((64 << 20..1 << 40).contains(&held_of_host(&[own, gone.clone()])), "{}", memory.len());
        assert_eq!(held_of_host(&[gone, elsewhere]), 0);
        assert_eq!((share(900, 100, 1), share(900, 100, 3)), (900, 300));
    }
}
