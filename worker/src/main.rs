//! The worker: one process per device, the only program with libtorch.
//!
//! The scheduler starts it, checks configs with its `catalogue` and `inspect`, and hands it units
//! over TCP. It can be killed at any moment: what it has written is whole, the rest is done again.

mod commands;
mod device;
mod engine;
#[cfg(test)]
mod example;
mod exit;
mod kinds;
mod libtorch;
mod link;
mod stages;
mod unit_error;

use std::io::Write;

use clap::Parser;
use protocol::exit::ExitCode;

use crate::commands::Command;
use crate::device::allocator;
use crate::exit::Exit;

/// Computes attribution maps for the scheduler, which starts it
#[derive(Debug, Parser)]
#[command(name = "worker", version, after_help = ExitCode::table())]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[global_allocator]
static HOST: allocator::Host = allocator::Host;

fn main() {
    keep_memory();
    keep_few_kernels();
    let command = Cli::parse().command;
    if let Err(error) = network::settings::check() {
        let _ = writeln!(std::io::stderr(), "{error}");
        return exit::now(ExitCode::Usage);
    }
    let code = match commands::run(command) {
        Ok(()) => ExitCode::Done,
        Err(Exit { code, text }) => {
            // Standard error is the log, or what the scheduler shows of a failed question.
            let _ = writeln!(std::io::stderr(), "{text}");
            code
        }
    };
    // libtorch's exit handlers take its operators apart one by one: a quarter of what a short question costs.
    let _ = std::io::stdout().flush();
    exit::now(code);
}

/// Keeps memory that was used once for the next batch. Given back to the system and taken again, it costs a
/// page fault for every 4 KiB: as much as a convolution.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "a setting of the C library")]
fn keep_memory() {
    // SAFETY: called before any other thread is started; the numbers are those of mallopt(3).
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 1 << 30);
        libc::mallopt(libc::M_TRIM_THRESHOLD, libc::c_int::MAX);
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn keep_memory() {}

/// Number of kernels that oneDNN keeps, each compiled for one size of input.
const KERNELS: &str = "512";

/// Lets oneDNN keep fewer kernels than by default, 1024, of 160 KiB each. Boxes of many sizes are computed with windows hidden: on
/// DenseNet-121 with windows of 8 of 224 px their kernels took 160 MiB, and no time is lost by compiling some of them again. With
/// half as many, those of its gradients in batches of two sizes would be compiled again and again.
#[expect(unsafe_code, reason = "the environment of a process with threads must not change")]
fn keep_few_kernels() {
    const CAPACITY: &str = "ONEDNN_PRIMITIVE_CACHE_CAPACITY";
    if std::env::var_os(CAPACITY).is_none() {
        // SAFETY: no other thread has been started.
        unsafe { std::env::set_var(CAPACITY, KERNELS) };
    }
}
