//! Statistics of the methods of a group: magnitudes, completeness, and likeness of the methods to each other.

use pictures::figures::{Bins, Heat, distributions};
use pictures::palettes;
use store::{StoreError, convergence_delta, underflow};
use sweep::variant::Variant;

use crate::report::error::ReportError;
use crate::report::groups::{Found, Reading};
use crate::report::numbers::{FROM, Likeness, Magnitudes, Ranked, TO_TEN};
use crate::report::page::Page;
use crate::report::parts::csv::{Csv, number};
use crate::report::parts::{percent, told};

/// Columns of the table of methods.
pub(in crate::report) const METHODS: [&str; 14] = [
    "group",
    "method",
    "class",
    "sampled_images",
    "mean_abs",
    "mean_of_median_abs",
    "max_abs",
    "zero_share",
    "positive_share",
    "not_finite",
    "delta_images",
    "delta_mean_abs",
    "delta_max_abs",
    "underflow_mean",
];

/// Values of pixels in order that are held at once at most: 128 MiB.
const RANKED: usize = 16 << 20;

/// Numbers of an array over all images that are there.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    count: u64,
    sum: f64,
    largest: f64,
}

/// Statistics of the methods of a group.
pub(super) struct Statistics {
    magnitudes: Vec<Magnitudes>,
    deltas: Vec<Sums>,
    underflow: Vec<Sums>,
    /// Likeness of each of the first methods to each that is before it.
    likeness: Vec<Vec<Likeness>>,
}

/// Takes the statistics of so many images.
pub(super) fn of(reading: &mut Reading<'_>, sample: usize) -> Result<Statistics, StoreError> {
    let variants = &reading.group.variants;
    let [_, height, width] = reading.group.shape;
    let compared = variants.len().min(RANKED / (height * width).max(1));
    let mut magnitudes = vec![Magnitudes::new(); variants.len()];
    let mut likeness: Vec<Vec<Likeness>> = (0..compared).map(|at| vec![Likeness::default(); at]).collect();
    for image in reading.spread(sample) {
        let mut ranked: Vec<Option<Ranked>> = Vec::with_capacity(compared);
        for (at, variant) in variants.iter().enumerate() {
            let panel = if at < compared { reading.panel(variant, image)? } else { None };
            ranked.push(panel.as_ref().and_then(Ranked::of));
            if let Some(mut map) = reading.map(variant, image)? {
                magnitudes[at].add(&mut map);
            }
        }
        for (at, row) in likeness.iter_mut().enumerate() {
            for (before, likeness) in row.iter_mut().enumerate() {
                if let (Some(one), Some(other)) = (&ranked[at], &ranked[before]) {
                    likeness.add(one, other);
                }
            }
        }
    }
    let mut sums = |array: fn(&str) -> String| {
        variants.iter().map(|variant| summed(reading, &array(&variant.key))).collect::<Result<Vec<_>, _>>()
    };
    let (deltas, underflow) = (sums(convergence_delta)?, sums(underflow)?);
    Ok(Statistics { magnitudes, deltas, underflow, likeness })
}

/// Adds up the absolute values of an array of one number for each image, shard by shard.
fn summed(reading: &mut Reading<'_>, array: &str) -> Result<Sums, StoreError> {
    let mut sums = Sums::default();
    for shard in reading.shards(array) {
        for value in reading.numbers(array, shard)?.into_iter().map(|value| f64::from(value.abs())) {
            sums.count += 1;
            sums.sum += value;
            sums.largest = sums.largest.max(value);
        }
    }
    Ok(sums)
}

impl Sums {
    fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }

    fn largest(&self) -> Option<f64> {
        (self.count > 0).then_some(self.largest)
    }
}

impl Statistics {
    /// Writes the tables and figures of a group, and adds its methods to the table of all groups.
    pub(super) fn write(
        &self,
        page: &mut Page,
        found: &Found,
        variants: &[Variant],
        methods: &mut Csv,
    ) -> Result<(), ReportError> {
        page.title("Methods");
        let head = [
            "method",
            "images",
            "mean |a|",
            "median |a|",
            "max |a|",
            "zero",
            "positive",
            "mean |Δ|",
            "max |Δ|",
            "lost to float16",
        ];
        let rows: Vec<Vec<String>> = variants.iter().enumerate().map(|(at, variant)| self.row(at, variant)).collect();
        page.table("values of the maps (a) of a sample of images; completeness (Δ) of all images, where the method promises it", &head, &rows);
        for (at, variant) in variants.iter().enumerate() {
            methods.row(
                [found.name.clone(), variant.key.clone(), variant.class.clone()].into_iter().chain(self.numbers(at)),
            );
        }
        self.distributions(page, found, variants)?;
        self.heat(page, found, variants)
    }

