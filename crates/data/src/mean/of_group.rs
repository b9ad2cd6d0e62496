//! Mean image of a group's own images, with their noise.

use sweep::group::Group;

use super::compute::average;
use super::error::MeanError;
use super::mean_image::Mean;
use crate::formats::{self, Options, Source};
use crate::made;

/// Opens the images of `group`.
pub(super) fn open(group: &Group) -> Result<Box<dyn Source>, MeanError> {
    let Group { input, split, .. } = group;
    Ok(formats::open(&input.format, &input.images_file, split, &Options::of_group(group))?)
}

/// Computes the mean of the images of `group`, as its model sees them.
pub(super) fn compute(group: &Group) -> Result<Mean, MeanError> {
    let mut source = open(group)?;
    average(source.as_mut(), group.images, group.shape, |source, first, pixels| {
        let all = 0..pixels.len() / source.shape().iter().product::<usize>().max(1);
        made::images(group, pixels, all, (source.shape(), first))
    })
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Write;
    use std::path::Path;

    use serde_json::json;

    use super::*;
    use crate::mean::{Job, read};
    use crate::{noise, preprocess};

    /// A MedMNIST file of four grey images in the split `test`.
    fn dataset(folder: &Path) -> std::path::PathBuf {
        let pixels: Vec<u8> = (0..4 * 28 * 28).map(|at| (at * 7 % 251) as u8).collect();
        let file = folder.join("d.npz");
        let mut zip = zip::ZipWriter::new(File::create(&file).unwrap());
        for (name, shape, bytes) in [("images", "(4, 28, 28)", &pixels[..]), ("labels", "(4, 1)", &[0, 1, 0, 1])] {
            let header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}\n");
            zip.start_file(format!("test_{name}.npy"), zip::write::SimpleFileOptions::default()).unwrap();
            zip.write_all(b"\x93NUMPY\x01\x00").unwrap();
            zip.write_all(&(header.len() as u16).to_le_bytes()).unwrap();
            zip.write_all(header.as_bytes()).unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap();
        file
    }

    fn group(folder: &Path) -> Group {
        let group = testkit::group::group().dataset("d", dataset(folder)).shape([3, 28, 28]).images(3, 2);
        group.noise("gaussian", serde_json::from_value(json!({"std": 0.15})).unwrap()).build()
    }

    /// Mean that is computed image by image, of what a worker makes of each.
    #[test]
    fn the_mean_is_that_of_the_images_that_a_worker_sees_and_of_no_more_of_them() {
        let folder = tempfile::tempdir().unwrap();
        let group = group(folder.path());
        let job = Job::of_group(folder.path(), &group).unwrap();
        let (mean, images) = job.run().unwrap();
        assert_eq!((mean.shape, images), ([3, 28, 28], 3));
        let mut source = open(&group).unwrap();
        let mut sums = vec![0.0_f64; mean.values.len()];
        for image in 0..3 {
            let pixels = source.read(image..image + 1).unwrap();
            let mut seen = preprocess::prepare(&group.preprocessing, &pixels, source.shape(), 3).unwrap();
            noise::add(&group, image, &mut seen).unwrap();
            sums.iter_mut().zip(&seen).for_each(|(sum, value)| *sum += f64::from(*value));
        }
        let expected: Vec<f32> = sums.iter().map(|sum| (sum / 3.0) as f32).collect();
        assert_eq!(mean.values, expected);
        // Noise is drawn by channel: three grey channels are not the same any more.
        assert_ne!(mean.values[..784], mean.values[784..1568]);
        assert_eq!(read(&job.file).unwrap(), mean);
    }
}
