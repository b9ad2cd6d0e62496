//! Memory of the host that is resident for this process, as the kernel counts it.

use std::fs;

/// Bytes of the host's memory that are resident now.
pub(crate) fn now() -> u64 {
    of_status("VmRSS:")
}

/// Most bytes of the host's memory that were resident at once, since the last [`forget_peak`].
pub(crate) fn peak() -> u64 {
    of_status("VmHWM:")
}

/// Lets the peak be what is resident now. Where the kernel does not allow it, the peak stays that of the whole process.
pub(crate) fn forget_peak() {
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// A line of `/proc/self/status`, which counts in units of 1024 bytes; 0 where there is none.
fn of_status(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let value = status.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse::<u64>().ok());
    value.unwrap_or(0) * 1024
}
