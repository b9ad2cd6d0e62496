//! The worker: one process per device, the only program with libtorch.
//!
//! The scheduler starts it, checks configs with its `catalogue` and `inspect`, and hands it units
//! over TCP. It can be killed at any moment: what it has written is whole, the rest is done again.

mod against;
mod allocator;
mod caller;
mod caught;
mod compute;
mod connection;
mod counted;
mod device;
#[cfg(test)]
mod example;
mod exit;
mod expect;
mod held;
mod images;
mod inspect;
mod leave;
mod maker;
mod mark;
mod markdown;
mod memory;
mod numerics;
mod pipeline;
mod probe;
mod progress;
mod proofs;
mod read;
mod room;
mod rounds;
mod sizes;
mod texts;
mod trial;
mod unit;
mod verify;
mod work;
mod write;

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use data::noise::NOISES;
use sweep::catalogue::Item;

use crate::exit::Exit;

/// Computes attribution maps for the scheduler, which starts it
#[derive(Debug, Parser)]
#[command(name = "worker", version, after_help = protocol::exit::ExitCode::table())]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print what this build can compute, as JSON
    Catalogue {
        /// Print it as Markdown instead, noises too: docs/catalogue.md
        #[arg(long)]
        markdown: bool,
    },
    /// Read weights files and say whether they fit their models, as JSON
    ///
    /// Takes a list of questions on standard input: model, weights, size of the images, and variants that are
    /// tried on the model. No GPU is touched.
    Inspect,
    /// Measure variants on real images, as JSON
    ///
    /// Takes requests on standard input (`protocol::probe::Request`): a model, images, and variants, which are computed
    /// as those of one unit of a sweep are. Prints a line for each: the time and the memory that every run took.
    Probe(device::Args),
    /// Compare stored predictions and maps with those of the stored images, as JSON
    ///
    /// Takes a request on standard input (`protocol::verify::Request`). Stores are read, never written.
    Verify(device::Args),
    /// Predict images as they are, to compare with what the author of weights has measured, as JSON
    ///
    /// Takes a list of questions on standard input (`protocol::expect::Question`). No store is looked at.
    Expect(device::Args),
    /// Connect to a scheduler and do the units that it grants
    Run(connection::Args),
}

#[global_allocator]
static HOST: allocator::Host = allocator::Host;

fn main() -> ExitCode {
    keep_memory();
    keep_few_kernels();
    let command = Cli::parse().command;
    if let Err(error) = network::settings::check() {
        let _ = writeln!(std::io::stderr(), "{error}");
        return protocol::exit::ExitCode::Usage.into();
    }
    let outcome = match command {
        Command::Catalogue { markdown: false } => json(&inspect::catalogue()),
        Command::Catalogue { markdown: true } => print(&markdown::page(&inspect::catalogue(), &noises())),
        Command::Inspect => inspect::answer().and_then(|answers| json(&answers)),
        Command::Probe(args) => device::open(args).and_then(|device| probe::answer(&device, json)),
        Command::Verify(args) => device::open(args).and_then(|device| json(&verify::answer(&device)?)),
        Command::Expect(args) => device::open(args).and_then(|device| json(&expect::answer(&device)?)),
        Command::Run(args) => run(&args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Exit { code, text }) => {
            // Standard error is the log, or what the scheduler shows of a failed question.
            let _ = writeln!(std::io::stderr(), "{text}");
            code.into()
        }
    }
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

/// How many kernels oneDNN keeps, each compiled for one size of input.
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

fn run(args: &connection::Args) -> Result<(), Exit> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).log_internal_errors(false).init();
    leave::prepare();
    let device = device::open(args.device)?;
    let (link, grants) = connection::connect(args, &device)?;
    leave::watch(link.clone());
    pipeline::run(&link, grants, &device)
}

fn noises() -> Vec<&'static Item> {
    NOISES.iter().map(|entry| &entry.item).collect()
}

fn json(value: &impl serde::Serialize) -> Result<(), Exit> {
    let text = serde_json::to_string(value).map_err(|error| Exit::internal(error.to_string()))?;
    print(&format!("{text}\n"))
}

fn print(text: &str) -> Result<(), Exit> {
    let written = std::io::stdout().write_all(text.as_bytes());
    written.map_err(|error| Exit::internal(format!("cannot write the answer: {error}")))
}
