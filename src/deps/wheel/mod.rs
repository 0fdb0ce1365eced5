//! Wheels, vetted before they are unpacked.
//!
//! A wheel is an archive with a list of its own files. Installers trust both: they write what the archive holds where the
//! archive says, and look at neither the list nor at what the files do by being there. [`vet`] looks at the bytes of one
//! wheel and says either what it would install, file by file, or what stands against it:
//!
//! | what | where |
//! |---|---|
//! | the file name: distribution, version, tags | `name` |
//! | the archive: one way to read it, no links, no bombs, no two names for one file | `archive` |
//! | `METADATA` and `WHEEL`: of this distribution, needing nothing by address | `headers` |
//! | `RECORD`: every file and no other, each with a digest | `record` |
//! | where files land, and what may not land there | `layout`, `path_file` |
//! | commands that would be taken for others | `scripts` |
//! | native code, and for which machine it is | `elf`, `native` |
//! | what several wheels do to one another | `collisions` |
//!
//! Everything here is computed from bytes. Of the files themselves only the descriptions are inflated: that each has its
//! recorded digest is proved where it is inflated anyway, when it is written ([`crate::passes::install::unpack()`]), or by
//! [`Wheel::verify`]. Until then a wheel is vetted in its shape alone.

mod archive;
mod collisions;
mod fault;
mod headers;
mod layout;
mod limits;
mod name;
mod native;
mod path_file;
mod record;
mod scripts;

pub mod elf;

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use foldhash::fast::RandomState;

use self::archive::Archive;
use self::fault::{Faults, shown};
use self::layout::{Layout, Placed};
use crate::finding::Finding;

pub use self::archive::{Damage, Entry, Inflater};
pub use self::collisions::collisions;
pub use self::headers::Metadata;
pub use self::layout::Kind;
pub use self::limits::WheelLimits;
pub use self::name::WheelName;
pub use self::native::InterpreterAbi;
pub use self::record::{Recorded, record_line, sha256};
pub use self::scripts::EntryPoint;

/// What a wheel is held against beside itself.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// The modules of the standard library.
    pub stdlib: &'a BTreeSet<String>,
    /// The distribution, by its normalised name, that a top-level module is known to be of. Names that many share, and
    /// modules that the vetted distribution may bring as well, have no owner.
    pub owner_of: &'a dyn Fn(&str) -> Option<&'a str>,
    /// The interpreter that will import it, where that is known.
    pub interpreter: Option<&'a InterpreterAbi>,
}

/// A file that a wheel installs.
#[derive(Clone, Debug)]
pub struct Member<'a> {
    /// Where it lands, from the root of the packages.
    pub target: Cow<'a, str>,
    /// How it is written.
    pub kind: Kind,
    /// Where it is in the archive.
    pub entry: Entry<'a>,
    /// Its digest in `RECORD`; `None` for `RECORD` itself and its signatures.
    pub recorded: Option<Recorded>,
}

/// A wheel against whose shape nothing stands. The digests of its files are not proved yet.
#[derive(Debug)]
pub struct Wheel<'a> {
    /// Its file name.
    pub name: WheelName,
    /// What it needs.
    pub metadata: Metadata,
    /// The `.dist-info` folder.
    pub info: String,
    /// Its files, sorted by where they land.
    pub files: Vec<Member<'a>>,
    /// Names in the archive of files that are left out: bytecode.
    pub dropped: Vec<&'a str>,
    /// The commands that it declares.
    pub console_scripts: Vec<EntryPoint>,
    /// The modules that it brings, the outermost alone.
    pub top_level: BTreeSet<String>,
    /// Whether any of its files is native code.
    pub native: bool,
    /// What is worth knowing and stands against nothing.
    pub notes: Vec<Finding>,
}

/// A Python file of a wheel.
#[derive(Debug)]
pub struct Source<'w> {
    /// Where it lands.
    pub path: &'w str,
    /// What it holds, or why that cannot be said. A file that cannot be read cannot be scanned, and so not pass.
    pub content: Result<Vec<u8>, Damage>,
}

/// Vets the wheel with this name and these bytes.
///
/// # Errors
/// What stands against it, with the notes about it.
pub fn vet<'a>(
    name: &WheelName,
    bytes: &'a [u8],
    limits: &WheelLimits,
    around: &Surroundings<'_>,
) -> Result<Wheel<'a>, Vec<Finding>> {
    let mut faults = Faults::new(name.file());
    let wheel = wheel(name, bytes, limits, around, &mut faults);
    match wheel {
        Some(wheel) if !faults.block() => Ok(Wheel { notes: faults.finish(), ..wheel }),
        _ => Err(faults.finish()),
    }
}

