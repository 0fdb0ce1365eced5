//! What the engine was really asked for, by its own word, while a program runs: every flag of a hardened container.

use serde_json::{Value, json};
use vetrun::sandbox::docker::DockerSandbox;
use vetrun::sandbox::{Job, Sandbox as _, Stop};

use super::{connect, containers_of, docker, python, said, sandbox, showing, visible, wait_until};

/// What the engine says of the job's container while it runs. It is told by its share of processors, which no other test
/// gives: others of this process may run beside it, and one that shares nothing shows no folder of the test's.
fn inspected_by_share(sandbox: &DockerSandbox, job: &Job) -> Value {
    let stop = Stop::default();
    std::thread::scope(|scope| {
        let running = scope.spawn(|| sandbox.run(job, &stop));
        let of_job = || {
            let inspected = |id: String| -> Option<Value> {
                let found: Value = serde_json::from_slice(&docker(&["inspect", &id]).stdout).ok()?;
                let is_it = found[0]["HostConfig"]["NanoCpus"].as_f64() == Some(job.limits.cpus * 1e9);
                (is_it && found[0]["State"]["Running"] == true).then(|| found[0].clone())
            };
            containers_of(std::process::id()).into_iter().find_map(inspected)
        };
        wait_until("the container runs", || of_job().is_some());
        let found = of_job().unwrap();
        stop.raise();
        running.join().unwrap().unwrap();
        found
    })
}

#[test]
fn a_container_that_shares_nothing_is_as_hard_as_any() {
    let (Some(shared), Some(archived)) = (sandbox(), crate::docker::archived()) else { return };
    let mut job = python("import time; time.sleep(30)");
    let work = tempfile::tempdir().unwrap();
    job.mounts.push(visible(work.path()));
    job.limits.cpus = 0.375;
    let (one, other) = (inspected_by_share(shared, &job), inspected_by_share(archived, &job));
    let without_mounts = |found: &Value| {
        let mut host = found["HostConfig"].as_object().unwrap().clone();
        host.remove("Mounts");
        host
    };
    assert_eq!(without_mounts(&one), without_mounts(&other));
    for name in ["User", "Env", "Tty", "Hostname", "NetworkDisabled", "ExposedPorts", "Volumes"] {
        assert_eq!(one["Config"][name], other["Config"][name], "{name}");
    }
    let mounts = other["Mounts"].as_array().unwrap();
    assert!(mounts.iter().all(|mount| mount["Type"] == "volume"), "nothing of this host is in it: {mounts:?}");
}

/// What scripts that look for a way out of a container look at first: sockets of engines, groups and programs that give rights,
/// devices, capabilities, control groups and kernel files that can be written, secrets in the environment.
const LOOKS_AROUND: &str = r"
import glob, os, stat
for path in glob.glob('/run/*.sock') + glob.glob('/var/run/*.sock') + glob.glob('/run/*/*.sock'):
    print('socket', path)
if os.getgroups() not in ([], [os.getgid()]): print('groups', os.getgroups())
if os.getuid() == 0 or os.geteuid() == 0: print('root')
status = dict(line.split(':\t', 1) for line in open('/proc/self/status') if ':\t' in line)
for name in ('CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'):
    if int(status[name], 16): print(name, status[name])
if status['NoNewPrivs'].strip() != '1': print('new privileges')
for path in glob.glob('/dev/*'):
    mode = os.lstat(path).st_mode
    if stat.S_ISBLK(mode): print('disk', path)
for path in ('/proc/sys/kernel/core_pattern', '/proc/sys/kernel/modprobe', '/proc/sysrq-trigger', '/sys/kernel/uevent_helper',
             '/sys/fs/cgroup', '/proc/sys/fs/binfmt_misc/register', '/etc/passwd', '/etc/shadow', '/etc/crontab', '/root'):
    if os.access(path, os.W_OK): print('writable', path)
for line in open('/proc/self/mountinfo'):
    fields = line.split(' ')
    kind = fields[fields.index('-') + 1]
    if kind in ('cgroup', 'cgroup2') and os.path.isdir(fields[4]) and os.access(fields[4], os.W_OK): print('control group', fields[4])
for name in os.environ:
    if any(word in name.upper() for word in ('KEY', 'TOKEN', 'SECRET', 'PASS', 'DOCKER')): print('variable', name)
print(open('/proc/net/route').read().count('\n'), [n for n in os.listdir('/proc') if n.isdigit() and n not in ('1', str(os.getpid()))])
";

#[test]
fn who_looks_for_a_way_out_finds_none() {
    let Some(sandbox) = sandbox() else { return };
    let archived = crate::docker::archived();
    for sandbox in [Some(sandbox), archived].into_iter().flatten() {
        let outcome = sandbox.run(&python(LOOKS_AROUND), &Stop::default()).unwrap();
        let said = crate::docker::text(&outcome.stdout.bytes);
        assert_eq!(said, "1 []\n", "{}", crate::docker::text(&outcome.stderr.bytes));
    }
}

/// What the engine says of the container of `job` while it runs.
fn inspected(sandbox: &DockerSandbox, job: &mut Job) -> Value {
    let stop = Stop::default();
    let work = tempfile::tempdir().unwrap();
    job.mounts.push(visible(work.path()));
    let job = &*job;
    std::thread::scope(|scope| {
        let running = scope.spawn(|| sandbox.run(job, &stop));
        wait_until("the container runs", || !showing(work.path(), &[]).is_empty());
        let found = said(&["inspect", &showing(work.path(), &[])[0]]);
        stop.raise();
        running.join().unwrap().unwrap();
        serde_json::from_str::<Value>(&found).unwrap()[0].clone()
    })
}

