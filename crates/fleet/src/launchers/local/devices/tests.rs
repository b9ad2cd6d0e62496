use super::*;

#[test]
fn the_cores_are_divided_among_the_workers_and_each_gets_one_at_least() {
    let cores = cores::cores();
    for workers in [1, 2, cores.count, 2 * cores.count] {
        let slots = slots(&Devices::Cpu { workers }, &[]).unwrap();
        assert_eq!(slots.len(), workers);
        let threads: Vec<usize> = slots.iter().map(|slot| slot.threads).collect();
        assert_eq!(threads, cores.shared_by(workers));
    }
}

#[test]
fn a_gpu_that_is_not_there_is_an_error_that_says_what_to_do() {
    let error = slots(&Devices::Gpus(vec![999]), &[]).unwrap_err().to_string();
    assert!(error.contains("devices: cpu") || error.contains("this machine has"), "{error}");
}

fn gpu(uuid: &str, state: State) -> Gpu {
    Gpu { uuid: uuid.to_owned(), name: format!("card {uuid}"), state }
}

fn named(slots: &[Slot]) -> Vec<&str> {
    slots.iter().map(|slot| slot.name.as_str()).collect()
}

#[test]
fn auto_takes_the_gpus_that_are_idle_and_those_of_this_sweep_and_leaves_others_alone() {
    let gpus = [gpu("a", State::Busy), gpu("b", State::Idle), gpu("c", State::Broken), gpu("d", State::Busy)];
    let take = |ours: &[&str]| {
        let ours: Vec<String> = ours.iter().map(|uuid| (*uuid).to_owned()).collect();
        choose(&Devices::Auto, &ours, || Ok(gpus.to_vec())).unwrap()
    };
    let slots = take(&[]);
    assert_eq!((named(&slots), slots[0].gpu.as_deref()), (vec!["gpu:1 (card b)"], Some("b")));
    // A worker that outlived its scheduler is at work there.
    assert_eq!(named(&take(&["d"])), ["gpu:1 (card b)", "gpu:3 (card d)"]);
}

#[test]
fn where_no_gpu_is_idle_it_is_said_of_each_why_and_the_processor_must_be_asked_for() {
    let gpus = || Ok(vec![gpu("a", State::Busy), Gpu { name: "lost".into(), ..gpu("b", State::Broken) }]);
    let error = choose(&Devices::Auto, &[], gpus).unwrap_err().to_string();
    assert!(error.starts_with("no GPU is idle (others work on GPU 0; GPU 1 does not answer: lost)"), "{error}");
    assert!(error.contains("devices: cpu"), "{error}");
    assert_eq!(named(&choose(&Devices::Cpu { workers: 1 }, &[], gpus).unwrap()), ["cpu:0"]);
}

#[test]
fn a_machine_without_gpus_or_driver_computes_on_the_processor_unless_gpus_are_asked_for() {
    let no_driver = || Err("the NVIDIA driver does not answer: no library".to_owned());
    assert_eq!(named(&choose(&Devices::Auto, &[], no_driver).unwrap()), ["cpu:0"]);
    assert_eq!(named(&choose(&Devices::Auto, &[], || Ok(Vec::new())).unwrap()), ["cpu:0"]);
    let error = choose(&Devices::Gpus(vec![0]), &[], no_driver).unwrap_err().to_string();
    let expected = "no GPU can be used (the NVIDIA driver does not answer: no library); set `devices: cpu`";
    assert!(error.starts_with(expected), "{error}");
    let error = choose(&Devices::Gpus(vec![0]), &[], || Ok(Vec::new())).unwrap_err().to_string();
    assert_eq!(error, "there is no GPU 0; this machine has: none");
}

#[test]
fn that_the_processor_computes_is_said_where_nobody_asked_for_it() {
    let of = |gpu: Option<&str>| Slot { gpu: gpu.map(str::to_owned), ..cpu(1)[0].clone() };
    let told = without_gpu(&Devices::Auto, &[of(None)]);
    assert!(told.is_some_and(|text| text.starts_with("no GPU can be used (")));
    assert_eq!(without_gpu(&Devices::Auto, &[of(Some("a"))]), None);
    assert_eq!(without_gpu(&Devices::Cpu { workers: 1 }, &[of(None)]), None);
}

#[test]
fn a_gpu_that_is_named_is_taken_though_others_work_on_it_but_not_if_it_does_not_answer() {
    let gpus = || Ok(vec![gpu("a", State::Busy), Gpu { name: "lost".into(), ..gpu("b", State::Broken) }]);
    assert_eq!(named(&choose(&Devices::Gpus(vec![0]), &[], gpus).unwrap()), ["gpu:0 (card a)"]);
    let error = choose(&Devices::Gpus(vec![1]), &[], gpus).unwrap_err().to_string();
    assert!(error.contains("GPU 1 does not answer: lost"), "{error}");
}
