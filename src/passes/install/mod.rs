//! The install pass: can its packages be installed, and are they what was asked for?

mod proxy;

pub use self::proxy::{IndexProxy, ProxyRequest};
