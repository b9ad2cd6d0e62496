use super::*;

/// Images of a test batch, whose channels have the values `7 i`, `7 i + 1` and `7 i + 2`.
fn pixels(n: usize) -> Vec<u8> {
    (0..n).flat_map(|image| (0..3).flat_map(move |channel| vec![(7 * image + channel) as u8; 1024])).collect()
}

/// The steps in which Python 2 has pickled a batch of CIFAR-10.
fn pickled(n: usize, shape: [u16; 2], labels: &[u8], data: &[u8]) -> Vec<u8> {
    let text = |text: &str| [&[b'U', text.len() as u8][..], text.as_bytes()].concat();
    let int = |number: u16| [&[b'M'][..], &number.to_le_bytes()].concat();
    let mut bytes = b"\x80\x02}q\x01(".to_vec();
    bytes.extend([text("labels"), b"]q\x02(".to_vec()].concat());
    bytes.extend(labels.iter().flat_map(|label| [b'K', *label]));
    bytes.extend([b"e".to_vec(), text("data"), b"cnumpy.core.multiarray\n_reconstruct\nq\x03".to_vec()].concat());
    bytes.extend(b"cnumpy\nndarray\nq\x04K\x00\x85q\x05U\x01b\x87Rq\x06(K\x01");
    bytes.extend([int(shape[0]), int(shape[1]), b"\x86q\x07cnumpy\ndtype\nq\x08".to_vec(), text("u1")].concat());
    bytes.extend(b"K\x00K\x01\x87Rq\x09(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T");
    bytes.extend((data.len() as u32).to_le_bytes());
    bytes.extend([data, b"tb", &text("filenames"), b"]q\x0a("].concat());
    bytes.extend((0..n).flat_map(|image| text(&format!("{image}.png"))));
    bytes.extend(b"eu.");
    bytes
}

fn put(root: &Path, name: &str, bytes: &[u8]) {
    let file = root.join(name);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, bytes).unwrap();
}

fn open(place: &Path, split: &str) -> Result<Box<dyn Source>, DataError> {
    (ENTRY.open)(place, split, &Options::default())
}

#[test]
fn pickles_and_records_hold_the_same_images_and_labels() {
    let root = tempfile::tempdir().unwrap();
    let data = pixels(4);
    put(root.path(), "cifar-10-batches-py/test_batch", &pickled(4, [4, 3072], &[3, 8, 0, 6], &data));
    let records = |labels: fn(u8) -> Vec<u8>| {
        data.chunks(3072)
            .zip([3, 8, 0, 6])
            .flat_map(|(image, label)| [labels(label), image.to_vec()].concat())
            .collect::<Vec<u8>>()
    };
    put(root.path(), "x/cifar-10-batches-bin/test_batch.bin", &records(|label| vec![label]));
    put(root.path(), "cifar-100-binary/test.bin", &records(|label| vec![19, label]));
    for (flag, folder) in [
        ("cifar10", "cifar-10-batches-py"),
        ("CIFAR-10", "cifar-10-batches-py"),
        ("x", "x/cifar-10-batches-bin"),
        ("cifar_100", "cifar-100-binary"),
    ] {
        let place = (ENTRY.places)(root.path(), flag, 32).into_iter().find(|place| (ENTRY.fits)(place)).unwrap();
        assert_eq!(place, root.path().join(folder));
        let mut source = open(&place, "test").unwrap();
        assert_eq!((source.len(), source.shape()), (4, [32, 32, 3]));
        assert_eq!(source.labels().unwrap().values, [3, 8, 0, 6]);
        assert_eq!(
            source.read(2..4).unwrap(),
            Pixels::Bytes([[14, 15, 16].repeat(1024), [21, 22, 23].repeat(1024)].concat())
        );
        assert!(source.read(3..5).is_err());
        let told = open(&place, "val").err().unwrap().to_string();
        assert!(told.contains("no split `val`; it has: train, test"), "{told}");
    }
}

#[test]
fn images_of_a_range_come_from_all_the_batches_that_the_range_touches() {
    let root = tempfile::tempdir().unwrap();
    for batch in 0..5_u8 {
        let image = [&[batch][..], &[10 * batch; 3072], &[batch + 5], &[10 * batch + 1; 3072]].concat();
        put(root.path(), &format!("cifar-10-batches-bin/data_batch_{}.bin", batch + 1), &image);
    }
    let mut source = open(&root.path().join("cifar-10-batches-bin"), "train").unwrap();
    assert_eq!(source.labels().unwrap().values, [0, 5, 1, 6, 2, 7, 3, 8, 4, 9]);
    let Pixels::Bytes(pixels) = source.read(1..6).unwrap() else { panic!("no bytes") };
    assert_eq!(pixels.chunks(3072).map(|image| image[7]).collect::<Vec<_>>(), [1, 10, 11, 20, 21]);
}

#[test]
fn files_that_do_not_hold_what_they_say_are_told() {
    let root = tempfile::tempdir().unwrap();
    let place = root.path().join("cifar-10-batches-py");
    let whole = pickled(2, [2, 3072], &[1, 2], &pixels(2));
    let mut called = whole.clone();
    let at = called.iter().rposition(|byte| *byte == b'u').unwrap();
    called[at] = b'i';
    let mut turned = whole.clone();
    let at = turned.windows(4).position(|steps| steps == b"tb\x89T").unwrap();
    turned[at + 2] = 0x88;
    for (bytes, told) in [
        (whole[..9000.min(whole.len() - 20)].to_vec(), "test_batch`: it is cut off"),
        (pickled(2, [3, 3072], &[1, 2], &pixels(2)), "the shape [3, 3072]"),
        (pickled(2, [2, 3072], &[1, 2], &pixels(3)), "9216 bytes, expected [2, 3072]"),
        (pickled(2, [2, 3072], &[1, 2, 3], &pixels(2)), "expected [3, 3072]"),
        (b"\x80\x02]q\x00.".to_vec(), "no dictionary"),
        (turned, "`data` is in the order of Fortran"),
        (called, "its step 0x69 has no meaning"),
    ] {
        put(root.path(), "cifar-10-batches-py/test_batch", &bytes);
        let error = open(&place, "test").err().unwrap().to_string();
        assert!(error.contains(told), "{error}");
    }
    put(root.path(), "cifar-10-batches-bin/test_batch.bin", &[0; 3074]);
    let error = open(&root.path().join("cifar-10-batches-bin"), "test").err().unwrap().to_string();
    assert!(error.contains("3074 bytes, expected records of 3073 bytes"), "{error}");
}
