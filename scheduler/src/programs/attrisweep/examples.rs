//! Ends of the help texts: an example of each command, and its exit codes.

/// Commands of a first look.
pub(super) const BEGIN: &str = "\
Examples:
  attrisweep demo                          a small sweep on data that comes along
  attrisweep check --config config.yml     tell every mistake, and what there is to do
  attrisweep run --config config.yml       run the sweep, or go on with it
  attrisweep status --config config.yml    tell how far it is";

pub(super) const RUN: &str = "\
Example:
  attrisweep run --config config.yml --limit 100

Exit codes: 0 everything is written, 1 some units failed, 2 arguments, 3 mistakes in the config, 4 a store was computed
from something else, 5 no worker, 6 a folder cannot be written, 130 interrupted.";

pub(super) const CHECK: &str = "\
Example:
  attrisweep check --config config.yml

Exit codes: 0 the config is sound, 2 arguments, 3 mistakes in the config or its files, 4 a store was computed from
something else, 5 no worker, 6 a store cannot be read.";

pub(super) const PREFLIGHT: &str = "\
Example:
  attrisweep preflight --config config.yml --gpu-id 1

Exit codes: 0 every batch size is known, 1 some could not be found, 2 arguments, 3 mistakes in the config, 4 a store was
computed from something else, 5 no worker, 6 a file cannot be written, 130 interrupted.";

pub(super) const MEANS: &str = "\
Example:
  attrisweep means --config config.yml --force

Exit codes: 0 every dataset has its mean image, 2 arguments, 3 mistakes in the config, 6 the folder cannot be written.";

pub(super) const STATUS: &str = "\
Example:
  attrisweep status --config config.yml --json";

pub(super) const VERIFY: &str = "\
Example:
  attrisweep verify --config config.yml --seconds 60

Exit codes: 0 everything is there and sound, 1 something is not there yet, 2 arguments, 3 mistakes in the config, 6 a store
cannot be read or written, 7 something must not be used, or could not be compared.";

pub(super) const ADOPT: &str = "\
Example:
  attrisweep adopt --config config.yml --check

Exit codes: those of `attrisweep run`, and 7 where a store is not what its name says; nothing was computed then.";

pub(super) const RETRY: &str = "\
Example:
  attrisweep retry --failed --config config.yml

Exit codes: those of `attrisweep run`.";

pub(super) const SUBMIT: &str = "\
Example:
  attrisweep submit --config config.yml --job-option=--time=2-0

Exit codes: those of `attrisweep run`, 5 also where the job ended without a word; 130 interrupted, and the job goes on.";

pub(super) const CLEAN: &str = "\
Example:
  attrisweep clean --config config.yml";

pub(super) const EXPORT: &str = "\
Example:
  attrisweep export --config config.yml --to packed

Exit codes: 0 every store is exported, 1 some are not complete, 2 arguments, 3 mistakes in the config, 4 something else has
the name of an export, 6 a file cannot be read or written.";

pub(super) const SCORES: &str = "\
Example:
  attrisweep scores --config config.yml --to tables

Exit codes: 0 the tables are written, 1 some stores have no scores yet, 2 arguments, 3 mistakes in the config, 6 a store
cannot be read or a file written.";

pub(super) const VIEW: &str = "\
Example:
  attrisweep view outputs

Exit codes: 2 arguments, 3 a folder is not there, 5 the address is taken; Ctrl-C ends it.";

pub(super) const REPORT: &str = "\
Example:
  attrisweep report outputs --zip

Exit codes: 0 the report is written, 1 it is, and some stores are not complete, 2 arguments, 3 no stores, or too large for
one file, 4 something else is there, 6 it cannot be written.";

pub(super) const INIT: &str = "\
Example:
  attrisweep init . --to config.yml

Exit codes: 0 the config is written, 2 arguments, 3 nothing was found, or the file is there, 5 no worker, 6 the file cannot
be written.";

pub(super) const DEMO: &str = "\
Example:
  attrisweep demo attrisweep-demo

Exit codes: those of `attrisweep run`.";

pub(super) const COMPLETIONS: &str = "\
Example, for bash:
  attrisweep completions bash > ~/.local/share/bash-completion/completions/attrisweep";

pub(super) const MAN: &str = "\
Example:
  attrisweep man ~/.local/share/man/man1 && man attrisweep-run";
