//! One wheel from the index: no larger than it may be, and just the one that the index page names.

use std::io::Read as _;

use sha2::{Digest as _, Sha256};

use super::catalogue::{IndexCatalogue, Trouble};
use super::index::{Absent, Offer};
use crate::deps::resolve::Catalogue as _;
use crate::finding::hex;

const PIECE_BYTES: usize = 256 << 10;

/// Fetches a wheel; its bytes and its digest in lower-case hexadecimal.
pub(super) fn fetch_wheel(catalogue: &IndexCatalogue<'_>, offer: &Offer) -> Result<(Vec<u8>, String), Trouble> {
    let limit = catalogue.policy.download_bytes_max.bytes();
    let file = &offer.filename;
    let over_limit = || Trouble::Refused(format!("{file} is larger than `install.download_bytes_max`, {limit} bytes"));
    let (body, length) = match catalogue.upstream.file(&offer.url) {
        Ok(opened) => opened,
        Err(Absent::Missing) => return Err(Trouble::Index(format!("{file} is on the index page and not there"))),
        Err(Absent::Fault(what)) => return Err(Trouble::Index(what)),
    };
    let length = length.or(offer.size).unwrap_or(0);
    if length > limit {
        return Err(over_limit());
    }
    let mut reader = body.into_reader();
    // What a server says of the length is no reason to take the memory at once.
    let mut bytes = Vec::with_capacity(usize::try_from(length.min(64 << 20)).unwrap_or(0));
    let mut hasher = Sha256::new();
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        catalogue.check()?;
        let read = reader.read(&mut piece).map_err(|error| Trouble::Index(format!("{file} breaks off: {error}")))?;
        if read == 0 {
            break;
        }
        catalogue.count(read as u64)?;
        hasher.update(&piece[..read]);
        bytes.extend_from_slice(&piece[..read]);
        if bytes.len() as u64 > limit {
            return Err(over_limit());
        }
    }
    let digest = hex(&hasher.finalize());
    match &offer.sha256 {
        Some(wanted) if *wanted != digest => {
            Err(Trouble::Refused(format!("{file} is not the file that the index page names")))
        }
        _ => Ok((bytes, digest)),
    }
}
