//! Order of grants: units, workers, and the end of a sweep.

mod tail;
mod waiting;

use super::*;

#[test]
fn means_follow_the_last_shard_of_their_group_and_close_it() {
    let mut rig = Rig::new(&[2], 1);
    let (slot, worker) = rig.connect();
    rig.answer(worker, None);
    rig.answer(worker, None);
    assert_eq!(rig.grant_of(worker).map(|(unit, _)| unit.part), Some(Part::Whole));
    assert_eq!((rig.counted, rig.closed.clone()), (20, vec![]));
    rig.answer(worker, None);
    assert_eq!(rig.closed, [0]);
    rig.exit(slot, worker, Ended::Code(0));
    assert_eq!(rig.outcome, Some(Outcome::Complete));
}

#[test]
fn a_sweep_with_nothing_to_do_ends_without_a_worker() {
    let actions = Sweep::new(Vec::new(), vec![None], 2, POLICY).core.start(Now::ZERO, &[]);
    assert_eq!(actions, [Action::End(Outcome::Complete)]);
}

/// The scheduler died between the last shard and the means.
#[test]
fn a_sweep_that_lacks_means_only_starts_a_worker_for_them() {
    let mut rig = Rig::of(Sweep::new(Vec::new(), vec![Some(means(&group(0, 2)))], 2, POLICY), &[]);
    assert_eq!(rig.launched, [0]);
    let (_, worker) = rig.connect();
    assert!(rig.grant_of(worker).is_some());
}

#[test]
fn a_worker_reads_ahead_only_while_there_is_work_for_all() {
    let mut rig = Rig::new(&[4], 2);
    let (_, a) = rig.connect();
    assert_eq!(rig.holds(a).len(), 2);
    let (_, b) = rig.connect();
    // One unit is left for two workers: who is free first shall have it.
    assert_eq!((rig.holds(a).len(), rig.holds(b).len()), (2, 1));
}

#[test]
fn an_interrupt_waits_for_the_workers_for_a_while_and_then_ends_them() {
    let mut rig = Rig::new(&[2], 1);
    let (slot, worker) = rig.connect();
    rig.event(Event::Interrupt);
    rig.silence(GRACE);
    assert_eq!((rig.stopped.clone(), rig.killed.len()), (vec![worker], 0));
    rig.silence(Duration::from_secs(1));
    assert_eq!(rig.killed, [slot]);
    rig.exit(slot, worker, KILLED);
    assert_eq!(rig.outcome, Some(Outcome::Interrupted));
    assert_eq!(rig.launched, [0; 0]);
}

/// Names of what one worker on each of `slots` is granted, one at a time, in that order.
fn granted(tasks: Vec<Job>, groups: usize, slots: usize) -> Vec<String> {
    let mut rig = Rig::of(Sweep::new(tasks, vec![None; groups], slots, POLICY), &[]);
    let mut workers = Vec::new();
    while !rig.launched.is_empty() {
        workers.push(rig.connect());
    }
    let mut order = Vec::new();
    while let Some((_, worker)) = workers.iter().find(|(_, worker)| rig.grant_of(*worker).is_some()).copied() {
        let unit = rig.grant_of(worker).unwrap().0;
        order.push(unit.id().to_string().replace("dataset-", "").replace("_noise-clean_split-test", ""));
        rig.answer(worker, None);
    }
    order
}

#[test]
fn the_longest_unit_is_granted_first_and_equals_keep_the_order_of_the_config() {
    let of = group(0, 4);
    let tasks = [3.0, 5.0, 3.0, 4.0].into_iter().zip(0..).map(|(cost, shard)| task(0, &of, shard, Some(cost)));
    assert_eq!(granted(tasks.collect(), 1, 1), ["d0_model-m0/1", "d0_model-m0/3", "d0_model-m0/0", "d0_model-m0/2"]);
}

/// Group 0 has 10 s of work, group 1 has 12 s; the last units of each are short.
#[test]
fn a_worker_stays_with_its_model_until_nothing_of_it_waits() {
    let (a, b) = (group(0, 2), group(1, 3));
    let mut tasks = vec![task(0, &a, 0, Some(6.0)), task(0, &a, 1, Some(4.0))];
    tasks.extend([5.0, 5.0, 2.0].into_iter().zip(0..).map(|(cost, shard)| task(1, &b, shard, Some(cost))));
    let order = granted(tasks, 2, 1);
    assert_eq!(order, ["d1_model-m1/0", "d1_model-m1/1", "d1_model-m1/2", "d0_model-m0/0", "d0_model-m0/1"]);
}

/// Two workers, ten units of 1 s of one model and one of 9 s of another. Both begin with the model that has more
/// to do; were the long one left for last, one device would idle for 9 s.
#[test]
fn a_unit_that_would_outlast_all_others_is_not_left_for_the_end() {
    let (a, b) = (group(0, 10), group(1, 1));
    let mut tasks: Vec<Job> = (0..10).map(|shard| task(0, &a, shard, Some(1.0))).collect();
    tasks.push(task(1, &b, 0, Some(9.0)));
    let mut rig = Rig::of(Sweep::new(tasks, vec![None; 2], 2, POLICY), &[]);
    let (_, first) = rig.connect();
    let (_, second) = rig.connect();
    let models = [first, second].map(|worker| rig.grant_of(worker).unwrap().0.group.model.clone());
    assert_eq!(models, ["m0", "m1"]);
}

#[test]
fn workers_divide_models_among_themselves() {
    let tasks: Vec<Job> = (0..2)
        .flat_map(|index| {
            let of = group(index, 6);
            (0..6).map(move |shard| task(index, &of, shard, Some(1.0)))
        })
        .collect();
    let mut rig = Rig::of(Sweep::new(tasks, vec![None; 2], 2, POLICY), &[]);
    let (_, a) = rig.connect();
    let (_, b) = rig.connect();
    for _ in 0..4 {
        let models = [a, b].map(|worker| rig.grant_of(worker).unwrap().0.group.model.clone());
        assert_ne!(models[0], models[1]);
        rig.answer(a, None);
        rig.answer(b, None);
    }
}
