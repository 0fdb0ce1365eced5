//! Sizes and times as people write them: `256MiB`, `30s`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A number of bytes; written as a number, or as text with a unit (`100kB`, `256MiB`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(u64);

impl ByteSize {
    /// A number of bytes.
    #[must_use]
    pub const fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    /// A number of KiB.
    #[must_use]
    pub const fn kib(kib: u64) -> Self {
        Self(kib << 10)
    }

    /// A number of MiB.
    #[must_use]
    pub const fn mib(mib: u64) -> Self {
        Self(mib << 20)
    }

    /// The number of bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
        match UNITS.iter().find(|(size, _)| self.0 > 0 && self.0.is_multiple_of(*size)) {
            Some((size, unit)) => write!(f, "{}{unit}", self.0 / size),
            None => write!(f, "{}B", self.0),
        }
    }
}

impl FromStr for ByteSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let size = text.parse::<bytesize::ByteSize>();
        size.map(|size| Self(size.as_u64())).map_err(|_| format!("`{text}` is not a size such as 256MiB or 100kB"))
    }
}

/// A length of time; written as a number of seconds, or as text with a unit (`500ms`, `30s`, `2min`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timeout(Duration);

impl Timeout {
    /// A number of seconds.
    #[must_use]
    pub const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// The number of whole milliseconds.
    #[must_use]
    pub const fn as_millis(self) -> u128 {
        self.0.as_millis()
    }

    /// The length of time.
    #[must_use]
    pub const fn duration(self) -> Duration {
        self.0
    }
}

impl fmt::Display for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&humantime::format_duration(self.0), f)
    }
}

impl FromStr for Timeout {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(seconds) = text.parse::<u64>() {
            return Ok(Self::seconds(seconds));
        }
        let parsed = humantime::parse_duration(text);
        parsed.map(Self).map_err(|_| format!("`{text}` is not a time such as 500ms, 30s or 2min"))
    }
}

macro_rules! serde_as_text {
    ($type:ident, $number:expr, $name:literal, $pattern:literal, $what:literal) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                #[derive(Deserialize)]
                #[serde(untagged, expecting = $what)]
                enum Raw {
                    Number(u64),
                    Text(String),
                }
                match Raw::deserialize(deserializer)? {
                    Raw::Number(number) => Ok($number(number)),
                    Raw::Text(text) => text.parse().map_err(de::Error::custom),
                }
            }
        }

        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "description": $what, "anyOf": [
                    { "type": "integer", "minimum": 0 },
                    { "type": "string", "pattern": $pattern },
                ] })
            }
        }
    };
}

serde_as_text!(
    ByteSize,
    ByteSize::new,
    "ByteSize",
    r"^[0-9]+(\.[0-9]+)?\s*([kKmMgGtTpPeE][iI]?)?[bB]?$",
    "a number of bytes, or a size such as \"256MiB\""
);
serde_as_text!(
    Timeout,
    Timeout::seconds,
    "Timeout",
    r"^[0-9]+$|^(\s*[0-9]+(\.[0-9]+)?\s*(ns|nsec|nanos|us|µs|usec|ms|msec|millis|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|wks?|weeks?|M|months?|y|yrs?|years?))+\s*$",
    "a number of seconds, or a time such as \"30s\""
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_read_as_they_are_written() {
        for (text, bytes) in [("256MiB", 256 << 20), ("100kB", 100_000), ("17", 17), ("1 GiB", 1 << 30)] {
            assert_eq!(text.parse::<ByteSize>(), Ok(ByteSize::new(bytes)), "{text}");
        }
        for bytes in [0, 17, 1 << 10, 3 << 20, (1 << 30) + 1] {
            assert_eq!(ByteSize::new(bytes).to_string().parse(), Ok(ByteSize::new(bytes)));
        }
        assert_eq!("500ms".parse::<Timeout>().map(Timeout::as_millis), Ok(500));
        assert_eq!("30".parse::<Timeout>().map(Timeout::as_millis), Ok(30_000));
        assert!("soon".parse::<Timeout>().unwrap_err().contains("30s"));
        assert!("-3MiB".parse::<ByteSize>().is_err());
    }
}
