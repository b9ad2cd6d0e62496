//! The program `scheduler`.

use std::process::ExitCode;

fn main() -> ExitCode {
    scheduler::programs::scheduler()
}
