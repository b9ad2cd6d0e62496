use std::io::Write;

use super::*;

/// A PNG of one colour, `size` pixels wide and high, in bytes.
fn png(size: u32, colour: [u8; 3]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = ::png::Encoder::new(&mut bytes, size, size);
    encoder.set_color(::png::ColorType::Rgb);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&colour.repeat((size * size) as usize)).unwrap();
    writer.finish().unwrap();
    bytes
}

fn put(folder: &Path, name: &str, bytes: &[u8]) {
    let file = folder.join(name);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    File::create(file).unwrap().write_all(bytes).unwrap();
}

fn open(place: &Path, split: &str) -> Result<Box<dyn Source>, DataError> {
    (ENTRY.open)(place, split, &Options { size: 8, ..Options::default() })
}

fn refused(place: &Path, split: &str) -> String {
    open(place, split).err().map(|error| error.to_string()).unwrap_or_default()
}

/// First pixel of each image.
fn colours(source: &mut dyn Source) -> Vec<[u8; 3]> {
    let Ok(Pixels::Bytes(pixels)) = source.read(0..source.len()) else { panic!("no bytes") };
    pixels.chunks_exact(8 * 8 * 3).map(|image| [image[0], image[1], image[2]]).collect()
}

/// `b/b-` comes before `b/b/c`, as the letters `-` and `/` do: the folders of a class are in the order of their paths as texts.
#[test]
fn classes_and_files_are_in_the_order_of_torchvision() {
    let folder = tempfile::tempdir().unwrap();
    let files = ["b/b/c/1.png", "b/b-/2.png", "b/z.png", "b/A.PNG", "a10/x.jpeg", "a9/notes.txt", "a9/1.png"];
    for (at, name) in files.iter().enumerate() {
        put(folder.path(), &format!("val/{name}"), &png(9, [at as u8, 0, 0]));
    }
    let mut source = open(folder.path(), "val").unwrap();
    assert_eq!((source.len(), source.shape()), (6, [8, 8, 3]));
    // a10, a9, b: x; 1; A, z, then b/b-, then b/b/c.
    assert_eq!(source.labels().unwrap().values, [0, 1, 2, 2, 2, 2]);
    assert_eq!(colours(source.as_mut()).iter().map(|colour| colour[0]).collect::<Vec<_>>(), [4, 6, 3, 2, 1, 0]);
}

#[test]
fn a_table_says_which_pictures_there_are_in_which_order_and_with_which_labels() {
    let folder = tempfile::tempdir().unwrap();
    for (name, red) in [("a.png", 1), ("b, c.png", 2), ("unnamed.png", 3)] {
        put(folder.path(), &format!("test/{name}"), &png(8, [red, 0, 0]));
    }
    put(folder.path(), "test.csv", b"file,label\n\"b, c.png\",7\r\n\na.png,-3\n");
    let mut source = open(folder.path(), "test").unwrap();
    assert_eq!(source.labels().unwrap().values, [7, -1]);
    assert_eq!(colours(source.as_mut()), [[2, 0, 0], [1, 0, 0]]);
    let before = source.content();
    put(folder.path(), "test.csv", b"\"b, c.png\",7\na.png,4\n");
    assert_ne!(open(folder.path(), "test").unwrap().content(), before);
    for (table, told) in [
        ("a.png\n", "line 1: no comma"),
        ("a.png,1\nb.png,2", "line 2: no file `b.png`"),
        ("../test/a.png,1", "line 1: no file `../test/a.png`"),
        ("b.png,cat\nc.png,dog\na.png,1", "line 2: the label `dog`"),
        ("\nfile,label\n\nb.png,3.5\na.png,1", "line 4: the label `3.5`"),
        ("a.png,1\nunnamed.png,cat", "line 2: the label `cat`"),
    ] {
        put(folder.path(), "test.csv", table.as_bytes());
        assert!(refused(folder.path(), "test").contains(told), "{}", refused(folder.path(), "test"));
    }
    fs::remove_file(folder.path().join("test.csv")).unwrap();
    let mut source = open(folder.path(), "test").unwrap();
    assert_eq!((source.len(), source.labels().unwrap().values), (3, vec![-1; 3]));
    assert!(source.labels().unwrap().missing.is_some_and(|reason| reason.contains("no table")));
}

#[test]
fn what_would_shift_indices_or_is_no_picture_is_told_by_its_file() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "val/a/1.png", &png(8, [1; 3]));
    put(folder.path(), "val/b/2.webp", b"RIFF");
    assert!(refused(folder.path(), "val").contains("b/2.webp`: a picture that is neither JPEG nor PNG"));
    fs::remove_file(folder.path().join("val/b/2.webp")).unwrap();
    assert!(refused(folder.path(), "val").contains("val/b`: no picture in it"));
    put(folder.path(), "val/b/2.jpg", b"GIF89a");
    let told = open(folder.path(), "val").unwrap().read(0..2).unwrap_err().to_string();
    assert!(told.contains("b/2.jpg`: neither a JPEG nor a PNG"), "{told}");
    let mut source = open(folder.path(), "val").unwrap();
    put(folder.path(), "val/b/2.jpg", &png(8, [1; 3]));
    let told = source.read(1..2).unwrap_err().to_string();
    assert!(told.contains("it had 6 bytes when the folder was listed"), "{told}");
    put(folder.path(), "val/3.png", &png(8, [1; 3]));
    assert!(refused(folder.path(), "val").contains("`3.png`"));
    assert!(refused(folder.path(), "train").contains("no folder `train`; it has: val"));
}

#[test]
fn a_copy_is_the_same_dataset_and_another_picture_is_not() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let contents = folders.iter().map(|folder| {
        put(folder.path(), "val/a/1.png", &png(20, [1; 3]));
        open(folder.path(), "val").unwrap().content()
    });
    let contents: Vec<Value> = contents.collect();
    assert_eq!(contents[0], contents[1]);
    put(folders[1].path(), "val/a/1.png", &png(20, [2; 3]));
    assert_ne!(open(folders[1].path(), "val").unwrap().content(), contents[0]);
}
