//! Memory and files of the process that calls.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::fields;

/// The file of the program that runs, as a link that the kernel keeps even when the file is replaced.
pub const EXECUTABLE: &str = "/proc/self/exe";

/// Bytes of the host's memory that are resident now; 0 where the kernel does not show them.
pub fn resident() -> u64 {
    of_status("VmRSS:")
}

/// Most bytes of the host's memory that were resident at once, since the last [`forget_peak`]; 0 where the kernel does not show
/// them.
pub fn peak() -> u64 {
    of_status("VmHWM:")
}

/// Sets the peak to what is resident now. Where the kernel does not allow it, the peak stays that of the whole process.
pub fn forget_peak() {
    let _ = fs::write("/proc/self/clear_refs", "5");
}

fn of_status(name: &str) -> u64 {
    fields::bytes(&fs::read_to_string("/proc/self/status").unwrap_or_default(), name).unwrap_or(0)
}

/// Bytes that are resident now, found without allocating any, so that an allocator may call it; `None` where the kernel does
/// not show them.
#[expect(unsafe_code, reason = "a function of the C library")]
pub fn resident_without_allocating() -> Option<u64> {
    let mut text = [0; 128];
    let read = fs::File::open("/proc/self/statm").and_then(|mut file| file.read(&mut text)).ok()?;
    // SAFETY: reads a constant of the system.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    Some(pages(&text[..read])? * u64::try_from(page).ok()?)
}

/// Pages that are resident: the second number of `statm`.
fn pages(statm: &[u8]) -> Option<u64> {
    let second = statm.split(|byte| *byte == b' ').nth(1)?;
    std::str::from_utf8(second).ok()?.parse().ok()
}

/// The file of the library that this process has loaded and whose path contains `name`.
pub fn loaded_library(name: &str) -> Option<PathBuf> {
    library(&fs::read_to_string("/proc/self/maps").ok()?, name)
}

fn library(maps: &str, name: &str) -> Option<PathBuf> {
    let path = maps.lines().find_map(|line| line.split_once('/').filter(|(_, path)| path.contains(name)))?.1;
    Some(Path::new("/").join(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resident_pages_are_the_second_number() {
        assert_eq!(pages(include_bytes!("../tests/recorded/statm")), Some(10_569));
        assert_eq!((pages(b"10875"), pages(b"")), (None, None));
        let memory = std::hint::black_box(vec![1_u8; 16 << 20]);
        assert!(resident_without_allocating().is_some_and(|bytes| bytes > memory.len() as u64));
        assert!(resident() > 16 << 20 && peak() >= 16 << 20);
    }

    #[test]
    fn a_library_is_found_by_a_part_of_its_path() {
        let maps = include_str!("../tests/recorded/maps");
        assert_eq!(library(maps, "libc.so"), Some("/usr/lib/x86_64-linux-gnu/libc.so.6".into()));
        assert_eq!(library(maps, "libtorch_cpu.so"), None);
    }
}
