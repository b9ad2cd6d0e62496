use std::io::Write;

use super::*;

fn idx(kind: u8, sizes: &[u32], data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, kind, sizes.len() as u8];
    bytes.extend(sizes.iter().flat_map(|size| size.to_be_bytes()));
    bytes.extend(data);
    bytes
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn put(root: &Path, name: &str, bytes: &[u8]) {
    let file = root.join(name);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, bytes).unwrap();
}

fn located(root: &Path, flag: &str) -> Option<PathBuf> {
    (ENTRY.places)(root, flag, 28).into_iter().find(|place| (ENTRY.fits)(place))
}

#[test]
fn plain_and_packed_files_are_read_where_torchvision_leaves_them_and_in_a_folder_of_the_flag() {
    let (images, labels) = (idx(8, &[3, 2, 2], &(0..12).collect::<Vec<u8>>()), idx(8, &[3], &[9, 0, 4]));
    for (folder, ending) in [
        ("FashionMNIST/raw", ""),
        ("FashionMNIST/raw", ".gz"),
        ("fashion_mnist", ".gz"),
        ("fashion_mnist/MNIST/raw", ""),
    ] {
        let root = tempfile::tempdir().unwrap();
        let file = |bytes: &[u8]| if ending.is_empty() { bytes.to_vec() } else { packed(bytes) };
        put(root.path(), &format!("{folder}/t10k-images-idx3-ubyte{ending}"), &file(&images));
        put(root.path(), &format!("{folder}/t10k-labels-idx1-ubyte{ending}"), &file(&labels));
        let place = located(root.path(), "fashion_mnist").unwrap();
        assert_eq!(place, root.path().join(folder));
        assert_eq!(located(root.path(), "mnist"), None);
        let mut source = (ENTRY.open)(&place, "test", &Options::default()).unwrap();
        assert_eq!((source.len(), source.shape()), (3, [2, 2, 1]));
        assert_eq!(source.read(1..3).unwrap(), Pixels::Bytes((4..12).collect()));
        assert_eq!(source.labels().unwrap().values, [9, 0, 4]);
        for (split, told) in
            [("val", "no split `val`; it has: train, test"), ("train", "no file `train-images-idx3-ubyte`")]
        {
            let error = (ENTRY.open)(&place, split, &Options::default()).err().unwrap().to_string();
            assert!(error.contains(told), "{error}");
        }
    }
}

#[test]
fn a_header_that_does_not_fit_its_file_is_told() {
    let root = tempfile::tempdir().unwrap();
    let whole = idx(8, &[3, 2, 2], &[0; 12]);
    for (bytes, told) in [
        (whole[..20].to_vec(), "says [3, 2, 2], which does not fit its 20 bytes"),
        (idx(8, &[u32::MAX, u32::MAX, u32::MAX, u32::MAX], &[]), "does not fit"),
        (idx(7, &[3], &[]), "type 0x07"),
        (vec![0, 0, 8, 200, 1], "200 axes"),
        (b"PNG".to_vec(), "does not start"),
        (idx(8, &[3], &[0; 3]), "shape [3], expected (N,H,W)"),
    ] {
        put(root.path(), "m/train-images-idx3-ubyte", &bytes);
        let error = (ENTRY.open)(&root.path().join("m"), "train", &Options::default()).err().unwrap().to_string();
        assert!(error.contains(told), "{error}");
    }
}

/// A worker learns of the range from the content alone.
#[test]
fn floats_are_read_by_the_range_that_the_config_says_and_the_content_has_it() {
    let root = tempfile::tempdir().unwrap();
    let pixels: Vec<u8> = [-1.0_f32, 0.0, 0.5, 1.0].iter().flat_map(|pixel| pixel.to_be_bytes()).collect();
    put(root.path(), "m/t10k-images-idx3-ubyte", &idx(0x0d, &[1, 2, 2], &pixels));
    let open =
        |float_range| (ENTRY.open)(&root.path().join("m"), "test", &Options { float_range, ..Options::default() });
    let mut source = open(Some([-1.0, 1.0])).unwrap();
    assert_eq!(source.read(0..1).unwrap(), Pixels::Floats(vec![0.0, 0.5, 0.75, 1.0]));
    assert_eq!(source.content()["float_range"], json!([-1.0, 1.0]));
    let group = testkit::group::group().content(source.content()).build();
    assert_eq!(Options::of_group(&group).float_range, Some([-1.0, 1.0]));
    assert!(open(None).err().is_some_and(|error| error.to_string().contains("float_range")));
    put(root.path(), "m/t10k-images-idx3-ubyte", &idx(8, &[1, 2, 2], &[0; 4]));
    assert_eq!(open(Some([-1.0, 1.0])).unwrap().content().get("float_range"), None);
}