#[test]
fn every_container_is_as_hard_as_the_engine_can_make_it() {
    let Some(sandbox) = sandbox() else { return };
    let mut job = python("import time; time.sleep(30)");
    job.limits.tmp_bytes = 5 << 20;
    job.limits.out_files = 7;
    let found = inspected(sandbox, &mut job);
    let host = &found["HostConfig"];
    let limits = &job.limits;
    let expected = [
        ("CapDrop", json!(["ALL"])),
        ("CapAdd", Value::Null),
        ("Privileged", json!(false)),
        ("ReadonlyRootfs", json!(true)),
        ("NetworkMode", json!("none")),
        ("PortBindings", Value::Null),
        ("PublishAllPorts", json!(false)),
        ("PidMode", json!("")),
        ("IpcMode", json!("private")),
        ("UTSMode", json!("")),
        ("UsernsMode", json!("")),
        ("CgroupnsMode", json!("private")),
        ("Memory", json!(limits.memory_bytes)),
        ("MemorySwap", json!(limits.memory_bytes)),
        ("OomKillDisable", json!(false)),
        ("PidsLimit", json!(limits.pids + 1)),
        ("NanoCpus", json!(500_000_000)),
        ("Devices", Value::Null),
        ("DeviceRequests", Value::Null),
        ("VolumesFrom", Value::Null),
        ("Binds", Value::Null),
        ("RestartPolicy", json!({ "Name": "no", "MaximumRetryCount": 0 })),
        ("LogConfig", json!({ "Type": "none", "Config": {} })),
    ];
    for (name, value) in expected {
        let told = &host[name];
        let is_nothing =
            |value: &Value| value.is_null() || value.as_array().is_some_and(Vec::is_empty) || *value == json!({});
        assert!(*told == value || is_nothing(told) && is_nothing(&value), "{name}: {told}, not {value}");
    }
    let security = host["SecurityOpt"].as_array().unwrap();
    assert!(security.contains(&json!("no-new-privileges")), "{security:?}");
    let filter = security.iter().find_map(|option| option.as_str()?.strip_prefix("seccomp=")).expect("a filter");
    assert!(filter.contains("io_uring_setup") && filter.contains("userfaultfd"), "{filter}");
    let ulimits = host["Ulimits"].as_array().unwrap();
    for (name, value) in
        [("nofile", u64::from(limits.open_files)), ("fsize", limits.file_bytes), ("core", 0), ("msgqueue", 0)]
    {
        assert!(ulimits.contains(&json!({ "Name": name, "Soft": value, "Hard": value })), "{name}: {ulimits:?}");
    }
    for (folder, size, files) in [("/tmp", limits.tmp_bytes, 65_537), ("/out", limits.out_bytes, 8)] {
        let options = host["Tmpfs"][folder].as_str().unwrap_or_default();
        let parts: Vec<_> = options.split(',').collect();
        for part in ["noexec", "nosuid", "nodev", &format!("size={size}"), &format!("nr_inodes={files}")] {
            assert!(parts.contains(&part), "{folder}: {part} is not in {options}");
        }
    }
    around(&found);
}

/// What stands outside of the host's part.
fn around(found: &Value) {
    let config = &found["Config"];
    assert!(!config["User"].as_str().unwrap().starts_with("0:"), "{}", config["User"]);
    assert_eq!(config["Tty"], false);
    assert_eq!(config["Healthcheck"], Value::Null);
    let labels = config["Labels"].as_object().unwrap();
    for label in ["vetrun.owner", "vetrun.pidns", "vetrun.deadline"] {
        assert!(labels.contains_key(label), "{labels:?}");
    }
    for path in ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys"] {
        assert!(found["HostConfig"]["MaskedPaths"].as_array().unwrap().contains(&json!(path)), "{path}");
    }
    for path in ["/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus"] {
        assert!(found["HostConfig"]["ReadonlyPaths"].as_array().unwrap().contains(&json!(path)), "{path}");
    }
    for mount in found["Mounts"].as_array().unwrap() {
        assert_eq!(mount["RW"], false, "{mount}");
        assert_eq!(mount["Propagation"], "rprivate", "{mount}");
        assert!(!mount["Source"].as_str().unwrap().ends_with("docker.sock"), "{mount}");
    }
    assert_eq!(found["State"]["Running"], true);
}

#[test]
fn the_runtime_is_the_one_that_is_asked_for() {
    if sandbox().is_none() {
        return;
    }
    let error = connect(|options| options.runtime = Some("no-such-runtime".to_owned())).unwrap_err();
    assert!(error.contains("it has: ") && error.contains("runc") && error.contains("--runtime"), "{error}");
    let sandbox = connect(|options| options.runtime = Some("runc".to_owned())).unwrap();
    let found = inspected(&sandbox, &mut python("import time; time.sleep(30)"));
    assert_eq!(found["HostConfig"]["Runtime"], "runc");
    let outcome = sandbox.run(&python("pass"), &Stop::default()).unwrap();
    assert!(outcome.isolation.tier.ends_with("and runtime runc"), "{}", outcome.isolation.tier);
}
