//! The worker program, and questions to it that need no device and no connection.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use protocol::expect;
use protocol::inspect::{Checkpoint, Question};
use protocol::verify;
use serde::de::DeserializeOwned;
use sweep::catalogue::Catalogue;

use crate::error::FleetError;
use crate::slot::spin_little;

/// A worker program on disk.
#[derive(Clone, Debug)]
pub struct Worker {
    program: PathBuf,
}

impl Worker {
    /// Names `program`, or else the worker beside this executable.
    pub fn locate(program: Option<PathBuf>) -> Self {
        let beside = || std::env::current_exe().ok().map(|this| this.with_file_name("worker"));
        Self { program: program.or_else(beside).unwrap_or_else(|| "worker".into()) }
    }

    /// Path of the program.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// The catalogue of everything that the program can compute.
    pub fn catalogue(&self) -> Result<Catalogue, FleetError> {
        self.ask("catalogue", "")
    }

    /// Asks whether each file of weights fits its model, and for the content of the file. A mistake is one sentence.
    pub fn inspect(&self, questions: &[Question]) -> Result<Vec<Result<Checkpoint, String>>, FleetError> {
        let failed = |error: serde_json::Error| self.failed("inspect", error.to_string());
        self.ask("inspect", &serde_json::to_string(questions).map_err(failed)?)
    }

    /// Asks whether stored predictions belong to stored images, for each question of `request`. The processor computes, with
    /// `threads` threads.
    pub fn verify(&self, request: &verify::Request, threads: usize) -> Result<Vec<verify::Answer>, FleetError> {
        let failed = |error: serde_json::Error| self.failed("verify", error.to_string());
        let input = serde_json::to_string(request).map_err(failed)?;
        self.ask_with("verify", &["--device", "cpu", "--threads", &threads.to_string()], &input)
    }

    /// Asks for the predictions of models on images without noise. The processor computes, with `threads` threads.
    pub fn expect(&self, questions: &[expect::Question], threads: usize) -> Result<Vec<expect::Answer>, FleetError> {
        let failed = |error: serde_json::Error| self.failed("expect", error.to_string());
        let input = serde_json::to_string(questions).map_err(failed)?;
        self.ask_with("expect", &["--device", "cpu", "--threads", &threads.to_string()], &input)
    }

    fn ask<T: DeserializeOwned>(&self, command: &'static str, input: &str) -> Result<T, FleetError> {
        self.ask_with(command, &[], input)
    }

    fn ask_with<T: DeserializeOwned>(
        &self,
        command: &'static str,
        arguments: &[&str],
        input: &str,
    ) -> Result<T, FleetError> {
        let start = |source| FleetError::Start { program: self.program.clone(), source };
        let mut program = Command::new(&self.program);
        spin_little(&mut program);
        let mut child = program
            .arg(command)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(start)?;
        if let Some(mut stdin) = child.stdin.take() {
            // A worker that died before reading shows in its exit status.
            let _ = stdin.write_all(input.as_bytes());
        }
        let output = child.wait_with_output().map_err(start)?;
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr);
            let reason = words.lines().next().unwrap_or("no message").to_owned();
            return Err(self.failed(command, format!("{}: {reason}", output.status)));
        }
        serde_json::from_slice(&output.stdout).map_err(|error| self.failed(command, error.to_string()))
    }

    fn failed(&self, command: &'static str, reason: String) -> FleetError {
        FleetError::Answer { program: self.program.clone(), command, reason }
    }
}
