//! How long it takes to a program's first output in a container: made for it, waiting for it, and by `docker run` with the
//! same flags.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use vetrun::sandbox::docker::{DEFAULT_IMAGE, DockerOptions, DockerSandbox};
use vetrun::sandbox::{Ended, Interpreter, Job, Limits, Mount, Network, Program, Sandbox as _, Stop, WORK_DIR};

use super::text;

/// Says what the clock says, which is the same inside.
const SCRIPT: &str = "import time\nprint(time.time_ns())\n";
/// Between two rounds, so that a container that waits can be replaced.
const PAUSE: Duration = Duration::from_millis(600);

/// One way to run the script: what it said.
type Turn<'a> = &'a dyn Fn() -> Result<String, String>;

/// Takes turns, round by round, and prints the median and the 99th percentile of each: to the first output, and until
/// everything is gone again.
pub(super) fn measure(rounds: usize) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(text)?;
    std::fs::write(folder.path().join("main.py"), SCRIPT).map_err(text)?;
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(folder.path(), open).map_err(text)?;
    let socket = std::env::var("DOCKER_HOST").ok();
    let options = |warm| DockerOptions { socket: socket.clone(), warm, ..DockerOptions::default() };
    let cold = DockerSandbox::connect(options(None)).map_err(text)?;
    let warm = DockerSandbox::connect(options(Some((1, Limits::default())))).map_err(text)?;
    let job = job(folder.path());
    let mut times: BTreeMap<&str, Vec<[Duration; 2]>> = BTreeMap::new();
    for round in 0..=rounds {
        let turns: [(&str, Turn<'_>); 3] = [
            ("docker run", &|| by_client(folder.path())),
            ("vetrun, cold", &|| by(&cold, &job)),
            ("vetrun, waiting", &|| by(&warm, &job)),
        ];
        for (name, turn) in turns {
            std::thread::sleep(PAUSE);
            let (wall, began) = (SystemTime::now(), Instant::now());
            let said = turn()?;
            let all = began.elapsed();
            let nanos = said.trim().parse().map_err(|_| format!("{name} said {said}"))?;
            let first = Duration::from_nanos(nanos).saturating_sub(wall.duration_since(UNIX_EPOCH).map_err(text)?);
            // The first round makes everything warm.
            if round > 0 {
                times.entry(name).or_default().push([first, all]);
            }
        }
    }
    println!("{rounds} rounds; ms, median and 99th percentile");
    println!("{:<18}{:>20}{:>24}", "", "to first output", "until it is gone");
    for (name, times) in &mut times {
        let [first, all] = [0, 1].map(|which| {
            times.sort_by_key(|pair| pair[which]);
            let at = |part: usize| times[(times.len() * part / 100).min(times.len() - 1)][which].as_secs_f64() * 1000.0;
            format!("{:.1} {:.1}", at(50), at(99))
        });
        println!("{name:<18}{first:>20}{all:>24}");
    }
    Ok(())
}

fn job(folder: &Path) -> Job {
    Job {
        program: Program::Interpreter(Interpreter::Python),
        args: vec!["main.py".to_owned()],
        env: BTreeMap::new(),
        cwd: WORK_DIR.to_owned(),
        stdin: Vec::new(),
        mounts: vec![Mount { host: folder.to_owned(), inside: WORK_DIR.to_owned() }],
        host_packages: false,
        collect_into: None,
        network: Network::None,
        limits: Limits::default(),
        trace: false,
    }
}

fn by(sandbox: &DockerSandbox, job: &Job) -> Result<String, String> {
    let outcome = sandbox.run(job, &Stop::default()).map_err(text)?;
    if outcome.ended != Ended::Exited(0) {
        return Err(format!("{:?}", outcome.ended));
    }
    Ok(String::from_utf8_lossy(&outcome.stdout.bytes).into_owned())
}

/// The client of the engine, with what vetrun asks for as far as a command line can say it.
fn by_client(folder: &Path) -> Result<String, String> {
    let Limits { memory_bytes, cpus, pids, open_files, file_bytes, out_bytes, tmp_bytes, .. } = Limits::default();
    let shown = folder.display();
    let flags = format!(
        "run --rm --network none --cap-drop ALL --security-opt no-new-privileges --read-only --pids-limit {pids} \
         --memory {memory_bytes} --memory-swap {memory_bytes} --cpus {cpus} --ulimit nofile={open_files} \
         --ulimit fsize={file_bytes} --ulimit core=0 --ulimit msgqueue=0 --oom-score-adj 500 --ipc private \
         --cgroupns private --log-driver none --user 65534:65534 --workdir /work \
         --tmpfs /tmp:rw,noexec,nosuid,nodev,size={tmp_bytes},mode=1777 \
         --tmpfs /out:rw,noexec,nosuid,nodev,size={out_bytes},mode=1777 --volume {shown}:/work:ro \
         {DEFAULT_IMAGE} python3 main.py"
    );
    let output = Command::new("docker").args(flags.split_whitespace()).output().map_err(text)?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
