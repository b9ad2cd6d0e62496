use super::*;

fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), data].concat()
}

#[test]
fn arrays_in_a_folder_and_beside_one_another_are_the_same_dataset() {
    let root = tempfile::tempdir().unwrap();
    let pixels: Vec<u8> = (0..24).collect();
    let images = npy("|u1", "(2, 3, 2, 2)", &pixels);
    std::fs::create_dir(root.path().join("a")).unwrap();
    for (name, bytes) in [
        ("a/val_images.npy", images.clone()),
        ("a/val_labels.npy", npy("<i8", "(2,)", &[5_i64.to_le_bytes(), (-9_i64).to_le_bytes()].concat())),
        ("b_val_images.npy", images),
    ] {
        std::fs::write(root.path().join(name), bytes).unwrap();
    }
    let of = |flag: &str| {
        let place = (ENTRY.places)(root.path(), flag, 224).into_iter().find(|place| (ENTRY.fits)(place)).unwrap();
        (ENTRY.open)(&place, "val", &Options::default()).unwrap()
    };
    let (mut first, mut second) = (of("a"), of("b"));
    assert_eq!((first.len(), first.shape()), (2, [2, 2, 3]));
    // Channel c of pixel p of image n is 12 n + 4 c + p.
    let turned = [12, 16, 20, 13, 17, 21, 14, 18, 22, 15, 19, 23];
    assert_eq!(first.read(1..2).unwrap(), Pixels::Bytes(turned.to_vec()));
    assert_eq!(second.read(1..2).unwrap(), Pixels::Bytes(turned.to_vec()));
    assert_eq!(first.labels().unwrap().values, [5, -1]);
    assert_eq!(
        (second.labels().unwrap().values, first.content()["images"].clone()),
        (vec![-1; 2], second.content()["images"].clone())
    );
    let told = (ENTRY.open)(&root.path().join("a"), "test", &Options::default()).err().unwrap().to_string();
    assert!(told.contains("a`: no array `test_images.npy` in it"), "{told}");
    let shorter = npy("|u1", "(2, 3, 2, 2)", &pixels[1..]);
    std::fs::write(root.path().join("b_val_images.npy"), shorter).unwrap();
    let told = (ENTRY.open)(&root.path().join("b"), "val", &Options::default()).err().unwrap().to_string();
    assert!(told.contains("b_val_images.npy`: its header says [2, 3, 2, 2]"), "{told}");
}

#[test]
fn images_of_true_and_false_are_refused_and_labels_of_them_are_numbers() {
    let root = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: Vec<u8>| std::fs::write(root.path().join(name), bytes).unwrap();
    put("a_test_images.npy", npy("|b1", "(2, 2, 2)", &[0, 1, 1, 0, 1, 1, 1, 1]));
    put("b_test_images.npy", npy("|u1", "(2, 2, 2)", &[0, 255, 255, 0, 255, 255, 255, 255]));
    put("b_test_labels.npy", npy("|b1", "(2,)", &[1, 0]));
    let open = |flag: &str| (ENTRY.open)(&root.path().join(flag), "test", &Options::default());
    let told = open("a").err().unwrap().to_string();
    assert!(told.contains("pixels of type `|b1`, which are 0 and 1, and white is 255"), "{told}");
    assert_eq!(open("b").unwrap().labels().unwrap().values, [1, 0]);
}
