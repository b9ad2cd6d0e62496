//! Exit codes of the worker program: the only list, which worker, scheduler and preflight share.
//!
//! Whoever started a worker takes its code as a hint only: what counts is what the worker has written.

/// Way in which a worker program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExitCode {
    /// The worker was told to stop, or has answered.
    Done = 0,
    /// The arguments are wrong, as clap says it, or the environment is.
    Usage = 2,
    /// A defect of the program.
    Defect = 70,
    /// No connection to the scheduler was made at all.
    Refused = 80,
    /// A request on standard input cannot be computed.
    Request = 81,
    /// The device failed in a way that only a new process mends.
    DeviceLost = 82,
    /// The device cannot be used at all.
    NoDevice = 83,
    /// The connection was lost, or silent, for a lease.
    LeaseLost = 84,
    /// The device has too little memory for the request.
    OutOfMemory = 85,
    /// The host gives no more memory.
    HostMemory = 86,
    /// The process was told to leave (SIGTERM) by somebody else than its scheduler, and did so in order.
    Preempted = 87,
    /// This machine does not see a folder of the sweep.
    Blind = 88,
}

impl ExitCode {
    /// All codes, by rising number.
    pub const ALL: [Self; 12] = [
        Self::Done,
        Self::Usage,
        Self::Defect,
        Self::Refused,
        Self::Request,
        Self::DeviceLost,
        Self::NoDevice,
        Self::LeaseLost,
        Self::OutOfMemory,
        Self::HostMemory,
        Self::Preempted,
        Self::Blind,
    ];

    /// The number that the system is given.
    pub const fn number(self) -> i32 {
        self as i32
    }

    /// The code of that number; `None` for a number that no worker leaves with by itself.
    pub fn of(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.number() == number)
    }

    /// The meaning in words, as `worker --help` prints it.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Done => "told to stop, or answered",
            Self::Usage => "wrong arguments, or a variable of the environment says what is not known",
            Self::Defect => "a defect of this program",
            Self::Refused => "the scheduler could not be reached, or refused the worker",
            Self::Request => "what `probe` was asked for cannot be computed",
            Self::DeviceLost => "the device failed in a way that only a new process mends",
            Self::NoDevice => "the device cannot be used",
            Self::LeaseLost => "the scheduler could not be reached, or was silent, for longer than the lease",
            Self::OutOfMemory => "`probe` was asked for more than the memory of the device holds",
            Self::HostMemory => "the host gives no more memory",
            Self::Preempted => "told to leave by SIGTERM: every unit was given back",
            Self::Blind => "a folder of the sweep is not seen from this machine",
        }
    }

    /// The table of all codes, for `--help`.
    pub fn table() -> String {
        let rows = Self::ALL.map(|code| format!("  {:<2}  {}", code.number(), code.meaning()));
        format!("Exit codes:\n{}", rows.join("\n"))
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code.number() as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scripts of users compare with these numbers.
    #[test]
    fn every_code_has_the_number_that_it_always_had_and_is_found_by_it() {
        let numbers = ExitCode::ALL.map(ExitCode::number);
        assert_eq!(numbers, [0, 2, 70, 80, 81, 82, 83, 84, 85, 86, 87, 88]);
        for code in ExitCode::ALL {
            assert_eq!(ExitCode::of(code.number()), Some(code));
        }
        assert_eq!((ExitCode::of(1), ExitCode::of(-1), ExitCode::of(256)), (None, None, None));
    }

    #[test]
    fn the_table_has_a_line_for_every_code_and_aligns_their_words() {
        let table = ExitCode::table();
        assert_eq!(table.lines().count(), 1 + ExitCode::ALL.len());
        assert!(table.starts_with("Exit codes:\n  0   told to stop, or answered\n  2   wrong arguments"), "{table}");
        assert!(table.ends_with("\n  88  a folder of the sweep is not seen from this machine"), "{table}");
    }
}
