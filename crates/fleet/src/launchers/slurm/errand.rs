//! Errands: a command in a job of its own, such as a whole scheduler. The job is an array of one, so that it is found, asked about and
//! cancelled as the jobs of workers are.

use std::process::Command;

use super::super::job::{Errand, Submitted, Ticket};
use super::super::shell::{line, quoted};
use super::desk::new_name;
use super::kinds::PROCESSORS;
use super::programs::run;
use super::script::{fill, prefix};
use super::settings::Settings;

/// Seconds before the end of its job at which the command is told to end in order.
const BEFORE: u32 = 120;

/// Options that a job of workers has, and the job of a command that computes nothing has not.
const OF_WORKERS: [&str; 11] = [
    "--time=",
    "-t",
    "--cpus-per-",
    "-c",
    "--mem=",
    "--mem-per-",
    "--gres=",
    "--gpus",
    "-G",
    "--tres-per-",
    "--exclusive",
];

/// Frame of the script. At the end of its time the command ends in order (130) and the job is put back into the queue, as the same
/// command goes on. A job that is cancelled or preempted says nothing: Slurm knows whether it starts again.
const FRAME: &str = r#"#!/bin/bash
SETUP
cd FOLDER || exit 2
rm -f CODE
again=
told=
command=
trap 'told=1; kill -TERM "$command" 2>/dev/null' TERM
trap 'again=1; kill -TERM "$command" 2>/dev/null' USR1
PREFIX WORDS &
command=$!
# A signal may have come before there was anybody to tell.
[ -z "$again$told" ] || kill -TERM "$command" 2>/dev/null
wait "$command"
code=$?
# A signal ends the waiting, and not the command.
while kill -0 "$command" 2>/dev/null; do
    wait "$command"
    code=$?
done
# The shell remembers the code, also where a signal ended the last waiting.
wait "$command"
code=$?
# The command was not watching for signals yet.
if [ "$code" = 143 ] && [ -n "$again$told" ]; then code=130; fi
if [ "$code" = 130 ] && [ -n "$again" ] && scontrol requeue "$SLURM_JOB_ID"; then exit "$code"; fi
if [ "$code" != 130 ] || [ -z "$told" ]; then echo "$code" >CODE.new && mv CODE.new CODE; fi
exit "$code"
"#;

/// Hands the job in.
pub(super) fn submit(errand: &Errand, settings: &Settings) -> Result<Submitted, String> {
    let name = new_name(errand.instance);
    let mut command = Command::new("sbatch");
    command.args(options(errand, settings, &name));
    let answer = run(command, &script(errand, settings))?;
    // A cluster among several adds its name.
    let id = answer.split([';', ' ']).next().unwrap_or_default().to_owned();
    let cancel = format!("scancel {id}");
    Ok(Submitted { ticket: Ticket { name: format!("{name}/0"), pid: None }, id, cancel })
}

/// Options of sbatch: those of the config but for what workers need, and then those of the command line, which win.
fn options(errand: &Errand, settings: &Settings, name: &str) -> Vec<String> {
    let log = errand.log.to_string_lossy().replace('%', "%%");
    let own = ["--parsable", "--requeue", "--open-mode=append", "--ntasks=1", "--nodes=1", "--array=0"];
    let own = own.map(str::to_owned).into_iter();
    let named = [format!("--job-name={name}"), format!("--output={log}"), format!("--signal=B:USR1@{BEFORE}")];
    let computes = errand.kind.is_some();
    let of_workers = |option: &&String| OF_WORKERS.iter().any(|of| option.starts_with(of));
    let of_config = settings.options.iter().filter(|option| computes || !of_workers(option));
    let gres = errand.kind.as_ref().filter(|kind| *kind != PROCESSORS).map(|kind| format!("--gres={kind}"));
    let exclude = settings.exclude.as_ref().map(|nodes| format!("--exclude={nodes}"));
    own.chain(named)
        .chain(of_config.cloned())
        .chain(gres)
        .chain(exclude)
        .chain(errand.options.iter().cloned())
        .collect()
}

