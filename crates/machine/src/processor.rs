//! The processor of this machine.

use std::fs;

/// Names of the lines of `/proc/cpuinfo` that decide which instructions a library picks.
const KIND: [&str; 6] = ["vendor_id", "cpu family", "model", "stepping", "microcode", "flags"];

/// The product name of the processor; the name of the architecture where the kernel does not show it.
pub fn product_name() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    named(&text).unwrap_or(std::env::consts::ARCH).to_owned()
}

fn named(text: &str) -> Option<&str> {
    let (_, name) = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'))?;
    Some(name.trim())
}

/// Lines that say of which kind the processor is, instructions and microcode included. Two processors with equal lines compute
/// the same bits. `None` where the kernel does not show them.
pub fn kind() -> Option<Vec<String>> {
    kind_of(&fs::read_to_string("/proc/cpuinfo").ok()?)
}

/// The lines of the first core in `text`: all cores of a machine are of one kind.
fn kind_of(text: &str) -> Option<Vec<String>> {
    let first = text.split("\n\n").next()?;
    let lines = first.lines().filter(|line| KIND.iter().any(|name| line.starts_with(name)));
    Some(lines.map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CPUINFO: &str = include_str!("../tests/recorded/cpuinfo");

    #[test]
    fn the_product_name_is_that_of_the_first_core() {
        assert_eq!(named(CPUINFO), Some("AMD EPYC"));
        assert_eq!(named("processor : 0\nmodel : 17\n"), None);
        assert!(!product_name().is_empty());
    }

    #[test]
    fn the_kind_has_no_line_that_changes_while_the_machine_runs_or_differs_between_cores() {
        let kind = kind_of(CPUINFO).unwrap();
        assert_eq!(kind.len(), 7, "{kind:?}");
        assert!(kind.iter().any(|line| line.starts_with("flags") && line.contains("avx512f")));
        assert!(kind.iter().all(|line| !line.contains("MHz") && !line.starts_with("processor")), "{kind:?}");
    }
}