    fn row(&self, at: usize, variant: &Variant) -> Vec<String> {
        let (of, delta) = (&self.magnitudes[at], &self.deltas[at]);
        let positive = if variant.is_signed() { percent(of.positive_share()) } else { "no signs".to_owned() };
        let mut name = variant.key.clone();
        if of.not_finite > 0 {
            name = format!("{name} (⚠ {} values are no finite number)", of.not_finite);
        }
        vec![
            name,
            of.images.to_string(),
            told(of.mean()),
            told(of.median()),
            told((of.images > 0).then_some(of.largest)),
            percent(of.zero_share()),
            positive,
            told(delta.mean()),
            told(delta.largest()),
            percent(self.underflow[at].mean()),
        ]
    }

    fn numbers(&self, at: usize) -> [String; 11] {
        let (of, delta) = (&self.magnitudes[at], &self.deltas[at]);
        [
            of.images.to_string(),
            number(of.mean()),
            number(of.median()),
            number((of.images > 0).then_some(of.largest)),
            number(of.zero_share()),
            number(of.positive_share()),
            of.not_finite.to_string(),
            delta.count.to_string(),
            number(delta.mean()),
            number(delta.largest()),
            number(self.underflow[at].mean()),
        ]
    }

    fn distributions(&self, page: &mut Page, found: &Found, variants: &[Variant]) -> Result<(), ReportError> {
        let mut csv = Csv::new(&["method", "log10_from", "log10_to", "values"]);
        let mut bins = Vec::new();
        for (variant, of) in variants.iter().zip(&self.magnitudes) {
            for (at, count) in of.bins.iter().enumerate().filter(|(_, count)| **count > 0) {
                let edge = |at: usize| (f64::from(FROM) + at as f64 / TO_TEN as f64).to_string();
                csv.row([variant.key.clone(), edge(at), edge(at + 1), count.to_string()]);
            }
            bins.push(Bins { name: variant.key.clone(), counts: of.bins.clone() });
        }
        let caption =
            "Distribution of the magnitudes |a| of the values that are not zero; each row has its own height.";
        let svg = distributions(caption, &bins, FROM, TO_TEN);
        page.figure(&format!("g{:04}-magnitudes", found.number), caption, &svg, Some(&csv.text))
    }

    fn heat(&self, page: &mut Page, found: &Found, variants: &[Variant]) -> Result<(), ReportError> {
        let compared = self.likeness.len();
        if compared < 2 {
            return Ok(());
        }
        let mut csv = Csv::new(&["method", "other", "images", "spearman", "overlap"]);
        for (at, row) in self.likeness.iter().enumerate() {
            for (before, of) in row.iter().enumerate() {
                let names = [&variants[at].key, &variants[before].key].map(Clone::clone);
                csv.row(names.into_iter().chain([of.images.to_string(), number(of.spearman()), number(of.overlap())]));
            }
        }
        let names: Vec<String> = variants[..compared].iter().map(|variant| variant.key.clone()).collect();
        let value = |row: usize, column: usize| match row.cmp(&column) {
            std::cmp::Ordering::Equal => Some(1.0),
            std::cmp::Ordering::Greater => self.likeness[row][column].spearman(),
            // Above the diagonal.
            std::cmp::Ordering::Less => self.likeness[column][row].overlap(),
        };
        let values = (0..compared).map(|row| (0..compared).map(|column| value(row, column)).collect()).collect();
        let mut caption = "Likeness of the methods to each other, by absolute values of maps summed over channels, mean over images: Spearman's rank \
                           correlation of the pixels below the diagonal, share of the first tenth of the pixels that both have above."
            .to_owned();
        if compared < variants.len() {
            caption = format!("{caption} The first {compared} of {} methods, as maps are large.", variants.len());
        }
        let palette = palettes::named(Some("RdBu_r"), true)?;
        let heat = Heat { title: &caption, rows: names.clone(), columns: names, values, range: [-1.0, 1.0], palette };
        page.figure(&format!("g{:04}-likeness", found.number), &caption, &heat.svg(), Some(&csv.text))
    }
}
