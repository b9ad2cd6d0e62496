//! Shards that are written and read image by image.

#![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

mod common;

use std::fs;
use std::path::PathBuf;

use half::f16;
use serde_json::Value;
use store::{Data, Shards, StoreError, attribution, create, name};
use sweep::config::Compression;
use sweep::group::Group;

use common::{facts, group, labels, variant};

/// Images large enough that chunks shrink, in shards of four: the second has two images.
fn made(compression: Compression) -> (tempfile::TempDir, Group) {
    made_of(compression, 16)
}

/// Like [`made`], of images of `side` px.
fn made_of(compression: Compression, side: usize) -> (tempfile::TempDir, Group) {
    let folder = tempfile::tempdir().unwrap();
    let group =
        Group { images: 6, shard: 4, shape: [3, side, side], ..group(folder.path(), 1, vec![variant("IG", 50)]) };
    create(&group, &facts(&group), &labels(), compression, "run").unwrap();
    (folder, group)
}

fn image(index: usize) -> Vec<f32> {
    image_of(index, 16)
}

fn image_of(index: usize, side: usize) -> Vec<f32> {
    (0..3 * side * side).map(|pixel| ((pixel * (index + 3)) % 97) as f32 / 97.0 - 0.5).collect()
}

/// Number of images in a chunk of `array`.
fn together(group: &Group, array: &str) -> u64 {
    let metadata = fs::read_to_string(group.store.join(array).join("zarr.json")).unwrap();
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    metadata["codecs"][0]["configuration"]["chunk_shape"][0].as_u64().unwrap()
}

#[test]
fn the_bytes_are_those_that_zarrs_makes_of_the_whole_shard() {
    // Images of 100 px have 117 KiB in single precision and 59 KiB in half, those of 160 px have 300 and 150: of 256 KiB.
    let cuts = [(Compression::Zstd, 16, [4, 4]), (Compression::Zstd, 100, [2, 4]), (Compression::None, 160, [1, 1])];
    for (compression, side, expected) in cuts {
        let (_folder, group) = made_of(compression, side);
        assert_eq!([together(&group, name::IMAGES), together(&group, &attribution("IG"))], expected, "{side} px");
        let image = |index| image_of(index, side);
        let halves = |index| image(index).into_iter().map(f16::from_f32).collect::<Vec<_>>();
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
fn a_store_of_an_earlier_build_goes_on_with_a_chunk_for_each_image() {
    let (_folder, group) = made(Compression::Zstd);
    let file = group.store.join("images/zarr.json");
    let mut metadata: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    metadata["codecs"][0]["configuration"]["chunk_shape"][0] = 1.into();
    fs::write(&file, metadata.to_string()).unwrap();
    assert_eq!(create(&group, &facts(&group), &labels(), Compression::Zstd, "run").unwrap(), Vec::<PathBuf>::new());
    assert_eq!([together(&group, name::IMAGES), together(&group, &attribution("IG"))], [1, 4]);
    let mut shards = Shards::open(group.store.clone(), "t".into());
    let mut open = shards.begin(name::IMAGES, 0, 4).unwrap();
    (0..4).for_each(|index| open.append(Data::Float32(image(index))).unwrap());
    open.finish().unwrap();
    assert_eq!(shards.floats(name::IMAGES, 0, 4).unwrap(), (0..4).flat_map(image).collect::<Vec<_>>());
    let mut third = Vec::new();
    shards.each(name::IMAGES, 0, 3, |pixels| third = pixels.to_vec()).unwrap();
    assert_eq!(third, image(2));
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
