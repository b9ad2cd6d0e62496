//! `scheduler export`: finished stores in the form that other programs read.

use std::path::PathBuf;

use files::durable;
use plan::exit::{Code, Failure};
use store::{Described, FORMATS, StoreError, packed};

use super::args::ConfigArg;
use super::survey::{self, Surveyed};
use crate::tell::say;

/// Exit codes, for `--help`.
pub(crate) const HELP: &str = "\
Exit codes:
  0    every store of the config is packed
  1    some stores are not complete, or not there, and are left out; the others are packed
  2    wrong arguments
  3    mistakes in the config
  4    another file has the name of a packed store; nothing happened to it
  6    a store cannot be read, or the folder cannot be written";

/// Packs every finished store of the config into a `.zarr.zip`, as the reference scripts leave theirs
///
/// `zarr.storage.ZipStore` and xarray open it. The store stays as it is. A zip that attrisweep wrote is replaced.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    config: ConfigArg,

    /// Folder of the zips, if it is not that of the stores
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    to: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<Code, Failure> {
    let survey = survey::survey(&args.config)?;
    let folder = args.to.clone().unwrap_or_else(|| survey.config.paths.output_dir.clone());
    durable::create_folders(&folder)?;
    packed::remove_leftovers(&folder);
    let (mut bytes, mut left) = (0, 0);
    for surveyed in &survey.stores {
        match unfinished(surveyed, &survey.keys) {
            None => {
                let zip = folder.join(format!("{}{}", surveyed.name, packed::SUFFIX));
                let size = packed::pack(&surveyed.folder, &zip)?;
                bytes += size;
                say(&format!("written   {}  {:.1} MB\n", zip.display(), size as f64 / 1e6));
            }
            Some(reason) => {
                left += 1;
                say(&format!("left out  {}: {reason}\n", surveyed.folder.display()));
            }
        }
    }
    let written = survey.stores.len() - left;
    say(&format!("{written} stores packed, {left} left out, {:.1} MB\n", bytes as f64 / 1e6));
    Ok(if left == 0 { Code::Complete } else { Code::Incomplete })
}

/// The reason for which a store is not exported: what is not complete must not look complete.
fn unfinished(surveyed: &Surveyed, keys: &[String]) -> Option<String> {
    match &surveyed.state {
        Ok(Some(_)) if FORMATS.of(&surveyed.folder).packing.is_some() => Some("it is packed already".to_owned()),
        Ok(Some(described)) if is_whole(described, surveyed.images, keys) => None,
        Ok(Some(_)) => Some("it is not complete; run the sweep to its end".to_owned()),
        Ok(None) => Some("it is not there yet".to_owned()),
        Err(StoreError::Packed { .. }) => Some("it is packed, and there is no store beside the zip".to_owned()),
        Err(error) => Some(error.to_string()),
    }
}

/// Whether a store is complete, for the variants `keys` and the `images` that the config asks for.
fn is_whole(described: &Described, images: Option<u64>, keys: &[String]) -> bool {
    let has = |key: &String| described.group.variants.iter().any(|variant| variant.key == *key);
    described.complete && keys.iter().all(has) && images.is_none_or(|images| images <= described.group.images)
}
