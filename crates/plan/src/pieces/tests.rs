use super::*;

fn variant(key: &str, shared: Shared) -> Variant {
    Variant { shared, ..testkit::group::variant(key, key) }
}

/// So many shards for `model`, with two variants on the forward pass, two that share most, and one that shares nothing.
fn group(model: &str, shards: u64) -> Arc<Group> {
    let with = Shared::With("Shap_20".to_owned());
    let variants = [("Saliency", Shared::Pass), ("Guided", Shared::Pass), ("IG", Shared::Nothing)];
    let variants = variants.into_iter().chain([("Shap_20", Shared::Nothing), ("Shap_40", with)]);
    let variants = variants.map(|(key, shared)| variant(key, shared)).collect();
    testkit::group::group().model(model, "m.pth").images(64 * shards, 64).variants(variants).share()
}

/// The names of all units of `groups` on so many devices, nothing of which is done.
fn units(groups: &[Arc<Group>], devices: usize) -> Vec<String> {
    let split = Split::of(groups.iter().map(AsRef::as_ref), devices);
    let shards = groups.iter().enumerate().flat_map(|(index, group)| (0..group.shards()).map(move |s| (index, s)));
    let units = shards.flat_map(|at| split.units(&groups[at.0], at, &Ledger::default()));
    let name = |unit: Unit| format!("{}/{}", unit.group.model, unit.id().0.rsplit_once('/').unwrap().1);
    units.map(name).collect()
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
        let of = Split::of([group.as_ref()].into_iter(), devices);
        let units = of.units(&group, (0, 19), &Ledger::default());
        assert!(units.len() > 1);
        for variant in &group.variants {
            assert_eq!(units.iter().filter(|unit| unit.has(variant)).count(), 1, "{}", variant.key);
        }
    }
}
