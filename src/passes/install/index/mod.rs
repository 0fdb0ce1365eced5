//! The package index as vetrun itself asks it: addresses, pages, files. Nothing else of vetrun fetches anything.

mod address;
mod page;
mod upstream;

pub(crate) use self::address::without_credentials;
pub(super) use self::page::{JSON_TYPE, Listing, Metadata, Offer, to_html, to_json};
pub(super) use self::upstream::{Absent, Upstream};
