//! Arrays of a store as they are exported: what each is called, its type and its shape.

use files::torch::ElementType;
use serde_json::Value;
use sweep::group::Group;
use sweep::variant::Variant;

use crate::error::StoreError;
use crate::families::{self, FAMILIES, Family};
use crate::ledger::evaluation_arrays;
use crate::metadata::Described;

use super::selection::Selection;

/// An array that is exported.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    /// Path of the array in the store.
    pub(crate) path: String,
    /// Element type in the export.
    pub(crate) element: ElementType,
    /// Whether the array has a row for each image.
    pub(crate) of_images: bool,
    /// Whether each row is an image or a map, stored by itself.
    pub(crate) is_cut: bool,
    /// Shape of a row; of the whole array if it has no row for each image.
    pub(crate) row: Vec<u64>,
    /// Names of the dimensions.
    pub(crate) dimensions: Vec<String>,
    /// Attributes of the array.
    pub(crate) attributes: Value,
}

impl Column {
    /// Shape of the array in an export of `images` images.
    pub(crate) fn shape(&self, images: u64) -> Vec<u64> {
        let first = self.of_images.then_some(images);
        first.into_iter().chain(self.row.iter().copied()).collect()
    }

    /// Whether the values are integers.
    pub(crate) fn is_integer(&self) -> bool {
        self.element == ElementType::Int64
    }

    fn of(path: &str, family: &Family, metadata: &Value, float32: bool) -> Option<Self> {
        let shape: Vec<u64> = serde_json::from_value(metadata["shape"].clone()).ok()?;
        let dimensions: Vec<String> = serde_json::from_value(metadata["dimension_names"].clone()).ok()?;
        let of_images = dimensions.first().is_some_and(|name| name == "sample");
        let element = match metadata["data_type"].as_str()? {
            "float16" if !float32 => ElementType::Float16,
            "float16" | "float32" => ElementType::Float32,
            "int64" => ElementType::Int64,
            _ => return None,
        };
        let row = shape.get(usize::from(of_images)..)?.to_vec();
        let is_cut = family.is_of_shape_of_images();
        let attributes = metadata["attributes"].clone();
        Some(Self { path: path.to_owned(), element, of_images, is_cut, row, dimensions, attributes })
    }
}

/// Arrays of the complete store `described` that `selection` wants, in the order of the families. Variants that the last config did not
/// ask for and that are not whole are left out.
///
/// # Errors
/// [`StoreError::Damaged`] for an array whose metadata says what no run writes.
pub(crate) fn columns(described: &Described, selection: &Selection) -> Result<Vec<Column>, StoreError> {
    let group = &described.group;
    let wanted = |variant: &&Variant| described.asked.contains(&variant.key) && selection.has(&variant.key);
    let of_variants = Group { variants: group.variants.iter().filter(wanted).cloned().collect(), ..group.clone() };
    let evaluated = evaluation_arrays(&of_variants);
    let mut columns = Vec::new();
    for family in FAMILIES {
        let of_family = described.consolidated.iter().filter(|(path, node)| {
            let found = families::find(path);
            let is_array = node["node_type"] == "array" && found.is_some_and(|(found, _)| found.path == family.path);
            let key = found.and_then(|(_, member)| member).unwrap_or_default();
            // Of an evaluation, what the last config asked for is whole.
            let is_evaluated = || evaluated.iter().any(|(array, _)| *array == **path);
            let is_array = is_array && (!family.is_of_evaluation() || is_evaluated());
            is_array && (!family.is_of_variants() || (described.asked.contains(key) && selection.has(key)))
        });
        for (path, node) in of_family {
            let column = Column::of(path, family, node, selection.float32).ok_or_else(|| StoreError::Damaged {
                path: described.group.store.join(path),
                reason: "its metadata is not that of an array of a store".to_owned(),
            })?;
            columns.push(column);
        }
    }
    Ok(columns)
}
