//! The batch script: what every job of an array runs.

use super::super::job::Job;
use super::super::shell::{line, quoted};
use super::settings::{Container, Settings};

/// Frame of the script. The shell stays, so that the last job that finds its scheduler gone takes those out of the queue that wait
/// behind it. SIGTERM, which Slurm sends at the end of a job, before a preemption and for scancel, is passed on.
const FRAME: &str = r#"#!/bin/bash
SETUP
case $SLURM_ARRAY_TASK_ID in
INSTANCES
*) echo "no worker was asked for in place $SLURM_ARRAY_TASK_ID" >&2; exit 2 ;;
esac
ends=${SLURM_JOB_END_TIME:-$(SLURM_TIME_FORMAT=%s squeue --noheader --job="$SLURM_JOB_ID" --format=%e 2>/dev/null)}
case $ends in '' | *[!0-9]*) ends=0 ;; esac
cd FOLDER || exit 2
env ENVIRONMENT PREFIX WORKER --slot "$SLURM_ARRAY_TASK_ID" --instance "$instance" --job "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID" \
    --restart "${SLURM_RESTART_COUNT:-0}" --node "$SLURMD_NODENAME" --ends "$ends" DEVICE &
worker=$!
trap 'kill -TERM "$worker" 2>/dev/null' TERM
wait "$worker"
code=$?
# A signal ends the waiting, and not the worker.
while kill -0 "$worker" 2>/dev/null; do
    wait "$worker"
    code=$?
done
# The scheduler was not there, or is not any more: nobody needs the jobs that still wait.
case $code in 80 | 84) scancel --state=PENDING "$SLURM_ARRAY_JOB_ID" ;; esac
exit $code
"#;

/// The script for `jobs`, which differ in their slots and instances alone.
pub(super) fn script(settings: &Settings, jobs: &[Job], device: &[String], environment: &[String]) -> String {
    let Some(first) = jobs.first() else { return String::new() };
    let folder = std::env::current_dir().unwrap_or_default();
    let folder = folder.to_string_lossy();
    let instances: Vec<String> = jobs.iter().map(|job| format!("{}) instance={} ;;", job.slot, job.instance)).collect();
    let program = first.program.to_string_lossy();
    let worker = line([&*program].into_iter().chain(first.arguments.iter().map(String::as_str)));
    let parts = [
        ("SETUP", settings.setup.clone()),
        ("INSTANCES", instances.join("\n")),
        ("FOLDER", quoted(&folder)),
        ("ENVIRONMENT", line(environment.iter().map(String::as_str))),
        ("PREFIX", prefix(settings.container.as_ref(), &folder)),
        ("WORKER", worker),
        ("DEVICE", line(device.iter().map(String::as_str))),
    ];
    fill(FRAME, &parts)
}

/// `frame` with `parts` in place of their names, each of which stands there once, in this order: no part is looked through for
/// the name of another one.
pub(super) fn fill(frame: &str, parts: &[(&str, String)]) -> String {
    let (mut text, mut rest) = (String::new(), frame);
    for (name, part) in parts {
        if let Some((before, after)) = rest.split_once(name) {
            text.push_str(before);
            text.push_str(part);
            rest = after;
        }
    }
    text + rest
}

