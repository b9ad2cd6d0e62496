//! `scheduler export`: finished stores, or parts of them, in the forms that other programs read.

use std::ops::Range;
use std::path::{Path, PathBuf};

use files::durable;
use plan::exit::{Code, Failure};
use store::export::{Form, Selection, export};
use store::{Described, packed};

use crate::commands::args::ConfigArg;
use crate::commands::survey::{self, Surveyed};
use crate::tell::say;

/// Exit codes, for `--help`.
pub(crate) const HELP: &str = "\
Exit codes:
  0    every store of the config is exported
  1    some stores are not complete, or not there, and are left out; the others are exported
  2    wrong arguments
  3    mistakes in the config, or a store has no such methods or images
  4    something else has the name of an export; nothing happened to it
  6    a store cannot be read, or the folder cannot be written";

/// Exports every finished store of the config, whole or in part, in the form that other programs read
///
/// The stores stay as they are, in whichever format they are. An earlier export of a whole store as `zarr.zip` or `pt`
/// is replaced, and so is a netCDF file; anything else that is there, a Zarr folder too, is left alone, and refused.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    config: ConfigArg,

    /// Folder of the exports, if it is not that of the stores
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    to: Option<PathBuf>,

    /// Form of the exports: `zarr`, `zarr.zip`, `pt` (a folder of tensors), or `netcdf` (one file, float32)
    #[arg(long, value_name = "FORM", default_value = "zarr.zip", value_parser = form)]
    format: Form,

    /// Type of the maps, if it is not that of the store
    #[arg(long, value_name = "TYPE", value_parser = ["float32"])]
    dtype: Option<String>,

    /// Keys of the methods that are exported; `*` stands for any text, `?` for one letter [default: all]
    #[arg(long, value_name = "GLOB,..", value_delimiter = ',')]
    methods: Vec<String>,

    /// Positions in the store of the images that are exported, as `0..100` (100 is not in it) or `3,5,8` [default: all]
    #[arg(long, value_name = "A..B|LIST", value_delimiter = ',', value_parser = range)]
    images: Vec<Range<u64>>,
}

fn form(name: &str) -> Result<Form, String> {
    Form::named(name).ok_or_else(|| format!("expected one of {}", Form::names().join(", ")))
}

/// Reads `A..B`, or a single position.
fn range(text: &str) -> Result<Range<u64>, String> {
    let number =
        |text: &str| text.trim().parse::<u64>().map_err(|_| format!("`{text}` is no position, expected a number"));
    let range = match text.split_once("..") {
        Some((first, end)) => number(first)?..number(end)?,
        None => number(text).map(|position| position..position.saturating_add(1))?,
    };
    if range.is_empty() { Err(format!("`{text}` has no image, expected A..B with A below B")) } else { Ok(range) }
}

pub(crate) fn run(args: &Args) -> Result<Code, Failure> {
    let survey = survey::survey(&args.config)?;
    let output = &survey.config.paths.output_dir;
    let folder = args.to.clone().unwrap_or_else(|| output.clone());
    let selection =
        Selection { methods: args.methods.clone(), images: args.images.clone(), float32: args.dtype.is_some() };
    refuse_parts_beside_stores(args, &selection, &folder, output)?;
    durable::create_folders(&folder)?;
    packed::remove_leftovers(&folder);
    let (mut bytes, mut left) = (0, 0);
    for surveyed in &survey.stores {
        if let Some(reason) = unfinished(surveyed, &surveyed.keys) {
            left += 1;
            say(&format!("left out  {}: {reason}\n", surveyed.folder.display()));
            continue;
        }
        let place = args.format.place(&folder, &surveyed.name);
        let Some(size) = export(&surveyed.folder, &selection, args.format, &place)? else {
            say(&format!("there     {}\n", place.display()));
            continue;
        };
        bytes += size;
        say(&format!("written   {}  {:.1} MB\n", place.display(), size as f64 / 1e6));
    }
    let written = survey.stores.len() - left;
    say(&format!("{written} stores exported, {left} left out, {:.1} MB\n", bytes as f64 / 1e6));
    Ok(if left == 0 { Code::Complete } else { Code::Incomplete })
}

/// Refuses a part of a store under the name and in the folder of the store: readers would take the part for the whole.
fn refuse_parts_beside_stores(args: &Args, selection: &Selection, folder: &Path, output: &Path) -> Result<(), Failure> {
    let is_same =
        folder == output || folder.canonicalize().ok().is_some_and(|to| output.canonicalize().ok() == Some(to));
    if !is_same || selection.is_everything() || matches!(args.format, Form::Netcdf) {
        return Ok(());
    }
    let text = "a part of a store, or one of another type, would be taken for the store where the stores are: choose another folder \
                (--to DIR)";
    Err(Failure { code: Code::Config, text: text.to_owned() })
}

/// The reason for which a store is not exported: what is not complete must not look complete.
fn unfinished(surveyed: &Surveyed, keys: &[String]) -> Option<String> {
    match &surveyed.state {
        Ok(Some(described)) if is_whole(described, surveyed.images, keys) => None,
        Ok(Some(_)) => Some("it is not complete; run the sweep to its end".to_owned()),
        Ok(None) => Some("it is not there yet".to_owned()),
        Err(error) => Some(error.to_string()),
    }
}

/// Whether a store is complete, for the variants `keys` and the `images` that the config asks for.
fn is_whole(described: &Described, images: Option<u64>, keys: &[String]) -> bool {
    let has = |key: &String| described.group.variants.iter().any(|variant| variant.key == *key);
    described.complete && keys.iter().all(has) && images.is_none_or(|images| images <= described.group.images)
}
