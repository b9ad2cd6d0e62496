//! Fields of the texts that the kernel writes.

/// The value of the line that begins with `name`, in bytes; the kernel counts in units of 1024 bytes there.
pub(crate) fn bytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()?.saturating_mul(1024))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found_by_its_whole_name_and_its_value_is_in_bytes() {
        let status = include_str!("../tests/recorded/status");
        assert_eq!(bytes(status, "VmHWM:"), Some(42_360 << 10));
        assert_eq!(bytes(status, "RssAnon:"), Some(39_340 << 10));
        assert_eq!((bytes(status, "Vm:"), bytes(status, "Name:"), bytes("", "VmRSS:")), (None, None, None));
    }
}