/// Reads the `METADATA` of the wheel with this name, as an index offers it beside the wheel (PEP 658). What it says is to
/// be compared with [`Wheel::metadata`] once the wheel is there.
///
/// # Errors
/// What stands against it.
pub fn read_metadata(name: &WheelName, text: &[u8], limits: &WheelLimits) -> Result<Metadata, Vec<Finding>> {
    let mut faults = Faults::new(name.file());
    let metadata = match str::from_utf8(text) {
        Ok(text) => headers::metadata(text, name, limits, &mut faults),
        Err(_) => {
            faults.high("package-metadata-malformed", format_args!("METADATA is not UTF-8"));
            Metadata::default()
        }
    };
    if faults.block() { Err(faults.finish()) } else { Ok(metadata) }
}

fn wheel<'a>(
    name: &WheelName,
    bytes: &'a [u8],
    limits: &WheelLimits,
    around: &Surroundings<'_>,
    faults: &mut Faults,
) -> Option<Wheel<'a>> {
    let archive = Archive::open(bytes, limits, faults)?;
    let info = info_folder(&archive, name, faults)?;
    let mut inflater = Inflater::default();
    let mut descriptions = Descriptions { archive: &archive, info: &info, inflater: &mut inflater };
    let (wheel, metadata, record) = descriptions.required(limits, faults)?;
    headers::wheel(&wheel, name, limits, faults);
    let metadata = headers::metadata(&metadata, name, limits, faults);
    let digests = record::check(&record, &info, archive.entries(), faults);
    let commands = descriptions.text("entry_points.txt", limits.metadata_bytes_max, faults).unwrap_or_default();
    let console_scripts = scripts::entry_points(&commands, &name.distribution, faults);
    let stem = info.trim_end_matches(".dist-info").to_owned();
    let (placed, dropped) = Layout { stem, name }.place(archive.entries(), faults);
    layout::check_targets(&placed, faults);
    layout::check_top_level(&placed, around, faults);
    layout::check_files(&placed, name, &mut inflater, faults);
    let top_level = layout::modules(&placed);
    layout::check_owners(&top_level, name, around, faults);
    let native = native::check(&placed, around.interpreter, &mut inflater, faults);
    Some(Wheel {
        name: name.clone(),
        metadata,
        top_level,
        files: members(placed, digests),
        info,
        dropped,
        console_scripts,
        native,
        notes: Vec::new(),
    })
}

/// The one `.dist-info` folder, which has the name and version of the wheel.
fn info_folder(archive: &Archive<'_>, name: &WheelName, faults: &mut Faults) -> Option<String> {
    let top = |entry: &Entry<'_>| entry.name().split_once('/').map(|(folder, _)| folder.to_owned());
    let is_info = |folder: &String| folder.to_ascii_lowercase().ends_with(".dist-info");
    let folders: BTreeSet<String> = archive.entries().iter().filter_map(top).filter(is_info).collect();
    let mut folders = folders.into_iter();
    let (Some(folder), None) = (folders.next(), folders.next()) else {
        faults.high("package-info-folder-wrong", format_args!("it does not have exactly one `.dist-info` folder"));
        return None;
    };
    let named = folder.strip_suffix(".dist-info").and_then(|stem| stem.split_once('-'));
    let is_it = named.is_some_and(|(distribution, version)| {
        crate::deps::normalised(distribution) == name.distribution
            && name::version_of(version).is_ok_and(|version| version == name.version)
    });
    if !is_it {
        let folder = shown(&folder);
        faults.high("package-info-folder-wrong", format_args!("`{folder}` is of another distribution or version"));
        return None;
    }
    Some(folder)
}

/// The texts in the `.dist-info` folder.
struct Descriptions<'s, 'a> {
    archive: &'s Archive<'a>,
    info: &'s str,
    inflater: &'s mut Inflater,
}

