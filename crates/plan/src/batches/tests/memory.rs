//! Memory of a device, which limits batches.

use super::*;

#[test]
fn less_memory_than_was_measured_with_means_fewer_images_and_more_lets_a_batch_grow() {
    let (folder, group) = (tempfile::tempdir().unwrap(), group(64));
    let mut known = batches(folder.path(), "");
    known.put(entry(&group, "x", 32, Bound::Memory));
    let of = |memory: u64| told(known.of(&group, &group.variants[0], &slot("x", Some(memory * MIB))));
    // Of 600 MiB 200 are above the model; 90 % of them take 18 images of 10 MiB.
    assert_eq!((of(600), of(410), of(100)), ((18, false), (1, false), (1, false)));
    // 90 % of 1000 MiB would take 90 images.
    assert_eq!(of(1400), (32, true));
}

#[test]
fn shards_in_flight_are_no_room_for_a_batch_on_the_cpu() {
    let group = group(64);
    let cpu = |memory| Slot { gpu: None, ..slot("x", Some(memory)) };
    let (gpu, cpu) = (room(&group, &slot("x", Some(600 * MIB)), 0, 0.0), room(&group, &cpu(600 * MIB), 0, 0.0));
    // What the pipeline takes at any size, and of 64 images of 3x8x8: pixels of two shards, images ahead, images and two
    // maps each that wait, and eight copies of one image.
    let image = 3 * 8 * 8 * 4;
    assert_eq!(gpu.unwrap() - cpu.unwrap(), 32 * MIB + 2 * 64 * image / 4 + 64 * image + 3 * 64 * image + 8 * image);
    // Of large images and long shards no more than the pixels.
    let large = Group { shape: [3, 224, 224], shard: 1024, images: 5000, ..group };
    let pixels = 2 * 1024 * 3 * 224 * 224;
    assert!(large.in_flight() - pixels < 66 * MIB, "{}", large.in_flight());
    // Of pictures, what their decoders take on all threads.
    let mut pictures = large.clone();
    pictures.input.data = serde_json::json!({"images": "2 files sha256 0", "scaled": "shorter side to 256 px"});
    assert_eq!(pictures.in_flight() - large.in_flight(), sweep::group::DECODING);
}
