//! The program `attrisweep`, which is also each of the others if it is called by their names.

use std::process::ExitCode;

fn main() -> ExitCode {
    scheduler::programs::by_name()
}