impl Descriptions<'_, '_> {
    /// `WHEEL`, `METADATA` and `RECORD`. All three are looked at, so that all that is wrong is said at once.
    fn required(&mut self, limits: &WheelLimits, faults: &mut Faults) -> Option<(String, String, String)> {
        let mut one = |file, bytes_max, missing| {
            let text = self.text(file, bytes_max, faults);
            if text.is_none() && !faults.block() {
                faults.high(missing, format_args!("it has no {file}"));
            }
            text
        };
        let wheel = one("WHEEL", limits.metadata_bytes_max, "package-metadata-missing");
        let metadata = one("METADATA", limits.metadata_bytes_max, "package-metadata-missing");
        let record = one("RECORD", limits.record_bytes_max, "package-record-missing");
        Some((wheel?, metadata?, record?))
    }

    /// The text of one file; `None` where there is none, or where it cannot be read and a finding says so.
    fn text(&mut self, file: &str, bytes_max: u64, faults: &mut Faults) -> Option<String> {
        let is_it = |entry: &&Entry<'_>| {
            entry.name().strip_prefix(self.info).and_then(|rest| rest.strip_prefix('/')) == Some(file)
        };
        let entry = self.archive.entries().iter().find(is_it)?;
        if entry.size() > bytes_max {
            let message = format_args!("{file} has {} bytes, {bytes_max} are admitted", entry.size());
            faults.high("package-metadata-too-large", message);
            return None;
        }
        match self.inflater.read(entry).map(|content| String::from_utf8(content.to_vec())) {
            Ok(Ok(text)) => return Some(text),
            Ok(Err(_)) => faults.high("package-metadata-malformed", format_args!("{file} is not UTF-8")),
            Err(damage) => faults.high("wheel-member-damaged", format_args!("{file} cannot be read: {damage}")),
        }
        None
    }
}

fn members<'a>(placed: Vec<Placed<'a>>, mut digests: HashMap<&'a str, Recorded, RandomState>) -> Vec<Member<'a>> {
    let member =
        |Placed { target, kind, entry }| Member { target, kind, recorded: digests.remove(entry.name()), entry };
    placed.into_iter().map(member).collect()
}

impl Member<'_> {
    /// What is wrong with its content, if anything: it must be what is declared, and what is recorded.
    ///
    /// # Errors
    /// A finding against the wheel with the file name `wheel`.
    pub fn check(&self, wheel: &WheelName, content: Result<&[u8], Damage>) -> Result<[u8; 32], Box<Finding>> {
        let at = shown(&self.target);
        let against = |rule, message: String| {
            let mut faults = Faults::new(wheel.file());
            faults.high(rule, format_args!("{message}"));
            Box::new(faults.finish().remove(0))
        };
        let content =
            content.map_err(|damage| against("wheel-member-damaged", format!("`{at}` cannot be read: {damage}")))?;
        let digest = sha256(content);
        if self.recorded.as_ref().is_none_or(|recorded| recorded.is_of(content, &digest)) {
            Ok(digest)
        } else {
            Err(against("package-file-altered", format!("`{at}` is not the file that its package records")))
        }
    }
}

impl Wheel<'_> {
    /// Holds every file against its recorded digest without writing anything.
    #[must_use]
    pub fn verify(&self) -> Vec<Finding> {
        let mut inflater = Inflater::default();
        let check = |member: &Member<'_>| member.check(&self.name, inflater.read(&member.entry)).err();
        self.files.iter().filter_map(check).map(|finding| *finding).collect()
    }

    /// Its Python files, one after the other: modules, and commands whose first line names Python. None is larger than
    /// the limit, and all together are not larger than the wheel may be.
    pub fn sources(&self, limits: &WheelLimits) -> impl Iterator<Item = Source<'_>> {
        let (mut inflater, bytes_max) = (Inflater::default(), limits.source_bytes_max);
        self.files.iter().filter_map(move |member| {
            let is_module = member.target.ends_with(".py") || member.target.ends_with(".pyw");
            if !is_module && !names_python(inflater.prefix(&member.entry, FIRST_LINE_BYTES_MAX)) {
                return None;
            }
            let content = if member.entry.size() > bytes_max {
                Err(Damage::TooLarge(bytes_max))
            } else {
                inflater.read(&member.entry).map(<[u8]>::to_vec)
            };
            Some(Source { path: &member.target, content })
        })
    }
}

/// Bytes in which the first line must name an interpreter: the kernel reads as many.
const FIRST_LINE_BYTES_MAX: usize = 256;

fn names_python(prefix: &[u8]) -> bool {
    let line = prefix.split(|&byte| byte == b'\n').next().unwrap_or_default();
    line.starts_with(b"#!") && memchr::memmem::find(line, b"python").is_some()
}
