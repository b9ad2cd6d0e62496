//! GPUs of a machine that `CUDA_VISIBLE_DEVICES` leaves visible, by the rules that every CUDA program obeys.
//!
//! CUDA's own rules: <https://docs.nvidia.com/cuda/cuda-c-programming-guide/#cuda-environment-variables>. A list of indices, of UUIDs or
//! their beginnings, or of MIG devices, in the order in which a program counts them. Everything behind `-1` is hidden. CUDA hides
//! everything behind an unknown name too, without a message; here an unknown name is an error.

use super::{Gpu, State};

/// Name of the variable.
pub(super) const NAME: &str = "CUDA_VISIBLE_DEVICES";

/// Name of the variable that says how CUDA counts GPUs: by speed, unless it is `PCI_BUS_ID`, by which the driver counts.
pub(super) const ORDER: &str = "CUDA_DEVICE_ORDER";

/// The GPUs of `gpus` that `said` names, in its order. `order` says how GPUs are counted. The error is one sentence.
pub(super) fn visible(gpus: Vec<Gpu>, said: Option<&str>, order: Option<&str>) -> Result<Vec<Gpu>, String> {
    let Some(said) = said else { return Ok(gpus) };
    let by_index = said.split(',').any(|name| name.trim().parse::<usize>().is_ok());
    if by_index && order != Some("PCI_BUS_ID") && gpus.iter().any(|gpu| gpu.name != gpus[0].name) {
        return Err(format!(
            "{NAME}={said} counts GPUs of several models by their speed, as {ORDER} is not PCI_BUS_ID: set that, or name them by UUID"
        ));
    }
    let mut seen: Vec<Gpu> = Vec::new();
    for name in said.split(',').map(str::trim) {
        // `NoDevFiles` is what Slurm writes for a job without GPUs.
        if name.is_empty() || name == "-1" || name == "NoDevFiles" {
            break;
        }
        let gpu = named(&gpus, name).ok_or_else(|| {
            let has = gpus.iter().enumerate().map(|(index, gpu)| format!("{index} ({})", gpu.uuid)).collect::<Vec<_>>();
            let has = if has.is_empty() { "none".to_owned() } else { has.join(", ") };
            format!("{NAME}={said} names `{name}`; this machine has GPUs: {has}")
        })?;
        if seen.iter().any(|known| known.uuid == gpu.uuid) {
            return Err(format!("{NAME}={said} names `{name}` twice"));
        }
        seen.push(gpu);
    }
    Ok(seen)
}

fn named(gpus: &[Gpu], name: &str) -> Option<Gpu> {
    if let Ok(index) = name.parse::<usize>() {
        return gpus.get(index).cloned();
    }
    if name.starts_with("MIG-") && !gpus.is_empty() {
        // A part of a GPU, which NVML lists below it: whoever was given it has it alone.
        return Some(Gpu { uuid: name.to_owned(), name: name.to_owned(), state: State::Idle });
    }
    let mut fitting = gpus.iter().filter(|gpu| name.starts_with("GPU-") && gpu.uuid.starts_with(name));
    fitting.next().filter(|_| fitting.next().is_none()).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// UUIDs that are left, or a part of what is told.
    type Left<'a> = Result<&'a [&'a str], &'a str>;

    #[test]
    fn what_is_visible_is_counted_in_its_own_order_and_what_is_unknown_is_refused() {
        let gpu = |uuid: &str| Gpu { uuid: uuid.to_owned(), name: "card".to_owned(), state: State::Idle };
        let three = || ["GPU-1a", "GPU-1b", "GPU-2c"].map(gpu).to_vec();
        let table: [(Option<&str>, Left<'_>); 14] = [
            (None, Ok(&["GPU-1a", "GPU-1b", "GPU-2c"])),
            (Some("1"), Ok(&["GPU-1b"])),
            (Some("2, 0"), Ok(&["GPU-2c", "GPU-1a"])),
            (Some(""), Ok(&[])),
            (Some("-1"), Ok(&[])),
            (Some("0,-1,2"), Ok(&["GPU-1a"])),
            (Some("NoDevFiles"), Ok(&[])),
            (Some("GPU-1b"), Ok(&["GPU-1b"])),
            (Some("GPU-2"), Ok(&["GPU-2c"])),
            (Some("MIG-9f"), Ok(&["MIG-9f"])),
            (Some("7"), Err("names `7`; this machine has GPUs: 0 (GPU-1a), 1 (GPU-1b), 2 (GPU-2c)")),
            (Some("GPU-1"), Err("names `GPU-1`; this machine")),
            (Some("first"), Err("names `first`")),
            (Some("1,GPU-1b"), Err("names `GPU-1b` twice")),
        ];
        for (said, expected) in table {
            match (visible(three(), said, None), expected) {
                (Ok(found), Ok(expected)) => {
                    assert_eq!(found.iter().map(|gpu| gpu.uuid.as_str()).collect::<Vec<_>>(), expected, "{said:?}");
                }
                (Err(found), Err(part)) => assert!(found.contains(part), "{said:?}: {found}"),
                (found, _) => panic!("{said:?}: {found:?}"),
            }
        }
    }

    /// Fastest first, CUDA counts otherwise than the driver: index 0 may be somebody else's.
    #[test]
    fn an_index_among_gpus_of_two_models_means_one_only_if_the_order_is_said() {
        let gpu = |name: &str| Gpu { uuid: format!("GPU-{name}"), name: name.to_owned(), state: State::Idle };
        let two = || vec![gpu("slow"), gpu("fast")];
        let told = visible(two(), Some("0"), None).map(|gpus| gpus.len());
        assert!(told.is_err_and(|told| told.contains("CUDA_DEVICE_ORDER is not PCI_BUS_ID")));
        assert_eq!(
            visible(two(), Some("0"), Some("PCI_BUS_ID")).map(|gpus| gpus[0].name.clone()),
            Ok("slow".to_owned())
        );
        assert_eq!(visible(two(), Some("GPU-fast"), None).map(|gpus| gpus.len()), Ok(1));
    }
}
