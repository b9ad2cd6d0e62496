//! The program `preflight`.

use std::process::ExitCode;

fn main() -> ExitCode {
    preflight::program::main()
}
