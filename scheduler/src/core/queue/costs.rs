//! Costs of tasks, by which the queue orders the tasks.

use super::Place;
use crate::core::event::Task;

/// Place of every task in the queue. A task without a forecast costs, for each map, as much as tasks with a forecast do.
pub(in crate::core) fn places(tasks: &[Task]) -> Vec<Place> {
    let seconds = |task: &Task| task.forecast.map(|seconds| seconds as f32);
    let (mut sum, mut maps) = (0.0, 0);
    for task in tasks {
        if let Some(seconds) = seconds(task) {
            sum += f64::from(seconds);
            maps += task.maps;
        }
    }
    let of_map = if maps > 0 { sum / maps as f64 } else { 1.0 };
    let cost = |task: &Task| seconds(task).unwrap_or((task.maps as f64 * of_map) as f32);
    tasks.iter().map(|task| Place { home: task.home, cost: cost(task), first: task.first }).collect()
}
