//! Expectations: whether weights reach what their author has measured, before anything is computed with them.

use std::collections::BTreeSet;
use std::thread::available_parallelism;

use data::formats::{self, Options};
use fleet::Worker;
use protocol::expect::{Measured, Question, chance, spread};
use sweep::config::{Expectation, Expected};
use sweep::group::{Group, Input, Noise};
use sweep::parameters::Parameters;
use sweep::problem::Problems;

use crate::checked::Checked;
use crate::exit::Failure;

/// Expectation of one group.
struct Asked<'a> {
    expectation: &'a Expectation,
    question: Question,
    /// Number of images of the whole split.
    all: u64,
}

impl Checked {
    /// Measures what the config expects of the models that have work to do; all unmet expectations are one failure.
    pub fn meet_expectations(&self, worker: &Worker) -> Result<(), Failure> {
        let mut problems = Problems::new(&self.config.file);
        let asked = self.asked(&mut problems);
        if !asked.is_empty() {
            let questions: Vec<Question> = asked.iter().map(|asked| asked.question.clone()).collect();
            let answers = worker.expect(&questions, available_parallelism().map_or(1, usize::from))?;
            for (asked, answer) in asked.iter().zip(answers) {
                let unmet = answer.map_or_else(Some, |measured| unmet(asked, &measured));
                if let Some(text) = unmet {
                    problems.add(asked.expectation.line, "expect", text);
                }
            }
        }
        problems.into_result().map_err(Failure::from)
    }

    fn asked(&self, problems: &mut Problems) -> Vec<Asked<'_>> {
        let mut asked = Vec::new();
        for expectation in &self.config.settings.expect {
            let mut known = BTreeSet::new();
            let groups = self.groups.iter().filter(|planned| !planned.complete).map(|planned| planned.group.as_ref());
            for group in groups.filter(|group| is_meant(expectation, group)) {
                if !known.insert(&group.dataset) {
                    continue;
                }
                match of_group(expectation, group) {
                    Ok(found) => asked.push(found),
                    Err(text) => problems.add(expectation.line, "expect", text),
                }
            }
        }
        asked
    }
}

fn is_meant(expectation: &Expectation, group: &Group) -> bool {
    let Expectation { model, dataset, split, .. } = expectation;
    group.model == *model
        && group.split == split.name()
        && dataset.as_ref().is_none_or(|dataset| group.dataset == *dataset)
}

/// Reads the images of the split of `group`, whatever `limit` and noise of the sweep are. The error is one sentence.
fn of_group<'a>(expectation: &'a Expectation, group: &Group) -> Result<Asked<'a>, String> {
    let source = formats::open(&group.input.format, &group.input.images_file, &group.split, &Options::of_group(group))
        .map_err(|error| error.to_string())?;
    let (all, split) = (source.len(), &group.split);
    let images = match &expectation.what {
        Expected::Accuracy { images, .. } => spread(*images, all),
        Expected::Logits { image, .. } if *image >= all => {
            return Err(format!("found image {image}, `{split}` of `{}` has {all}", group.dataset));
        }
        Expected::Logits { logits, .. } if logits.len() != group.classes => {
            let (found, classes) = (logits.len(), group.classes);
            return Err(format!("found {found} logits, {} has {classes} classes", group.model));
        }
        Expected::Logits { image, .. } => vec![*image],
    };
    let noise = Noise { name: "clean".to_owned(), kind: "none".to_owned(), parameters: Parameters::default() };
    let input = Input { mean: None, ..group.input.clone() };
    let group = Group { noise, variants: Vec::new(), input, images: all, ..group.clone() };
    Ok(Asked { expectation, question: Question { group, images }, all })
}

/// Sentence on what was expected and what was measured, if the two differ.
fn unmet(asked: &Asked<'_>, measured: &Measured) -> Option<String> {
    let Asked { expectation, question: Question { group, images }, all } = asked;
    let told = match &expectation.what {
        Expected::Accuracy { share, within, .. } => {
            let (count, accepted) = (images.len() as u64, within + chance(*share, images.len() as u64, *all));
            let found = measured.right as f64 / count.max(1) as f64;
            if (found - share).abs() <= accepted {
                return None;
            }
            let [found, share, accepted] = [found, *share, accepted].map(|share| 100.0 * share);
            format!("{found:.1} % of {count} images right, expected {share:.1} %, within {accepted:.1} %")
        }
        Expected::Logits { image, logits, within } => {
            let largest = logits.iter().fold(0.0_f64, |largest, logit| largest.max(logit.abs()));
            let off = logits.iter().zip(&measured.logits).map(|(expected, found)| (expected - f64::from(*found)).abs());
            let (class, off) = off.enumerate().max_by(|(_, a), (_, b)| a.total_cmp(b))?;
            // NaN is within nothing.
            if off <= within * largest {
                return None;
            }
            let (found, expected) = (measured.logits.get(class)?, logits.get(class)?);
            format!("logit {class} of image {image} as {found}, expected {expected}, within {within} of the largest")
        }
    };
    Some(format!(
        "{} predicts {told} (`{}`, split `{}`): `{}` may hold another network's weights that fit by names and shapes, or the images \
         are prepared otherwise than its author did",
        group.model,
        group.dataset,
        group.split,
        group.input.weights.display()
    ))
}

/// Notes expectations that no group of the config can meet.
pub(crate) fn check<'a>(
    expectations: &[Expectation],
    groups: impl Iterator<Item = &'a Group>,
    problems: &mut Problems,
) {
    let groups: Vec<&Group> = groups.collect();
    for expectation in expectations {
        if !groups.iter().any(|group| is_meant(expectation, group)) {
            let (model, split) = (&expectation.model, expectation.split.name());
            let dataset = expectation.dataset.as_deref().unwrap_or("any dataset");
            let text = format!("the config has no {model} on {dataset}, split `{split}`");
            problems.add(expectation.line, "expect", text);
        }
    }
}
