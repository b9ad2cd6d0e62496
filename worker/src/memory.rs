//! Memory of this process, as Linux counts it.

use std::fs;

/// Bytes that are resident now.
pub(crate) fn resident() -> u64 {
    of_status("VmRSS:")
}

/// Most bytes that were resident at once, since the last [`forget_peak`].
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_remembers_what_was_freed_until_it_is_told_to_forget() {
        const SIZE: usize = 64 << 20;
        let before = resident();
        // Not zeros, which need no memory.
        drop(std::hint::black_box(vec![1_u8; SIZE]));
        assert!(peak() >= before + SIZE as u64 / 2);
        forget_peak();
        assert!(peak() < before + SIZE as u64 / 2);
    }
}
