//! Links under the names by which later scripts of the reference's DenseNet experiment look for stores.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{is_place, named, of_scripts};
use crate::error::StoreError;

/// Leaves a link `model-<model>_noise-<noise>` to the store of tensors at `place`, beside the folder of its dataset and split: there the scripts
/// look. Returns the link; `None` for a store in another format.
///
/// # Errors
/// [`StoreError::InTheWay`] where something else has the name, [`StoreError::Write`] where the disk has no links.
pub fn link_for_scripts(place: &Path) -> Result<Option<PathBuf>, StoreError> {
    let Some((folder, name)) = named(place).filter(|_| is_place(place)) else { return Ok(None) };
    let Some(link) = of_scripts(&folder, &name) else { return Ok(None) };
    // A path from the link on: the output folder may be moved.
    let target = place.strip_prefix(&folder).unwrap_or(place);
    match fs::read_link(&link) {
        Ok(found) if found == target => Ok(Some(link)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let made = std::os::unix::fs::symlink(target, &link);
            made.map_err(|source| StoreError::Write { path: link.clone(), source })?;
            Ok(Some(link))
        }
        _ => Err(StoreError::InTheWay { path: link }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensors::{ROOT, place};

    const NAME: &str = "dataset-imagenet_model-m_noise-clean_split-val";

    #[test]
    fn a_store_has_a_link_where_scripts_look_which_is_made_once_and_moves_with_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let (out, moved) = (folder.path().join("out"), folder.path().join("moved"));
        let store = place(&out, NAME);
        assert_eq!(link_for_scripts(&store).unwrap(), None, "no store is there");
        fs::create_dir_all(&store).unwrap();
        fs::write(store.join(ROOT), "{}").unwrap();
        fs::write(store.join("images.pt"), "images").unwrap();
        for _ in 0..2 {
            assert_eq!(link_for_scripts(&store).unwrap(), Some(out.join("model-m_noise-clean")));
        }
        fs::rename(&out, &moved).unwrap();
        assert_eq!(fs::read(moved.join("model-m_noise-clean/images.pt")).unwrap(), b"images");
        assert_eq!(link_for_scripts(&moved.join(format!("{NAME}.zarr"))).unwrap(), None);
    }

    #[test]
    fn what_somebody_else_has_under_the_name_stays() {
        let folder = tempfile::tempdir().unwrap();
        let store = place(folder.path(), NAME);
        fs::create_dir_all(&store).unwrap();
        fs::write(store.join(ROOT), "{}").unwrap();
        let link = folder.path().join("model-m_noise-clean");
        fs::create_dir(&link).unwrap();
        assert!(matches!(link_for_scripts(&store), Err(StoreError::InTheWay { path }) if path == link));
        fs::remove_dir(&link).unwrap();
        std::os::unix::fs::symlink("elsewhere", &link).unwrap();
        assert!(matches!(link_for_scripts(&store), Err(StoreError::InTheWay { .. })));
        assert_eq!(fs::read_link(&link).unwrap(), Path::new("elsewhere"));
    }
}
