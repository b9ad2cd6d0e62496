//! The kernel that runs: its boot and its host name.

use std::fs;
use std::path::Path;

/// The boot id: a random text that the kernel makes at each start of the machine. Containers on one machine share it, while
/// host names are neither unique nor shared by containers. Empty where the kernel does not show it.
pub fn id() -> String {
    kernel("random/boot_id")
}

/// The name of the host; empty where the kernel does not show it.
pub fn host_name() -> String {
    kernel("hostname")
}

fn kernel(name: &str) -> String {
    fs::read_to_string(Path::new("/proc/sys/kernel").join(name)).unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_boot_and_the_host_have_names_of_one_line() {
        for text in [id(), host_name()] {
            assert!(!text.is_empty() && !text.contains('\n'), "{text:?}");
        }
        assert_eq!(id(), id());
        assert_eq!(kernel("no/such/file"), "");
    }
}
