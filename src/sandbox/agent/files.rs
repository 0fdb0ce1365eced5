//! Files into and out of a container, in frames.
//!
//! What comes out was written by an untrusted program and is told by an agent that lives beside it. Every entry is judged as
//! one of a folder is (`basket.rs`), and more: a path is made of plain names below a folder that was taken before, and no more
//! bytes are written than were announced.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use super::client::{Agent, AgentError};
use super::wire::{CHUNK_BYTES, Frame};
use crate::sandbox::basket::{Basket, Incoming};
use crate::sandbox::{CollectLimits, Collected};

/// How long the agent may take for the next part of a folder.
const PART_WITHIN: Duration = Duration::from_secs(60);

impl Agent {
    /// Takes the files below the folder `from` into the empty folder `into`.
    pub(in crate::sandbox) fn download(
        &self,
        from: &str,
        into: &Path,
        limits: CollectLimits,
    ) -> Result<Collected, AgentError> {
        let order = format!("{} {} {}\0{from}", limits.depth_max, limits.files_max, limits.bytes_max);
        let heard = self.begin(b'L', order.as_bytes())?;
        let mut download =
            Download { basket: Basket::new(into, limits), folders: BTreeSet::from([String::new()]), incoming: None };
        loop {
            let frame = heard.next(PART_WITHIN)?;
            if download.take(&frame)? {
                return Ok(download.basket.finish());
            }
        }
    }

    /// Writes a file of this host to a path inside, its folders included.
    pub(in crate::sandbox) fn upload(&self, from: &mut File, to: &str, mode: u32) -> Result<(), AgentError> {
        let heard = self.begin(b'W', &[format!("{mode:o} ").as_bytes(), to.as_bytes()].concat())?;
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            let count = from.read(&mut chunk)?;
            if let Some(frame) = heard.try_next(Duration::ZERO)? {
                // It could not be opened or written; whatever else was said of it means nothing any more.
                heard.line.send(b'w', b"")?;
                return Err(refused(&frame));
            }
            heard.line.send(b'w', &chunk[..count])?;
            if count == 0 {
                return heard.answer();
            }
        }
    }
}

fn refused(frame: &Frame) -> AgentError {
    AgentError::Refused(String::from_utf8_lossy(&frame.data).into_owned())
}

/// A folder that arrives.
struct Download<'a> {
    basket: Basket<'a>,
    /// The folders that were taken, by their paths.
    folders: BTreeSet<String>,
    incoming: Option<Incoming>,
}

