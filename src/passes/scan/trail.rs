//! What texts were decoded from: which decoder made which text of which data.
//!
//! The resolver notes every decoder that it evaluates, and nothing is copied for that. Only where something is found in a text
//! that is run does anybody ask how the text was hidden.

use std::sync::Arc;

use memchr::memmem;

use super::functions;
use super::limits;
use super::resolve::Resolver;
use super::values::Value;
use crate::facts::Dialect;

/// Text that is put together by the code itself: from parts, from numbers, by a function of its own.
pub(super) const COMPUTED: &str = "computed";

/// Text that is written with escapes: `\x6f\x73`.
pub(super) const ESCAPES: &str = "escapes";

/// No code of its own: bytes that are taken for text.
const SAME: &str = "";

/// The shortest text that is looked for inside of others.
const PART_BYTES_MIN: usize = 16;

/// Text or bytes.
#[derive(Debug)]
enum Data {
    Text(Arc<str>),
    Bytes(Arc<[u8]>),
}

impl Data {
    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Text(text) => Some(Self::Text(text.clone())),
            Value::Bytes(bytes) => Some(Self::Bytes(bytes.clone())),
            _ => None,
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }
}

/// One decoder that was evaluated.
#[derive(Debug)]
struct Step {
    codec: &'static str,
    from: Data,
    to: Data,
}

/// The decoders that were evaluated in a region.
#[derive(Debug, Default)]
pub(super) struct Trail {
    steps: Vec<Step>,
    bytes: usize,
}

impl Trail {
    fn note(&mut self, codec: &'static str, from: &Value, to: &Value) {
        self.bytes = self.bytes.saturating_add(from.size()).saturating_add(to.size());
        if self.steps.len() >= limits::STEPS_MAX || self.bytes > limits::STEPS_BYTES_MAX {
            return;
        }
        if let (Some(from), Some(to)) = (Data::of(from), Data::of(to)) {
            self.steps.push(Step { codec, from, to });
        }
    }

    /// Whether nothing was decoded.
    pub(super) fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The codes that `text` was hidden in, the outermost first, and the data that they were undone from.
    pub(super) fn codecs<'a>(&'a self, text: &'a str) -> (Vec<&'static str>, &'a [u8]) {
        let (mut codecs, mut data, mut before) = (Vec::new(), text.as_bytes(), self.steps.len());
        while let Some(at) = self.made(data, before) {
            let step = &self.steps[at];
            codecs.extend((step.codec != SAME).then_some(step.codec));
            // What a decoder was given was there before what it made.
            (data, before) = (step.from.bytes(), at);
        }
        codecs.reverse();
        (codecs, data)
    }

    /// The last step before another that made `data`, or what `data` is a part of, or a part of `data`.
    fn made(&self, data: &[u8], before: usize) -> Option<usize> {
        let steps = &self.steps[..before];
        let same = steps.iter().rposition(|step| step.to.bytes() == data);
        let near = &steps[before.saturating_sub(limits::STEPS_NEAR_MAX)..];
        let holds = |whole: &[u8], part: &[u8]| part.len() >= PART_BYTES_MIN && memmem::find(whole, part).is_some();
        same.or_else(|| {
            let at = near.iter().rposition(|step| holds(step.to.bytes(), data) || holds(data, step.to.bytes()))?;
            Some(before - near.len() + at)
        })
    }
}

impl Resolver<'_> {
    /// The value of calling the function with the qualified name `name`.
    pub(super) fn folded(&mut self, name: &str, given: &[Value]) -> Option<Value> {
        let value = functions::call(name, given, self.facts.dialect)?;
        if let Some(codec) = codec(name, given, self.facts.dialect) {
            self.trail.note(codec, given.first()?, &value);
        }
        Some(value)
    }

    /// The value of calling the method `name` of `object`.
    pub(super) fn folded_by_method(&mut self, object: &Value, name: &str, given: &[Value]) -> Option<Value> {
        let value = functions::method(object, name, given, self.facts.dialect)?;
        if matches!(name, "decode" | "encode" | "toString")
            && let Some(Value::Text(encoding)) = given.first()
            && let Some(codec) = codec_of_encoding(encoding)
        {
            self.trail.note(codec, object, &value);
        }
        Some(value)
    }

    /// Notes what was decoded from a named encoding.
    pub(super) fn note_decoded(&mut self, encoding: &str, from: &Value, to: &Value) {
        if let Some(codec) = codec_of_encoding(encoding) {
            self.trail.note(codec, from, to);
        }
    }
}

fn codec(name: &str, given: &[Value], dialect: Dialect) -> Option<&'static str> {
    let encoding = || match given.get(1) {
        Some(Value::Text(encoding)) => codec_of_encoding(encoding),
        _ => None,
    };
    match dialect {
        Dialect::Python => Some(match name {
            "base64.b64decode"
            | "base64.urlsafe_b64decode"
            | "base64.standard_b64decode"
            | "base64.decodebytes"
            | "base64.decodestring"
            | "binascii.a2b_base64" => "base64",
            "base64.b32decode" | "base64.b32hexdecode" => "base32",
            "base64.b85decode" => "base85",
            "base64.a85decode" => "ascii85",
            "base64.b16decode" | "bytes.fromhex" | "bytearray.fromhex" | "binascii.unhexlify" | "binascii.a2b_hex" => {
                "hex"
            }
            "gzip.decompress" => "gzip",
            "zlib.decompressobj.().decompress" => "zlib",
            "zlib.decompress" => match given.get(1) {
                Some(Value::Int(bits)) if *bits < 0 => "deflate",
                Some(Value::Int(bits)) if *bits > 15 => "gzip",
                _ => "zlib",
            },
            "urllib.parse.unquote" | "urllib.unquote" | "urllib.parse.unquote_plus" => "percent",
            "codecs.decode" | "codecs.encode" => return encoding(),
            _ => return None,
        }),
        Dialect::JavaScript => Some(match name {
            "atob" => "base64",
            "unescape" | "decodeURIComponent" | "decodeURI" => "percent",
            "zlib.inflateSync" => "zlib",
            "zlib.inflateRawSync" => "deflate",
            "zlib.gunzipSync" | "zlib.unzipSync" => "gzip",
            "Buffer.from" | "Buffer" => return encoding(),
            _ => return None,
        }),
    }
}

/// The code that an encoding of this name is; none where text stays what it is.
fn codec_of_encoding(encoding: &str) -> Option<&'static str> {
    Some(match encoding.to_ascii_lowercase().replace(['-', '_'], "").as_str() {
        "rot13" => "rot13",
        "hex" | "hexcodec" => "hex",
        "base64" | "base64codec" | "base64url" => "base64",
        "punycode" => "punycode",
        "zip" | "zlib" | "zlibcodec" => "zlib",
        "unicodeescape" | "rawunicodeescape" => ESCAPES,
        "utf16" | "utf16le" => "utf-16",
        "latin1" | "iso88591" | "binary" => SAME,
        _ => return None,
    })
}
