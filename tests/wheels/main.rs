//! Vets real wheels and says what it costs: `cargo run --release --example wheels -- STDLIB FOLDER… [--unpack INTO]`.
//!
//! `STDLIB` is a file with the names of the standard library's modules. Every wheel of the folders is read and vetted,
//! and with `--unpack` all of them are written into an empty folder. CPU seconds are those of this process.

#![expect(clippy::print_stdout, reason = "a tool for people")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use vetrun::deps::wheel::{InterpreterAbi, Surroundings, Wheel, WheelLimits, WheelName, collisions, vet};
use vetrun::finding::Finding;
use vetrun::passes::install::unpack;

type Bytes = BTreeMap<String, Vec<u8>>;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let into = arguments.iter().position(|argument| argument == "--unpack").map(|at| arguments.split_off(at));
    let [stdlib, folders @ ..] = &arguments[..] else { return Err("STDLIB FOLDER… are missing".into()) };
    let stdlib: BTreeSet<String> = std::fs::read_to_string(stdlib)?.split_whitespace().map(str::to_owned).collect();
    let wheels = read(folders)?;
    let abi = InterpreterAbi { soabi: "cpython-311-x86_64-linux-gnu".to_owned(), machine: "x86_64".to_owned() };
    let around = Surroundings { stdlib: &stdlib, owner_of: &|_| None, interpreter: Some(&abi) };
    let (started, before) = (Instant::now(), cpu());
    let vetted = vet_all(&wheels, &around);
    println!(
        "{} of {} wheels vetted: {} s of CPU, {:.3} s",
        vetted.len(),
        wheels.len(),
        shown(cpu() - before),
        started.elapsed().as_secs_f64()
    );
    if let Some([_, into]) = into.as_deref() {
        unpack_all(&vetted, Path::new(into))?;
    }
    Ok(())
}

fn read(folders: &[String]) -> std::io::Result<Bytes> {
    let mut wheels = Bytes::new();
    for folder in folders {
        for entry in std::fs::read_dir(folder)? {
            let path: PathBuf = entry?.path();
            if path.extension().is_some_and(|extension| extension == "whl") {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                wheels.insert(name, std::fs::read(&path)?);
            }
        }
    }
    Ok(wheels)
}

fn vet_all<'a>(wheels: &'a Bytes, around: &Surroundings<'_>) -> Vec<Wheel<'a>> {
    let mut vetted = Vec::new();
    for (file, bytes) in wheels {
        let name: WheelName = match file.parse() {
            Ok(name) => name,
            Err(error) => {
                println!("refused {file}: {error}");
                continue;
            }
        };
        match vet(&name, bytes, &WheelLimits::default(), around) {
            Ok(wheel) => {
                print("noted", &wheel.notes);
                vetted.push(wheel);
            }
            Err(findings) => print("refused", &findings),
        }
    }
    vetted
}

fn unpack_all(wheels: &[Wheel<'_>], into: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let wheels: Vec<&Wheel<'_>> = wheels.iter().collect();
    let (started, before) = (Instant::now(), cpu());
    print("together", &collisions(&wheels));
    println!("collisions: {} s of CPU", shown(cpu() - before));
    std::fs::create_dir(into)?;
    let files = unpack(&wheels, into)?;
    let bytes: u64 = files.iter().map(|file| file.bytes).sum();
    println!(
        "{} files, {bytes} bytes unpacked and proved: {} s of CPU, {:.3} s",
        files.len(),
        shown(cpu() - before),
        started.elapsed().as_secs_f64()
    );
    Ok(())
}

fn print(what: &str, findings: &[Finding]) {
    for finding in findings {
        println!("{what} {} {} {}", finding.severity.name(), finding.rule_id, finding.message);
    }
}

/// CPU time of this process, user and system.
fn cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

fn shown(time: Duration) -> String {
    format!("{:.3}", time.as_secs_f64())
}
