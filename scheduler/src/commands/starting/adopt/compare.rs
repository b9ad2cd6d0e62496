//! Predictions and maps of a sample, computed again by a worker.

use fleet::{FleetError, Worker};
use protocol::verify::{Agreement, Question, Request};
use sweep::group::Group;

use super::examine::Examined;

/// Compares the sample of each store that was not refused, for so many seconds each and with so many threads, and notes what is wrong.
///
/// # Errors
/// [`FleetError`] where no worker answers.
pub(super) fn compare(
    examined: &mut [Examined<'_>],
    worker: &Worker,
    (seconds, threads): (u64, usize),
) -> Result<(), FleetError> {
    let mut asked = Vec::new();
    for (index, examined) in examined.iter_mut().enumerate().filter(|(_, examined)| examined.refused.is_none()) {
        if let Some(question) = question(examined, seconds) {
            asked.push((index, question));
        }
    }
    if asked.is_empty() {
        return Ok(());
    }
    let (indices, questions): (Vec<usize>, Vec<Question>) = asked.into_iter().unzip();
    let answers = worker.verify(&Request { questions }, threads)?;
    for (index, answer) in indices.into_iter().zip(answers) {
        let examined = &mut examined[index];
        match answer {
            Ok(agreement) => judge(examined, agreement),
            Err(reason) => examined.refused = Some(format!("predictions and maps could not be compared: {reason}")),
        }
    }
    Ok(())
}

/// Question about the maps of a store that can be compared.
fn question(examined: &mut Examined<'_>, seconds: u64) -> Option<Question> {
    let group = examined.group().ok()?.clone();
    let has_mean = group.input.mean.as_ref().is_some_and(|mean| mean.file.is_file());
    let is_there = |key: &str| examined.maps.contains_key(key);
    let (variants, without): (Vec<_>, Vec<_>) = group
        .variants
        .iter()
        .filter(|variant| is_there(&variant.key))
        .cloned()
        .partition(|variant| has_mean || !variant.needs_mean());
    if !without.is_empty() {
        let keys: Vec<String> = without.into_iter().map(|variant| variant.key).collect();
        examined.uncompared.clone_from(&keys);
        examined
            .not_vouched_for
            .push(format!("maps of {} were not computed again: their mean image is not there yet", keys.join(", ")));
    }
    let group = Group { variants, ..group };
    let (images, seconds) = (examined.sample.clone(), seconds as f64);
    Some(Question { group, images, shards: Vec::new(), seconds, is_theirs: true })
}

fn judge(examined: &mut Examined<'_>, agreement: Agreement) {
    let Agreement { predictions, maps, wrong, seeded, left, .. } = agreement;
    if let Some(compared) = predictions.iter().find(|compared| !compared.agrees()) {
        let off = compared.off.map_or_else(|| "not a number".to_owned(), |off| format!("{off:e} off"));
        let (image, accepted) = (compared.image, compared.accepted);
        examined.refused = Some(format!(
            "predictions of image {image} are not those of the stored image by these weights ({off}, {accepted:e} accepted)"
        ));
        return;
    }
    if let Some(reason) = left {
        examined.refused = Some(format!("maps could not be compared: {reason}"));
        return;
    }
    let mut compared: Vec<&str> = Vec::new();
    for found in &wrong {
        if examined.maps.remove(&found.key).is_some() {
            let off = found.off.map_or_else(|| "not a number".to_owned(), |off| format!("{off:.2} of its length off"));
            let reason = format!(
                "the map of image {} is not the one of the stored image and model ({off}, {:.1e} accepted)",
                found.image, found.accepted
            );
            examined.lacking.push((found.key.clone(), reason));
        }
    }
    let is_compared = |key: &&str| !seeded.iter().chain(&examined.uncompared).any(|other| other == key);
    compared.extend(examined.maps.keys().map(String::as_str).filter(is_compared));
    if !predictions.is_empty() {
        examined.checked.push(format!("{} images were predicted again", predictions.len()));
    }
    let random = seeded.iter().filter(|key| examined.maps.contains_key(*key)).count();
    let keys = compared.join(", ");
    if !keys.is_empty() {
        examined.checked.push(format!("{maps} maps were computed again, of {keys}"));
    }
    if random > 0 {
        examined.not_vouched_for.push(format!(
            "maps of {} depend on random numbers whose seed is not recorded: only their shapes and values were checked",
            seeded.join(", ")
        ));
    }
    examined.not_vouched_for.push(
        "the store records no fingerprint: that its other images and maps were made with the same weights and parameters as the sample is not known"
            .to_owned(),
    );
}
