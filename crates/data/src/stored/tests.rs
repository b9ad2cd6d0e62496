use std::fs;
use std::path::Path;

use files::torch::{ElementType, TensorWriter};

use super::Stored;

/// Writes a tensor `[5, 3]` of the numbers 0, 1, .. in half precision, as torch.save does.
fn written(folder: &Path) {
    fs::create_dir_all(folder.join("attributions")).unwrap();
    // Halves of 0 to 14: sign, five bits of exponent, ten of mantissa.
    let half = |number: u16| match number {
        0 => 0_u16,
        number => {
            let exponent = 15 - number.leading_zeros() as u16;
            (exponent + 15) << 10 | (number << (10 - exponent)) & 0x3ff
        }
    };
    let bytes: Vec<u8> = (0..15).flat_map(|number| half(number).to_le_bytes()).collect();
    for name in ["images", "attributions/A"] {
        let file = fs::File::create(folder.join(format!("{name}.pt"))).unwrap();
        let mut writer = TensorWriter::begin(file, "archive", ElementType::Float16, &[5, 3]).unwrap();
        writer.append(&bytes).unwrap();
        writer.finish().unwrap();
    }
}

#[test]
fn rows_of_a_tensor_are_read_where_they_lie_and_no_others() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path());
    let stored = Stored::open(folder.path()).unwrap();
    let mut rows = stored.rows("attributions/A").unwrap();
    assert_eq!(rows.shape(), [5, 3]);
    assert_eq!(rows.read(1..3).unwrap(), [3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
    assert_eq!(rows.read(4..5).unwrap(), [12.0, 13.0, 14.0]);
    assert!(rows.verify().is_ok() && rows.read(5..5).unwrap().is_empty());
    let told = rows.read(4..6).unwrap_err().to_string();
    assert!(told.ends_with("no rows 4..6, it has 5"), "{told}");
    let told = stored.rows("attributions/B").unwrap_err().to_string();
    assert!(told.contains("no array `attributions/B`") && told.contains("images.pt"), "{told}");
}

#[test]
fn a_tensor_that_is_cut_off_or_has_changed_is_told() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path());
    let (file, stored) = (folder.path().join("attributions/A.pt"), Stored::open(folder.path()).unwrap());
    let (sound, before) = (fs::read(&file).unwrap(), stored.rows("attributions/A").unwrap().content());
    let at = sound.windows(4).position(|bytes| bytes == [0x00, 0x3c, 0x00, 0x40]).unwrap();
    let mut changed = sound.clone();
    changed[at + 1] ^= 1;
    fs::write(&file, changed).unwrap();
    // The digest goes by the checksums of the file, which another program writes anew and damage does not.
    let mut rows = stored.rows("attributions/A").unwrap();
    assert_eq!(rows.content(), before);
    assert!(rows.verify().unwrap_err().to_string().contains("damaged"));
    fs::write(&file, &sound[..sound.len() / 2]).unwrap();
    assert!(stored.rows("attributions/A").unwrap_err().to_string().contains("damaged or cut off"));
}
