use std::fs;

use super::*;

/// Value of image `n` at channel `c` and pixel `p`, of one row of two pixels.
fn value(n: usize, c: usize, p: usize) -> f32 {
    (n * 8 + c * 2 + p) as f32 / 32.0
}

/// A store as scripts leave it, of four images `[3, 1, 2]` in chunks of two, with the predictions `n` and `-n` of image n.
fn written(folder: &Path) {
    let put = |name: &str, bytes: &[u8]| {
        let file = folder.join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, bytes).unwrap();
    };
    let array = |shape: &[u64], chunk: &[u64], dtype: &str| {
        json!({"zarr_format": 2, "shape": shape, "chunks": chunk, "dtype": dtype, "compressor": null, "fill_value": 0, "order": "C",
               "filters": null})
        .to_string()
    };
    let bytes = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    put(".zgroup", b"{}");
    put(".zattrs", json!({"noise_name": "speckle"}).to_string().as_bytes());
    put("images/.zarray", array(&[4, 3, 1, 2], &[2, 3, 1, 2], "<f4").as_bytes());
    for chunk in 0..2 {
        let of = |n| (0..3).flat_map(move |c| (0..2).map(move |p| value(n, c, p)));
        put(&format!("images/{chunk}.0.0.0"), &bytes(&(2 * chunk..2 * chunk + 2).flat_map(of).collect::<Vec<_>>()));
    }
    put("model_predictions/.zarray", array(&[4, 2], &[4, 2], "<f4").as_bytes());
    put("model_predictions/0.0", &bytes(&[0.0, 0.0, 1.0, -1.0, 2.0, -2.0, 3.0, -3.0]));
    put("labels/.zarray", array(&[4, 1], &[2, 1], "|u1").as_bytes());
    put("labels/0.0", &[3, 1]);
}

fn open(folder: &Path) -> Result<Box<dyn Source>, String> {
    (ENTRY.open)(folder, "test", &Options::default()).map_err(|error| error.to_string())
}

#[test]
fn images_are_ready_and_predictions_known_and_labels_that_were_not_written_are_zeros() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path());
    let mut source = open(folder.path()).unwrap();
    assert_eq!((source.len(), source.shape()), (4, [1, 2, 3]));
    let ready = (0..2).flat_map(|p| (0..3).map(move |c| value(1, c, p)));
    assert_eq!(source.read(1..2).unwrap(), Pixels::Ready(ready.collect()));
    assert_eq!(source.predictions(1..3).unwrap(), Some(vec![1.0, -1.0, 2.0, -2.0]));
    assert_eq!(source.labels().unwrap().values, [3, 1, 0, 0]);
    let told = facts(folder.path()).unwrap();
    assert_eq!((told.names[2].as_deref(), told.preprocessing), (Some("speckle"), Preprocessing::default()));
}

#[test]
fn chosen_images_bring_their_predictions_and_the_indices_of_their_split() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path());
    fs::create_dir(folder.path().join("original_indices")).unwrap();
    let array = fs::read_to_string(folder.path().join("labels/.zarray")).unwrap();
    let array = array.replace("[4,1]", "[4]").replace("[2,1]", "[4]");
    fs::write(folder.path().join("original_indices/.zarray"), array).unwrap();
    fs::write(folder.path().join("original_indices/0"), [9, 7, 5, 4]).unwrap();
    let options = Options { indices: Some([3, 1].into()), ..Options::default() };
    let mut chosen = ENTRY.open(folder.path(), "test", &options).unwrap();
    assert_eq!(chosen.predictions(0..2).unwrap(), Some(vec![3.0, -3.0, 1.0, -1.0]));
    let group = testkit::group::group().content(chosen.content()).images(2, 2).build();
    assert!(group.has_base());
    assert_eq!((group.original(0), group.original(1)), (4, 7));
}

#[test]
fn what_was_not_written_and_what_no_image_has_is_told() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path());
    let chunk = folder.path().join("images/1.0.0.0");
    let sound = fs::read(&chunk).unwrap();
    let mut wrong = sound.clone();
    wrong[..4].copy_from_slice(&1.5_f32.to_le_bytes());
    fs::write(&chunk, wrong).unwrap();
    let told = open(folder.path()).unwrap().read(0..4).unwrap_err().to_string();
    assert!(
        told.ends_with("image 2 has the value 1.5, expected -1 to 1, as images of its preprocessing have"),
        "{told}"
    );
    fs::remove_file(&chunk).unwrap();
    let told = open(folder.path()).err().unwrap();
    assert!(told.ends_with("no chunk [1, 0, 0, 0]: it was not written to its end"), "{told}");
    fs::write(&chunk, sound).unwrap();
    fs::write(folder.path().join(".zattrs"), json!({"attrisweep": {"complete": false}}).to_string()).unwrap();
    let told = open(folder.path()).err().unwrap();
    assert!(told.contains("it is not complete"), "{told}");
}
