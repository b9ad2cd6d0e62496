//! Types, orders and ranges of pixels and labels.

use super::*;

/// A dataset of these members.
fn written(folder: &Path, members: &[(&str, Vec<u8>)]) -> PathBuf {
    let file = folder.join("x.npz");
    let mut zip = zip::ZipWriter::new(std::fs::File::create(&file).unwrap());
    for (name, bytes) in members {
        zip.start_file(format!("test_{name}.npy"), SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap();
    file
}

fn bytes<const N: usize>(values: &[f64], of: impl Fn(f64) -> [u8; N]) -> Vec<u8> {
    values.iter().flat_map(|value| of(*value)).collect()
}

#[test]
fn labels_are_read_from_every_type_that_holds_whole_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let images = npy("|u1", "(4, 2, 2)", &[0; 16]);
    let column = [3.0, 0.0, f64::NAN, -7.0];
    let two = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0];
    let table = [
        (npy("<f8", "(4,)", &bytes(&column, f64::to_le_bytes)), vec![3, 0, -1, -1], 1),
        (npy(">f8", "(4, 1)", &bytes(&column, f64::to_be_bytes)), vec![3, 0, -1, -1], 1),
        (npy("<f4", "(4, 1, 1)", &bytes(&column, |v| (v as f32).to_le_bytes())), vec![3, 0, -1, -1], 1),
        (npy(">i2", "(4, 1)", &[0, 1, 1, 0, 0, 0, 255, 255]), vec![1, 256, 0, -1], 1),
        (npy("<u8", "(4,)", &[[5; 8], [0; 8], [255; 8], [0; 8]].concat()), vec![0x0505_0505_0505_0505, 0, -1, 0], 1),
        (
            ordered("<i8", "True", "(4, 1)", &bytes(&[1.0, 2.0, 3.0, 4.0], |v| (v as i64).to_le_bytes())),
            vec![1, 2, 3, 4],
            1,
        ),
        // First the column of the first label, then that of the second.
        (ordered("<f8", "True", "(4, 2)", &bytes(&two, f64::to_le_bytes)), vec![1, 5, 2, 6, 3, 7, 4, 8], 2),
    ];
    for (labels, values, width) in table {
        let file = written(folder.path(), &[("images", images.clone()), ("labels", labels)]);
        let mut source = open(&file, "test").unwrap();
        source.verify().unwrap();
        assert_eq!(source.labels().unwrap(), Labels { values, width, missing: None });
    }
}

#[test]
fn labels_that_cannot_be_understood_are_none_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let images = npy("|u1", "(2, 2, 2)", &[0; 8]);
    let table = [
        (None, "the file has none"),
        (Some(npy("<f8", "(2,)", &bytes(&[1.0, 0.5], f64::to_le_bytes))), "no whole numbers"),
        (Some(npy("<U1", "(2,)", &[0; 8])), "elements of type `<U1`"),
        (Some(npy("|O", "(2,)", b"pickle")), "elements of type `|O`"),
        (Some(npy("|u1", "(3,)", &[0; 3])), "shape [3], expected (2,1)"),
        (Some(npy("|u1", "(2, 0)", &[])), "shape [2, 0]"),
    ];
    for (labels, reason) in table {
        let labels = labels.map(|labels| ("labels", labels));
        let members: Vec<_> = std::iter::once(("images", images.clone())).chain(labels).collect();
        let mut source = open(&written(folder.path(), &members), "test").unwrap();
        source.verify().unwrap();
        let labels = source.labels().unwrap();
        assert_eq!((&labels.values[..], labels.width), (&[-1, -1][..], 1), "{reason}");
        assert!(labels.missing.is_some_and(|told| told.contains(reason)), "{reason}");
    }
}

#[test]
fn pixels_are_read_in_both_orders_of_bytes_and_of_axes() {
    let folder = tempfile::tempdir().unwrap();
    let pixels: Vec<u8> = (0..36).collect();
    let wide = |of: fn(u16) -> [u8; 2]| pixels.iter().flat_map(|pixel| of(u16::from(*pixel))).collect::<Vec<_>>();
    // Element (n, h, w) of 3x4x3 has the value 12 n + 3 h + w; the file has n fastest.
    let turned: Vec<u8> =
        (0..3).flat_map(|w| (0..4).flat_map(move |h| (0..3).map(move |n| 12 * n + 3 * h + w))).collect();
    let table = [
        npy(">u2", "(3, 4, 3)", &wide(u16::to_be_bytes)),
        npy("<i2", "(3, 4, 3)", &wide(u16::to_le_bytes)),
        ordered("|u1", "True", "(3, 4, 3)", &turned),
    ];
    for images in table {
        let mut source = open(&written(folder.path(), &[("images", images)]), "test").unwrap();
        assert_eq!((source.len(), source.shape()), (3, [4, 3, 1]));
        for range in [1..3, 0..1, 0..3] {
            let expected = pixels[range.start as usize * 12..range.end as usize * 12].to_vec();
            assert_eq!(source.read(range).unwrap(), Pixels::Bytes(expected));
        }
    }
}

#[test]
fn floats_are_pixels_where_their_range_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let values = [-1.0, 0.0, 0.5, 1.0];
    let file =
        written(folder.path(), &[("images", npy(">f4", "(1, 2, 2)", &bytes(&values, |v| (v as f32).to_be_bytes())))]);
    let with = |range| (ENTRY.open)(&file, "test", &Options { float_range: range, ..Options::default() });
    let refused = with(None).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(refused.contains("type `>f4`") && refused.contains("`float_range: [0, 1]`"), "{refused}");
    let mut source = with(Some([-1.0, 1.0])).unwrap();
    assert_eq!(source.read(0..1).unwrap(), Pixels::Floats(vec![0.0, 0.5, 0.75, 1.0]));
    assert_eq!(source.content()["float_range"], json!([-1.0, 1.0]));
    let beyond = with(Some([0.0, 1.0])).unwrap().read(0..1).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(beyond.contains("image 0 has the pixel -1, expected 0 to 1"), "{beyond}");
}

#[test]
fn images_that_are_none_are_told_with_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let table = [
        (npy("|u1", "(1, 3, 4, 4)", &[0; 48]), "`images.transpose(0, 2, 3, 1)`"),
        (npy("|O", "(1, 4, 4)", b"pickle"), "elements of type `|O`, expected integers or floats"),
        (npy("<f8", "(1, 4, 4)", &[0; 128]), "`float_range: [0, 1]` below `search_space`"),
    ];
    for (images, told) in table {
        let error = open(&written(folder.path(), &[("images", images)]), "test").err().map(|error| error.to_string());
        assert!(error.as_ref().is_some_and(|error| error.contains(told)), "{error:?}");
    }
    let file = written(folder.path(), &[("images", npy("<i8", "(2, 1, 1)", &[[0; 8], [1; 8]].concat()))]);
    let error = open(&file, "test").unwrap().read(0..2).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(error.contains("image 1 has the pixel 72340172838076670, expected 0 to 255"), "{error}");
}
