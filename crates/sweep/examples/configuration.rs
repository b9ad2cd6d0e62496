//! Prints the configuration reference, docs/configuration.md: `make reference` renews the file.
#![allow(clippy::print_stdout, reason = "printing is what it is for")]

fn main() {
    print!("{}", sweep::config::reference());
}
