//! A metric is an entry of a list: a toy metric, which is the lowest point of a curve.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail loudly, too")]

use evaluation::families;
use evaluation::metrics::{Entry, Measured, Metric, Row, scores_by};
use sweep::evaluation::{Axis, Direction, Evaluation, Measurement, Of, Only, Score};
use sweep::parameters::Parameters;

const TOY: Entry = Entry {
    name: "LowestPoint",
    summary: "lowest point of the curve while the most relevant pixels are removed",
    reference: "this file",
    direction: Direction::Lower,
    parameters: &[],
    build: |_| Ok(Box::new(LowestPoint)),
};

#[derive(Debug)]
struct LowestPoint;

impl Metric for LowestPoint {
    fn measured(&self) -> Vec<Measured> {
        let family = families::find("curve").unwrap();
        vec![Measured { family, parameters: Parameters::default() }]
    }

    fn score(&self, rows: &[Row<'_>]) -> f64 {
        f64::from(rows[0].values.iter().copied().fold(f32::NAN, f32::min))
    }
}

/// Evaluation of a group by the toy alone: curves of three steps.
fn evaluation(metric: &dyn Metric) -> Evaluation {
    let [measured] = &metric.measured()[..] else { panic!("the toy reads one measurement") };
    let measurement = Measurement {
        key: "curve".to_owned(),
        family: measured.family.name().to_owned(),
        parameters: measured.parameters.clone(),
        axes: vec![Axis { name: "step".to_owned(), size: 3 }],
        of: Of::All,
    };
    let score = Score {
        key: TOY.name.to_owned(),
        class: TOY.name.to_owned(),
        parameters: Parameters::default(),
        measurements: vec!["curve".to_owned()],
        of: Of::All,
        direction: TOY.direction,
        only: Only::All,
    };
    Evaluation { measurements: vec![measurement], scores: vec![score] }
}

#[test]
fn a_metric_of_a_file_of_its_own_scores_what_a_family_has_measured() {
    let metric = (TOY.build)(&Parameters::default()).unwrap();
    let evaluation = evaluation(&*metric);
    let curves = vec![0.9, 0.25, 0.5, 0.75, 0.5, 0.125, 0.5, f32::NAN, 0.25];
    let found = scores_by(&*metric, &evaluation.scores[0], &evaluation, 3, |_| Some(curves.clone()));
    assert_eq!(found, [0.25, 0.125, 0.25]);
    let missing = scores_by(&*metric, &evaluation.scores[0], &evaluation, 2, |_| None);
    assert!(missing.iter().all(|score| score.is_nan()), "{missing:?}");
}