impl Download<'_> {
    /// Takes the next frame; whether it was the last.
    fn take(&mut self, frame: &Frame) -> Result<bool, AgentError> {
        match frame.kind {
            b'e' => self.entry(&frame.data)?,
            b'd' => self.bytes(&frame.data)?,
            b'm' => {
                let folder = String::from_utf8_lossy(&frame.data).into_owned();
                self.basket.refuse(&folder, "over the limit of files and folders".to_owned());
            }
            b'R' if frame.data.is_empty() => {
                self.settle()?;
                return Ok(true);
            }
            b'R' => return Err(refused(frame)),
            _ => return Err(AgentError::Form("no part of a folder")),
        }
        Ok(false)
    }

    fn entry(&mut self, data: &[u8]) -> Result<(), AgentError> {
        self.settle()?;
        let form = AgentError::Form("no entry of a folder");
        let mut parts = data.splitn(6, |byte| *byte == b' ');
        let mut part = || parts.next().and_then(|part| std::str::from_utf8(part).ok());
        let (Some(kind), Some(links), Some(size), Some(mode), Some(said)) = (part(), part(), part(), part(), part())
        else {
            return Err(form);
        };
        let path = parts.next().ok_or(AgentError::Form("no path of an entry"))?;
        if kind == "!" {
            let said = said.replace('_', " ");
            self.basket.refuse(&String::from_utf8_lossy(path), format!("cannot be read: {said}"));
            return Ok(());
        }
        let (Ok(links), Ok(size), Ok(mode)) = (links.parse::<u64>(), size.parse::<u64>(), u32::from_str_radix(mode, 8))
        else {
            return Err(form);
        };
        let (folder, name) = self.place(path)?;
        if !self.basket.counts(&folder) {
            return Ok(());
        }
        let Some(path) = self.basket.child_path(&folder, name) else { return Ok(()) };
        let depth = u32::try_from(path.matches('/').count()).unwrap_or(u32::MAX);
        match kind {
            "d" if !self.basket.is_deep_enough(&path, depth) => drop(self.folders.insert(path)),
            "d" => {}
            "f" if links > 1 => self.basket.refuse(&path, "hard link".to_owned()),
            "f" if self.basket.has_room(&path, size) => {
                self.incoming = Some(self.basket.begin(&path, size, mode & 0o100 != 0)?);
            }
            "f" => {}
            "l" => self.basket.refuse(&path, "symbolic link".to_owned()),
            "p" => self.basket.refuse(&path, "fifo".to_owned()),
            "s" => self.basket.refuse(&path, "socket".to_owned()),
            _ => self.basket.refuse(&path, "device".to_owned()),
        }
        Ok(())
    }

    /// The folder and the name of an entry. The folder is one that was taken, and the name is none that leads elsewhere.
    fn place<'p>(&self, path: &'p [u8]) -> Result<(String, &'p [u8]), AgentError> {
        let at = path.iter().rposition(|byte| *byte == b'/');
        let (folder, name) = at.map_or((&[][..], path), |at| (&path[..at], &path[at + 1..]));
        let folder = String::from_utf8_lossy(folder).into_owned();
        if at == Some(0) || !self.folders.contains(&folder) || matches!(name, b"" | b"." | b"..") || name.contains(&0) {
            return Err(AgentError::Form("an entry of no folder"));
        }
        Ok((folder, name))
    }

    fn bytes(&mut self, data: &[u8]) -> Result<(), AgentError> {
        if data.is_empty() {
            return self.settle();
        }
        if let Some(incoming) = &mut self.incoming {
            // What is too much is refused when the file has ended.
            let _ = incoming.write(data)?;
        }
        Ok(())
    }

    /// Takes the file that has arrived, if there is one.
    fn settle(&mut self) -> Result<(), AgentError> {
        if let Some(incoming) = self.incoming.take() {
            self.basket.settle(incoming, None)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: CollectLimits = CollectLimits { bytes_max: 10, files_max: 5, depth_max: 1 };

    /// Takes these frames; what is there then.
    fn taken(frames: &[(u8, &[u8])]) -> (Result<Collected, AgentError>, tempfile::TempDir) {
        let into = tempfile::tempdir().unwrap();
        let basket = Basket::new(into.path(), LIMITS);
        let mut download = Download { basket, folders: BTreeSet::from([String::new()]), incoming: None };
        let mut all = || {
            for (kind, data) in frames {
                download.take(&Frame { kind: *kind, number: 1, data: data.to_vec() })?;
            }
            download.take(&Frame { kind: b'R', number: 1, data: Vec::new() })
        };
        let result = all();
        (result.map(|_| download.basket.finish()), into)
    }

    fn refusals(collected: &Collected) -> Vec<(&str, &str)> {
        collected.refused.iter().map(|one| (&*one.path, &*one.reason)).collect()
    }

    #[test]
    fn files_arrive_with_their_folders() {
        let frames: &[(u8, &[u8])] = &[
            (b'e', b"d 2 0 755 - a"),
            (b'e', b"f 1 4 755 - a/b c"),
            (b'd', b"da"),
            (b'd', b"ta"),
            (b'd', b""),
            (b'e', b"f 1 0 644 - empty"),
            (b'd', b""),
        ];
        let (collected, into) = taken(frames);
        let paths: Vec<_> = collected.unwrap().files.into_iter().map(|file| (file.0, file.1)).collect();
        assert_eq!(paths, [("a/b c".to_owned(), 4), ("empty".to_owned(), 0)]);
        assert_eq!(std::fs::read(into.path().join("a/b c")).unwrap(), b"data");
    }

    #[test]
    fn what_is_not_a_plain_file_is_refused() {
        let frames: &[(u8, &[u8])] = &[
            (b'e', b"l 1 4 777 - link"),
            (b'e', b"f 2 4 644 - twice"),
            (b'e', b"f 1 11 644 - large"),
            (b'e', b"p 1 0 644 - pipe"),
            (b'e', b"f 1 4 644 - esc\x1b"),
        ];
        let collected = taken(frames).0.unwrap();
        assert_eq!(collected.files, []);
        let reasons: Vec<_> = refusals(&collected).into_iter().map(|(_, reason)| reason).collect();
        for expected in ["symbolic link", "hard link", "over the limit of 10 bytes", "fifo", "control character"] {
            assert!(reasons.iter().any(|reason| reason.contains(expected)), "{expected}: {reasons:?}");
        }
    }

    #[test]
    fn a_file_has_the_bytes_that_were_announced() {
        for data in [&b"12"[..], b"12345", b""] {
            let (collected, into) = taken(&[(b'e', b"f 1 4 644 - x"), (b'd', data), (b'd', b"")]);
            assert_eq!(refusals(&collected.unwrap()), [("x", "changed while it was read")]);
            assert!(!into.path().join("x").exists());
        }
    }

    #[test]
    fn nothing_leads_out_of_the_folder() {
        for path in ["../x", "/x", "a/../x", "..", ".", "", "link/x", "a//x"] {
            let entry = [b"f 1 0 644 - ", path.as_bytes()].concat();
            let (collected, into) = taken(&[(b'e', b"d 2 0 755 - a"), (b'e', b"l 1 0 777 - link"), (b'e', &entry)]);
            assert!(collected.is_err(), "{path}");
            assert_eq!(std::fs::read_dir(into.path()).unwrap().count(), 0, "{path}");
        }
    }

    #[test]
    fn numbers_and_depths_have_limits() {
        let frames: Vec<(u8, &[u8])> = (0..7).map(|_| (b'e', &b"f 2 0 644 - x"[..])).collect();
        let collected = taken(&frames).0.unwrap();
        assert!(refusals(&collected).iter().any(|(_, reason)| reason.contains("limit of 5 files")));
        let collected = taken(&[(b'e', b"d 2 0 755 - a"), (b'e', b"d 2 0 755 - a/b")]).0.unwrap();
        assert_eq!(refusals(&collected), [("a/b", "too deep: over the limit of 1 folders")]);
    }
}
