//! Shards in pieces: maps wait for their predictions, and means for all maps.

use super::*;

/// Sweep of one shard in pieces, those of `variants` with or without the predictions before them.
fn rig(predicted: bool, variants: &[&str], slots: usize) -> Rig {
    let of = group(0, 1);
    let first = (!predicted).then_some(Piece::Predictions);
    let pieces = first.into_iter().chain(variants.iter().map(|key| Piece::Variant((*key).to_owned())));
    let whole = shard(&of, 0);
    let tasks =
        pieces.map(|piece| Job { group: 0, unit: Unit { piece: Some(piece), ..whole.clone() }, forecast: None });
    Rig::of(Sweep::new(tasks.collect(), vec![Some(means(&of))], slots, POLICY), &[])
}

fn pieces(rig: &Rig) -> Vec<String> {
    let names = rig.granted.iter().map(|(_, unit, _)| unit.id());
    names.map(|name| name.part().to_owned()).collect()
}

#[test]
fn maps_are_granted_to_all_devices_once_their_predictions_are_there_and_means_behind_the_last() {
    let mut rig = rig(false, &["Occlusion", "Saliency"], 2);
    let (_, a) = rig.connect();
    let (_, b) = rig.connect();
    assert_eq!(pieces(&rig), ["0:predictions"]);
    let holder = if rig.grant_of(a).is_some() { a } else { b };
    rig.answer(holder, None);
    let mut granted = pieces(&rig);
    granted.sort_unstable();
    assert_eq!(granted, ["0.Occlusion", "0.Saliency"]);
    rig.answer(a, None);
    assert_eq!(pieces(&rig).len(), 1);
    rig.answer(b, None);
    assert_eq!(pieces(&rig), ["means"]);
    // The group has one variant, of ten images: the other piece has none.
    assert_eq!(rig.counted, 10);
}

#[test]
fn maps_of_predictions_that_are_in_the_store_wait_for_nothing() {
    let mut rig = rig(true, &["Occlusion", "Saliency"], 1);
    rig.connect();
    assert_eq!(pieces(&rig).len(), 2);
}

#[test]
fn without_its_predictions_a_shard_has_no_maps() {
    let mut rig = rig(false, &["Occlusion", "Saliency"], 1);
    let (slot, worker) = rig.connect();
    for _ in 0..=POLICY.max_retries {
        rig.answer(worker, Some(Failure::Engine));
    }
    rig.exit(slot, worker, Ended::Code(0));
    let mut reasons = rig.reasons();
    reasons.sort_unstable();
    assert_eq!(reasons.len(), 4, "{reasons:?}");
    assert_eq!(reasons.iter().filter(|reason| reason.contains("predictions of its shard were given up")).count(), 2);
}

#[test]
fn a_group_with_bad_input_is_given_up_with_all_pieces_that_wait() {
    let mut rig = rig(true, &["Lime", "Occlusion", "Saliency"], 1);
    let (slot, worker) = rig.connect();
    // What it holds already is its own.
    while rig.grant_of(worker).is_some() {
        rig.answer(worker, Some(Failure::Group));
    }
    rig.exit(slot, worker, Ended::Code(0));
    assert_eq!(rig.reasons().len(), 4);
}

/// A worker that held maps when the scheduler died calls the next one, which has the predictions still to do: they were
/// lost from the store since.
#[test]
fn a_claim_to_maps_whose_predictions_are_lost_is_refused() {
    let mut rig = rig(false, &["Saliency"], 1);
    let slot = rig.launched.pop().unwrap();
    let id = UnitId::from(format!("{}/0.Saliency", group(0, 1).name()));
    let worker = rig.call(slot, Some(vec![(id, 1)]));
    assert_eq!(pieces(&rig), Vec::<String>::new());
    rig.say(
        worker,
        FromWorker::Returned { unit: UnitId::from(format!("{}/0.Saliency", group(0, 1).name())), attempt: 1 },
    );
    assert!(rig.outcome.is_none());
}
