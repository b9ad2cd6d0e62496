//! `scheduler view`: a page that shows the stores of folders, without a config and whether a sweep runs or not.

use std::path::PathBuf;

use page::Settings;
use plan::exit::{Code, Failure};

use crate::seen;
use crate::tell::say;

/// Exit codes, for `--help`.
pub(crate) const HELP: &str = "\
Exit codes:
  2    wrong arguments
  3    a folder of stores is not there, or the page would be open to everybody
  5    the address is taken";

/// Serves a page that shows the stores of folders: what is done, and images with their maps side by side
///
/// Nothing is written, and a sweep that runs is not disturbed. Ctrl-C ends it.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Folders of stores
    #[arg(value_name = "OUTPUTS", default_value = "outputs", value_hint = clap::ValueHint::DirPath)]
    folders: Vec<PathBuf>,

    /// Host or address on which the page is served; others than this machine need a token then
    #[arg(long, value_name = "HOST", default_value = "127.0.0.1")]
    host: String,

    /// Port of the page [default: 8383, or a free one where 8383 is taken]
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,

    /// Text that callers must show [default: none on this machine alone, else a random one]
    #[arg(long, value_name = "TEXT", env = "ATTRISWEEP_PAGE_TOKEN", hide_env_values = true)]
    token: Option<String>,
}

pub(crate) fn run(args: &Args) -> Result<Code, Failure> {
    if let Some(missing) = args.folders.iter().find(|folder| !folder.is_dir()) {
        let text = format!("`{}` is no folder, expected one that has stores", missing.display());
        return Err(Failure { code: Code::Config, text });
    }
    let token = seen::token(args.token.as_deref(), &args.host)?;
    let page = seen::open(args.port, |port| Settings {
        folders: args.folders.clone(),
        host: args.host.clone(),
        port,
        token: token.clone(),
        marks: Box::new(seen::marks),
        live: None,
        retry: None,
    })?;
    say(&seen::invitation(&page));
    page.wait();
    Ok(Code::Complete)
}