pub(super) fn prefix(container: Option<&Container>, folder: &str) -> String {
    match container {
        None => String::new(),
        Some(Container::Apptainer(image)) => {
            line(["apptainer", "exec", "--nv", "--bind", folder, "--pwd", folder, image])
        }
        Some(Container::Pyxis(image)) => {
            let (image, mounts) = (format!("--container-image={image}"), format!("--container-mounts={folder}"));
            let folder = format!("--container-workdir={folder}");
            line(["srun", "--ntasks=1", "--kill-on-bad-exit=0", &image, &mounts, &folder])
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::Command;

    use sweep::problem::Problems;
    use sweep::yaml::{Fields, parse};

    use super::*;

    fn settings(text: &str) -> Settings {
        let node = parse(text).unwrap_or_else(|error| panic!("{error:?}"));
        Settings::read(&mut Fields::within(&node, "", &mut Problems::new(Path::new("c.yml"))))
    }

    fn job(slot: usize, program: &Path) -> Job {
        let arguments = vec!["run".to_owned(), "--access".to_owned(), "it's here".to_owned()];
        let (token, logs) = ("secret".to_owned(), "logs".into());
        Job { program: program.to_owned(), arguments, slot, instance: 70 + slot as u64, token, logs }
    }

    /// Runs the script as Slurm would, with a worker that says how it was started and leaves with `code`.
    fn run(folder: &Path, setup: &str, place: &str, code: i32) -> (String, Option<i32>) {
        let program = folder.join("a worker");
        std::fs::write(&program, format!("#!/bin/sh\necho \"$OMP_NUM_THREADS $*\"\nexit {code}\n")).unwrap();
        std::fs::write(folder.join("scancel"), "#!/bin/sh\necho \"scancel $*\"\n").unwrap();
        for name in ["a worker", "scancel"] {
            Command::new("chmod").arg("+x").arg(folder.join(name)).status().unwrap();
        }
        let jobs = [job(0, &program), job(3, &program)];
        let environment = ["-u".to_owned(), "NVIDIA_TF32_OVERRIDE".to_owned(), "OMP_NUM_THREADS=2".to_owned()];
        let text = script(&settings(setup), &jobs, &["--device".to_owned(), "cpu".to_owned()], &environment);
        assert!(!text.contains("secret"), "{text}");
        let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
        let output = Command::new("bash")
            .args(["-c", &text])
            .env("PATH", path)
            .env("SLURM_ARRAY_TASK_ID", place)
            .env("SLURM_ARRAY_JOB_ID", "12")
            .env("SLURMD_NODENAME", "n1")
            .env("SLURM_JOB_END_TIME", "1800000000")
            .output()
            .unwrap();
        (String::from_utf8_lossy(&output.stdout).into_owned(), output.status.code())
    }

    #[test]
    fn a_job_starts_the_worker_of_its_place_and_leaves_as_the_worker_does() {
        let folder = tempfile::tempdir().unwrap();
        let (said, code) = run(folder.path(), "setup: echo ready", "3", 7);
        let expected = "ready\n2 run --access it's here --slot 3 --instance 73 --job 12_3 --restart 0 --node n1 \
                        --ends 1800000000 --device cpu\n";
        assert_eq!((said.as_str(), code), (expected, Some(7)));
        assert_eq!(run(folder.path(), "workers: 4", "1", 0).1, Some(2), "a place that nobody asked for");
    }

    #[test]
    fn a_job_whose_scheduler_is_gone_takes_the_others_out_of_the_queue() {
        let folder = tempfile::tempdir().unwrap();
        for (code, cancels) in [(84, true), (80, true), (87, false), (0, false)] {
            let (said, left) = run(folder.path(), "workers: 4", "0", code);
            assert_eq!((said.contains("scancel --state=PENDING 12"), left), (cancels, Some(code)), "{said}");
        }
    }

    #[test]
    fn a_container_is_entered_in_the_folder_of_the_sweep() {
        let folder = std::env::current_dir().unwrap();
        let text = script(&settings("container: /images/a.sif"), &[job(0, Path::new("worker"))], &[], &[]);
        let expected = format!("apptainer exec --nv --bind {0} --pwd {0} /images/a.sif worker run", folder.display());
        assert!(text.contains(&expected), "{text}");
        let text = script(&settings("container: {pyxis: a.sqsh}"), &[job(0, Path::new("worker"))], &[], &[]);
        assert!(text.contains("srun --ntasks=1 --kill-on-bad-exit=0 --container-image=a.sqsh"), "{text}");
    }
}
