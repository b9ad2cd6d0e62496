use std::sync::Arc;

use store::Ledger;
use sweep::group::Group;
use sweep::variant::{Shared, Variant};

use super::*;

fn variant(key: &str, shared: Shared) -> Variant {
    Variant { shared, ..testkit::group::variant(key, key) }
}

/// Group with this number of shards for `model`, with two variants on the forward pass, two that share most, and one that
/// shares nothing.
fn group(model: &str, shards: u64) -> Arc<Group> {
    let with = Shared::With("Shap_20".to_owned());
    let variants = [("Saliency", Shared::Pass), ("Guided", Shared::Pass), ("IG", Shared::Nothing)];
    let variants = variants.into_iter().chain([("Shap_20", Shared::Nothing), ("Shap_40", with)]);
    let variants = variants.map(|(key, shared)| variant(key, shared)).collect();
    testkit::group::group().model(model, "m.pth").images(64 * shards, 64).variants(variants).share()
}

/// Units of `kind` of all `groups` on so many devices, nothing of which is done.
fn of_kind(kind: &dyn Kind, groups: &[Arc<Group>], devices: usize) -> Vec<Unit> {
    let split = Split::of(groups.iter().map(AsRef::as_ref), devices);
    let ledger = Ledger::default();
    let lacking = |(index, group)| Lacking { group, index, ledger: &ledger, split: &split, complete: false };
    groups.iter().enumerate().flat_map(|group| kind.units(&lacking(group))).collect()
}

/// Names of all units of `groups` on so many devices, nothing of which is done.
fn units(groups: &[Arc<Group>], devices: usize) -> Vec<String> {
    let name = |unit: Unit| format!("{}/{}", unit.group.model, unit.id().part());
    of_kind(&Attribute, groups, devices).into_iter().map(name).collect()
}

fn split(groups: &[Arc<Group>], devices: usize) -> Vec<String> {
    let predictions = |name: String| name.strip_suffix(":predictions").map(str::to_owned);
    units(groups, devices).into_iter().filter_map(predictions).collect()
}

#[test]
fn of_few_shards_every_variant_that_shares_little_is_a_piece() {
    assert_eq!(units(&[group("m", 1)], 2), ["m/0:predictions", "m/0.Guided", "m/0.IG", "m/0.Saliency", "m/0.Shap_20"]);
    assert_eq!(units(&[group("m", 1)], 1), ["m/0"]);
}

#[test]
fn of_many_shards_the_last_two_for_each_device_are_split_and_cheap_variants_stay_together() {
    let units = units(&[group("m", 17)], 8);
    assert_eq!(units[0], "m/0");
    assert_eq!(units[1..5], ["m/1:predictions", "m/1:pass", "m/1.IG", "m/1.Shap_20"]);
    assert_eq!(units.len(), 1 + 16 * 4);
    assert_eq!(split(&[group("m", 40)], 2), ["m/36", "m/37", "m/38", "m/39"]);
}

/// Two models share the tail; what is granted last is the last of each.
#[test]
fn every_home_has_its_part_of_the_tail() {
    let groups = [group("a", 9), group("b", 5), group("a", 1)];
    assert_eq!(split(&groups, 2), ["a/8", "b/3", "b/4", "a/0"]);
    let groups: Vec<_> = (0..9).map(|model| group(&format!("m{model}"), 3)).collect();
    assert_eq!(split(&groups, 2).len(), 9);
}

#[test]
fn what_one_variant_or_one_pass_gives_is_not_worth_splitting() {
    let mut group = Group { images: 640, ..group("m", 1).as_ref().clone() };
    group.variants.truncate(3);
    assert_eq!(split(&[Arc::new(group.clone())], 2), [""; 0]);
    group.variants.truncate(2);
    assert_eq!(split(&[Arc::new(group.clone())], 2), [""; 0]);
    assert_eq!(split(&[Arc::new(group)], 6).len(), 10);
}

#[test]
fn each_variant_is_in_one_piece() {
    for devices in [2, 12] {
        let group = group("predictions", 20);
        let mut units = of_kind(&Attribute, std::slice::from_ref(&group), devices);
        units.retain(|unit| unit.part == Part::Shard(19));
        assert!(units.len() > 1);
        for variant in &group.variants {
            assert_eq!(units.iter().filter(|unit| unit.has(variant)).count(), 1, "{}", variant.key);
        }
    }
}

#[test]
fn maps_wait_for_the_predictions_of_their_shard_and_means_for_all_of_their_group() {
    let groups = [group("a", 2), group("b", 1)];
    let mut units = of_kind(&Attribute, &groups, 2);
    let maps = units.len();
    units.extend(of_kind(&GroupMeans, &groups, 2));
    let after = waits(&KINDS, &units);
    for (unit, after) in units.iter().zip(&after) {
        let before: Vec<&Unit> = after.iter().map(|index| &units[*index as usize]).collect();
        assert!(before.iter().all(|before| before.group.name() == unit.group.name()), "{}", unit.id());
        let expected = if unit.kind == "means" {
            units[..maps].iter().filter(|other| other.group.name() == unit.group.name()).count()
        } else {
            usize::from(!Attribute.is_first(unit))
        };
        assert_eq!(before.len(), expected, "{}", unit.id());
    }
}

/// Else two units could have one name.
#[test]
fn names_of_kinds_differ_from_each_other_and_from_numbers_and_words_of_pieces() {
    let names: std::collections::BTreeSet<&str> = KINDS.iter().map(|kind| kind.name()).collect();
    assert_eq!(names.len(), KINDS.len());
    for name in names {
        assert!(name.chars().next().is_some_and(char::is_alphabetic) && !name.contains(['/', '.', ':']), "{name}");
        assert!(!["predictions", "pass"].contains(&name), "{name}");
    }
}
