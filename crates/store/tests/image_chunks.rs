//! Shards that are written and read image by image.

#![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

mod common;

use std::fs;

use half::f16;
use store::{Data, Shards, StoreError, attribution, create, name};
use sweep::config::Compression;
use sweep::group::Group;

use common::{facts, group, labels, variant};

/// Images large enough that chunks shrink, in shards of four: the second has two images.
fn made(compression: Compression) -> (tempfile::TempDir, Group) {
    let folder = tempfile::tempdir().unwrap();
    let group = Group { images: 6, shard: 4, shape: [3, 16, 16], ..group(folder.path(), 1, vec![variant("IG", 50)]) };
    create(&group, &facts(&group), &labels(), compression, "run").unwrap();
    (folder, group)
}

fn image(index: usize) -> Vec<f32> {
    (0..768).map(|pixel| ((pixel * (index + 3)) % 97) as f32 / 97.0 - 0.5).collect()
}

fn halves(index: usize) -> Vec<f16> {
    image(index).into_iter().map(f16::from_f32).collect()
}

#[test]
fn the_bytes_are_those_that_zarrs_makes_of_the_whole_shard() {
    for compression in [Compression::Zstd, Compression::None] {
        let (_folder, group) = made(compression);
        let mut shards = Shards::open(group.store.clone(), "t".into());
        for (shard, range) in [(0, 0..4), (1, 4..6)] {
            let n = range.len() as u64;
            let maps = attribution("IG");
            let of_whole = |file: &str| fs::read(group.store.join(file)).unwrap();
            let (images_file, maps_file) = (format!("images/c.{shard}.0.0.0"), format!("{maps}/c.{shard}.0.0.0"));
            let bytes =
                shards.put(name::IMAGES, shard, Data::Float32(range.clone().flat_map(image).collect())).unwrap();
            shards.put(&maps, shard, Data::Float16(range.clone().flat_map(halves).collect())).unwrap();
            let wholes = (of_whole(&images_file), of_whole(&maps_file));
            let mut images = shards.begin(name::IMAGES, shard, n).unwrap();
            let mut of_variant = shards.begin(&maps, shard, n).unwrap();
            for index in range {
                images.append(Data::Float32(image(index))).unwrap();
                of_variant.append(Data::Float16(halves(index))).unwrap();
            }
            fs::remove_file(group.store.join(&images_file)).unwrap();
            fs::remove_file(group.store.join(&maps_file)).unwrap();
            assert_eq!(images.finish().unwrap(), bytes);
            of_variant.finish().unwrap();
            assert!(wholes == (of_whole(&images_file), of_whole(&maps_file)), "{compression:?}, shard {shard}");
        }
    }
}

#[test]
fn a_shard_is_not_there_before_it_is_finished_and_a_dropped_one_never() {
    let (_folder, group) = made(Compression::Zstd);
    let mut shards = Shards::open(group.store.clone(), "t".into());
    let file = group.store.join("images/c.0.0.0.0");
    let mut open = shards.begin(name::IMAGES, 0, 4).unwrap();
    open.append(Data::Float32((0..4).flat_map(image).collect())).unwrap();
    assert!(!file.exists());
    drop(open);
    let left: Vec<_> = fs::read_dir(group.store.join("images")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["zarr.json"]);
}

#[test]
fn images_too_many_too_few_or_in_parts_are_refused() {
    let (_folder, group) = made(Compression::Zstd);
    let mut shards = Shards::open(group.store.clone(), "t".into());
    let mut open = shards.begin(name::IMAGES, 1, 2).unwrap();
    let error = open.append(Data::Float32(vec![0.5; 700])).unwrap_err();
    assert!(error.to_string().contains("2800 bytes are no whole images of 3072"), "{error}");
    open.append(Data::Float32(image(0))).unwrap();
    let error = open.append(Data::Float32([image(1), image(2)].concat())).unwrap_err();
    assert!(error.to_string().contains("2 images more than 1 of 2"), "{error}");
    let error = open.finish().unwrap_err();
    assert!(error.to_string().ends_with("1 of 2 images were given"), "{error}");
    assert!(!group.store.join("images/c.1.0.0.0").exists());
}

#[test]
fn images_come_back_one_by_one_and_a_changed_byte_is_an_error() {
    let (_folder, group) = made(Compression::Zstd);
    let mut shards = Shards::open(group.store.clone(), "t".into());
    shards.put(name::IMAGES, 0, Data::Float32((0..4).flat_map(image).collect())).unwrap();
    let mut seen = Vec::new();
    shards.each(name::IMAGES, 0, 3, |pixels| seen.push(pixels.to_vec())).unwrap();
    assert_eq!(seen, [image(0), image(1), image(2)]);
    let file = group.store.join("images/c.0.0.0.0");
    let whole = fs::read(&file).unwrap();
    for byte in (0..whole.len()).step_by(7).chain(whole.len() - 68..whole.len()) {
        let mut damaged = whole.clone();
        damaged[byte] ^= 1;
        fs::write(&file, damaged).unwrap();
        let read = shards.each(name::IMAGES, 0, 4, |_| ());
        assert!(matches!(read, Err(StoreError::Damaged { .. })), "byte {byte}: {read:?}");
    }
    fs::write(&file, &whole[..40]).unwrap();
    assert!(matches!(shards.each(name::IMAGES, 0, 4, |_| ()), Err(StoreError::Damaged { .. })));
}
