//! Reading of one store: checksums, shapes and values of its files, against what its dataset says.

use std::num::NonZero;

use plan::exit::Failure;
use protocol::verify::RoughMap;
use store::Described;
use store::verify::{Report, Truth};

use super::verdict::Verdict;
use crate::commands::survey::{Survey, Surveyed};
use crate::tell::say;

/// Findings in one store, and its description of itself.
pub(crate) struct Read<'a> {
    pub(crate) surveyed: &'a Surveyed,
    pub(crate) described: &'a Described,
    pub(crate) report: Report,
    /// Number of maps that were computed again.
    pub(crate) maps: Option<u64>,
    /// Maps that single precision has moved.
    pub(crate) rough: Vec<RoughMap>,
}

/// Reads one store back; `None` where there is no store.
pub(super) fn read<'a>(
    survey: &Survey,
    surveyed: &'a Surveyed,
    threads: NonZero<usize>,
    verdict: &mut Verdict,
) -> Result<Option<Read<'a>>, Failure> {
    let described = match &surveyed.state {
        Ok(Some(described)) => described,
        Ok(None) => {
            say(&format!("{}: not begun\n", surveyed.name));
            verdict.absent = true;
            return Ok(None);
        }
        Err(error) => {
            say(&format!("{}: {error}\n", surveyed.name));
            verdict.unsound += 1;
            return Ok(None);
        }
    };
    let truth = truth(survey, surveyed, described).map_err(|reason| {
        verdict.unknown.push(format!("{}: labels were not compared: {reason}", surveyed.name));
    });
    let report = store::verify::verify(described, truth.as_ref().ok(), threads)?;
    Ok(Some(Read { surveyed, described, report, maps: None, rough: Vec::new() }))
}

/// Labels of the dataset, if the store was made of this dataset. The error is one sentence.
fn truth(survey: &Survey, surveyed: &Surveyed, described: &Described) -> Result<Truth, String> {
    let mut source = surveyed.source(&survey.config)?;
    let group = &described.group;
    if source.content() != group.input.data || source.len() < group.images {
        return Err("the dataset is not the one that the store was made of".to_owned());
    }
    let mut labels = source.labels().map_err(|error| error.to_string())?;
    labels.values.truncate(group.images as usize * labels.width);
    Ok(Truth { width: labels.width, labels: labels.values })
}
