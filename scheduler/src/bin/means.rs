//! The program `means`.

use std::process::ExitCode;

fn main() -> ExitCode {
    scheduler::programs::means()
}