fn script(errand: &Errand, settings: &Settings) -> String {
    let folder = std::env::current_dir().unwrap_or_default();
    // Where workers run in a container, so does what stands for them.
    let container = settings.container.as_ref().filter(|_| errand.kind.is_some());
    let prefix = prefix(container, &folder.to_string_lossy());
    let code = quoted(&errand.code.to_string_lossy());
    let parts = [
        ("SETUP", settings.setup.clone()),
        ("FOLDER", quoted(&folder.to_string_lossy())),
        ("CODE", code.clone()),
        ("PREFIX", prefix),
        ("WORDS", line(errand.words.iter().map(String::as_str))),
        ("CODE", code.clone()),
        ("CODE", code.clone()),
        ("CODE", code),
    ];
    fill(FRAME, &parts)
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::Stdio;
    use std::time::Duration;

    use sweep::problem::Problems;
    use sweep::yaml::{Fields, parse};

    use super::*;

    fn settings(text: &str) -> Settings {
        let node = parse(text).unwrap_or_else(|error| panic!("{error:?}"));
        Settings::read(&mut Fields::within(&node, "", &mut Problems::new(Path::new("c.yml"))))
    }

    fn errand(folder: &Path, words: &[&str]) -> Errand {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        let (log, code) = (folder.join("log"), folder.join("it's the code"));
        Errand { instance: 255, words, log, code, options: vec!["--time=60".to_owned()], kind: None }
    }

    #[test]
    fn a_command_asks_for_what_the_config_says_but_not_for_the_devices_and_the_time_of_workers() {
        let settings =
            settings("partition: gpu\naccount: lab\ngpu: a100\ntime: 4h\ncpus: 8\nmemory: 1GiB\nexclude: n9\n");
        let options = options(&errand(Path::new("/a%b"), &[]), &settings, "attrisweep-ff");
        let expected = [
            "--output=/a%%b/log",
            "--signal=B:USR1@120",
            "--partition=gpu",
            "--account=lab",
            "--exclude=n9",
            "--time=60",
        ];
        let place = |option: &&str| {
            options.iter().position(|of| of == option).unwrap_or_else(|| panic!("{option}: {options:?}"))
        };
        assert!(expected.iter().map(place).is_sorted());
        for never in ["--gres", "--mem", "--cpus", "--time=240"] {
            assert!(!options.iter().any(|option| option.starts_with(never)), "{never}: {options:?}");
        }
    }

    #[test]
    fn a_command_that_computes_gets_what_a_worker_gets() {
        let settings = settings("time: 4h\ncpus: 8\n");
        let errand =
            |kind: &str| Errand { kind: Some(kind.to_owned()), options: Vec::new(), ..errand(Path::new("/a"), &[]) };
        let options = options(&errand("gpu:a100:1"), &settings, "attrisweep-ff");
        for expected in ["--time=240", "--cpus-per-task=8", "--gres=gpu:a100:1"] {
            assert!(options.iter().any(|option| option == expected), "{expected}: {options:?}");
        }
        let options = super::options(&errand(PROCESSORS), &settings, "attrisweep-ff");
        assert!(!options.iter().any(|option| option.starts_with("--gres")), "{options:?}");
    }

    /// Runs the script with a command that ends as soon as it is told to; sends `signal` to the script, and gives back its exit code,
    /// the code that it wrote, and what it said.
    fn run(signal: Option<&str>, code: i32) -> (Option<i32>, Option<String>, String) {
        let folder = tempfile::tempdir().unwrap();
        let begun = folder.path().join("begun");
        let wait = if signal.is_some() { "while :; do sleep 0.02; done" } else { ":" };
        let command = format!("trap 'exit {code}' TERM; touch '{}'; {wait}; exit {code}", begun.display());
        let errand = errand(folder.path(), &["bash", "-c", &command]);
        std::fs::write(folder.path().join("scontrol"), "#!/bin/sh\necho \"scontrol $*\"\n").unwrap();
        Command::new("chmod").arg("+x").arg(folder.path().join("scontrol")).status().unwrap();
        let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
        let child = Command::new("bash")
            .args(["-c", &script(&errand, &settings("workers: 1"))])
            .env("PATH", path)
            .env("SLURM_JOB_ID", "12")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        if let Some(signal) = signal {
            while !begun.exists() {
                std::thread::sleep(Duration::from_millis(5));
            }
            Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status().unwrap();
        }
        let output = child.wait_with_output().unwrap();
        let written = std::fs::read_to_string(&errand.code).ok().map(|text| text.trim().to_owned());
        (output.status.code(), written, String::from_utf8_lossy(&output.stdout).into_owned())
    }

    #[test]
    fn the_end_of_the_command_is_written_down_unless_the_job_may_start_again() {
        for code in [0, 1, 5] {
            assert_eq!(run(None, code), (Some(code), Some(code.to_string()), String::new()));
        }
        // Somebody pressed Ctrl-C on the command itself.
        assert_eq!(run(None, 130), (Some(130), Some("130".to_owned()), String::new()));
        // The time of the job is over.
        assert_eq!(run(Some("USR1"), 130), (Some(130), None, "scontrol requeue 12\n".to_owned()));
        // The sweep was done before it was told to end.
        assert_eq!(run(Some("USR1"), 0), (Some(0), Some("0".to_owned()), String::new()));
        // Cancelled, or preempted.
        assert_eq!(run(Some("TERM"), 130), (Some(130), None, String::new()));
    }
}
