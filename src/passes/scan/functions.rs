//! The functions and methods of both languages that attackers hide names with, evaluated over constants.

use super::decoders::{self, Compressed};
use super::fold::{self, base64_bytes, bytes_of, bytes_value, decode, display, elements, hex_bytes, join, list, text};
use super::limits::ELEMENTS_MAX;
use super::values::Value;
use crate::facts::Dialect;

/// The value of calling the function with the qualified name `name`.
pub(super) fn call(name: &str, arguments: &[Value], dialect: Dialect) -> Option<Value> {
    match dialect {
        Dialect::Python => python_call(name, arguments),
        Dialect::JavaScript => javascript_call(name, arguments),
    }
}

/// The value of calling the method `name` of `object`.
pub(super) fn method(object: &Value, name: &str, arguments: &[Value], dialect: Dialect) -> Option<Value> {
    let found = match object {
        Value::Text(own) => text_method(own, name, arguments, dialect),
        Value::Bytes(own) => bytes_method(own, name, arguments, dialect),
        _ => None,
    };
    found.or_else(|| list_method(object, name, arguments, dialect))
}

fn python_call(name: &str, arguments: &[Value]) -> Option<Value> {
    let first = arguments.first();
    match (name, first) {
        ("chr", Some(&Value::Int(code))) => text(char::from_u32(u32::try_from(code).ok()?)?),
        ("ord", Some(Value::Text(one))) => one.chars().next().map(|char| Value::Int(i64::from(u32::from(char)))),
        ("str", Some(Value::Bytes(data))) if arguments.len() > 1 => decode(data, "utf8"),
        ("str", Some(value)) => text(display(value, Dialect::Python)?),
        ("str", None) => text(""),
        ("int", Some(Value::Text(digits))) => match arguments.get(1) {
            Some(&Value::Int(base @ 2..=36)) => {
                let digits = digits.trim_start_matches("0x").trim_start_matches("0o").trim_start_matches("0b");
                i64::from_str_radix(digits, u32::try_from(base).ok()?).ok().map(Value::Int)
            }
            None => digits.trim().parse().ok().map(Value::Int),
            _ => None,
        },
        ("int", Some(Value::Int(number))) => Some(Value::Int(*number)),
        ("len", Some(value)) => Some(Value::Int(i64::try_from(elements(value)?.len()).ok()?)),
        ("list" | "tuple" | "iter", Some(same @ Value::List(_))) => Some(same.clone()),
        ("list" | "tuple" | "iter", Some(value)) => list(elements(value)?),
        ("reversed", Some(value)) => list(elements(value)?.into_iter().rev().collect()),
        ("bytes" | "bytearray", Some(Value::Int(count @ 0..=4096))) => {
            bytes_value(vec![0; usize::try_from(*count).ok()?])
        }
        ("bytes" | "bytearray", Some(value)) => bytes_value(bytes_of(value)?),
        ("range", _) => range(arguments),
        ("hex", Some(Value::Int(number))) => text(format!("{number:#x}")),
        ("oct", Some(Value::Int(number))) => text(format!("{number:#o}")),
        ("bin", Some(Value::Int(number))) => text(format!("{number:#b}")),
        ("abs", Some(Value::Int(number))) => number.checked_abs().map(Value::Int),
        ("format", Some(value)) => formatted(value, arguments.get(1)),
        ("str.join", Some(Value::Text(separator))) => join(separator, &elements(arguments.get(1)?)?),
        ("repr" | "ascii", Some(Value::Text(own))) => {
            text(format!("'{}'", own.replace('\\', "\\\\").replace('\'', "\\'")))
        }
        (_, Some(first)) => python_decoding(name, first, arguments)
            .or_else(|| python_gathering(name, first, arguments))
            .or_else(|| python_rewriting(name, first, arguments)),
        _ => None,
    }
}

/// Functions of Python that read what is written in some code.
fn python_decoding(name: &str, first: &Value, arguments: &[Value]) -> Option<Value> {
    match (name, Some(first)) {
        ("bytes.fromhex" | "bytearray.fromhex", Some(Value::Text(hex))) => bytes_value(hex_bytes(hex)?),
        ("binascii.unhexlify" | "binascii.a2b_hex", Some(value)) => {
            bytes_value(hex_bytes(std::str::from_utf8(&bytes_of(value)?).ok()?)?)
        }
        (
            "base64.b64decode"
            | "base64.urlsafe_b64decode"
            | "base64.standard_b64decode"
            | "base64.decodebytes"
            | "base64.decodestring"
            | "binascii.a2b_base64",
            Some(value),
        ) => bytes_value(base64_bytes(&bytes_of(value)?)?),
        (
            "base64.b32decode"
            | "base64.b32hexdecode"
            | "base64.b85decode"
            | "base64.a85decode"
            | "base64.z85decode"
            | "zlib.decompress"
            | "gzip.decompress"
            | "zlib.decompressobj.().decompress",
            Some(value),
        ) => bytes_value(python_decoder(name, &bytes_of(value)?, arguments)?),
        ("io.BytesIO" | "io.StringIO" | "ast.parse" | "textwrap.dedent" | "memoryview" | "compile", Some(value)) => {
            matches!(value, Value::Text(_) | Value::Bytes(_)).then(|| value.clone())
        }
        ("urllib.parse.unquote" | "urllib.unquote" | "urllib.parse.unquote_plus", Some(Value::Text(data))) => {
            text(unescape(data))
        }
        ("json.loads" | "ast.literal_eval", Some(Value::Text(written))) => from_json(written),
        ("base64.b16decode", Some(value)) => bytes_value(hex_bytes(std::str::from_utf8(&bytes_of(value)?).ok()?)?),
        ("codecs.decode" | "codecs.encode", Some(value)) => match arguments.get(1) {
            Some(Value::Text(encoding)) => decode(&bytes_of(value)?, encoding),
            None => decode(&bytes_of(value)?, "utf8"),
            _ => None,
        },
        _ => None,
    }
}

/// Functions of Python that put values together.
fn python_gathering(name: &str, first: &Value, arguments: &[Value]) -> Option<Value> {
    match (name, Some(first)) {
        ("operator.xor", Some(Value::Int(number))) => match arguments.get(1)? {
            Value::Int(other) => Some(Value::Int(number ^ other)),
            _ => None,
        },
        ("sorted", Some(value)) => {
            let mut items = elements(value)?;
            items.sort_by_key(|item| display(item, Dialect::Python));
            list(items)
        }
        ("sum", Some(value)) => {
            let mut total = arguments.get(1).cloned().unwrap_or(Value::Int(0));
            for item in elements(value)? {
                total = fold::binary(crate::facts::Binary::Add, &total, &item, Dialect::Python)?;
            }
            Some(total)
        }
        ("itertools.cycle", Some(value)) => {
            let items = elements(value)?;
            list(items.iter().cycle().take(if items.is_empty() { 0 } else { ELEMENTS_MAX }).cloned().collect())
        }
        ("itertools.chain.from_iterable", Some(value)) => {
            let lists: Option<Vec<Vec<Value>>> = elements(value)?.iter().map(elements).collect();
            list(lists?.concat())
        }
        ("itertools.chain", Some(_)) => {
            let lists: Option<Vec<Vec<Value>>> = arguments.iter().map(elements).collect();
            list(lists?.concat())
        }
        ("operator.add" | "operator.concat", Some(left)) => {
            fold::binary(crate::facts::Binary::Add, left, arguments.get(1)?, Dialect::Python)
        }
        _ => None,
    }
}

/// Functions of Python that rewrite texts, and put paths together. A home folder stays `~`: whose it is, is not known.
fn python_rewriting(name: &str, first: &Value, arguments: &[Value]) -> Option<Value> {
    let as_text = |at: usize| match arguments.get(at) {
        Some(Value::Text(text)) => Some(&**text),
        _ => None,
    };
    match name {
        "os.path.join" => path_joined(arguments, false),
        "os.path.expanduser" | "os.path.normpath" | "os.fspath" => text(as_text(0)?),
        "os.path.basename" => text(as_text(0)?.rsplit('/').next()?),
        "str.maketrans" => {
            let (from, to) = (elements(first)?, elements(arguments.get(1)?)?);
            (from.len() == to.len()).then_some(())?;
            let pair = |(from, to): (Value, Value)| Value::List([from, to].into());
            list(from.into_iter().zip(to).map(pair).collect())
        }
        "re.sub" => {
            let with = as_text(1).filter(|with| !with.contains(['\\', '$']))?;
            text(compiled(as_text(0)?)?.replace_all(as_text(2)?, regex::NoExpand(with)))
        }
        "re.findall" => {
            let regex = compiled(as_text(0)?).filter(|regex| regex.captures_len() == 1)?;
            list(regex.find_iter(as_text(1)?).map(|found| Value::Text(found.as_str().into())).collect())
        }
        "re.split" => split(as_text(1)?, &[Value::Pattern(as_text(0)?.into(), "".into())]),
        "unicodedata.normalize" if as_text(0)?.starts_with("NFK") => text(compatible(as_text(1)?)),
        "array.array" if matches!(as_text(0)?, "b" | "B") => bytes_value(bytes_of(arguments.get(1)?)?),
        _ => None,
    }
}

/// What is left of letters that only look different, such as the wide ones.
fn compatible(own: &str) -> String {
    unicode_normalization::UnicodeNormalization::nfkc(own).collect()
}

/// Parts of a path put together; an absolute part begins anew, but for JavaScript's `path.join`.
fn path_joined(parts: &[Value], plain: bool) -> Option<Value> {
    let mut whole = String::new();
    for part in parts {
        let Value::Text(part) = part else { return None };
        if part.starts_with('/') && !plain {
            whole.clear();
        }
        if !whole.is_empty() && !whole.ends_with('/') && !part.starts_with('/') {
            whole.push('/');
        }
        whole.push_str(part);
    }
    text(whole)
}

fn python_decoder(name: &str, data: &[u8], arguments: &[Value]) -> Option<Vec<u8>> {
    match name {
        "base64.b32decode" => decoders::base32(data, false),
        "base64.b32hexdecode" => decoders::base32(data, true),
        "base64.b85decode" => decoders::base85(data),
        "base64.a85decode" => decoders::ascii85(data),
        "gzip.decompress" => decoders::inflated(data, Compressed::Gzip),
        "zlib.decompress" => match arguments.get(1) {
            Some(Value::Int(bits)) if *bits < 0 => decoders::inflated(data, Compressed::Raw),
            Some(Value::Int(bits)) if *bits > 15 => decoders::inflated_any(data),
            _ => decoders::inflated(data, Compressed::Zlib),
        },
        "zlib.decompressobj.().decompress" => decoders::inflated(data, Compressed::Zlib),
        _ => None,
    }
}

/// What JSON writes out.
fn from_json(written: &str) -> Option<Value> {
    from_json_value(serde_json::from_str(written).ok()?)
}

/// The same for what was parsed already, which nests no deeper than the parser lets it.
fn from_json_value(value: serde_json::Value) -> Option<Value> {
    match value {
        serde_json::Value::String(own) => text(own),
        serde_json::Value::Number(number) => number.as_i64().map(Value::Int),
        serde_json::Value::Bool(value) => Some(Value::Bool(value)),
        serde_json::Value::Null => Some(Value::Null),
        serde_json::Value::Array(items) => list(items.into_iter().map(from_json_value).collect::<Option<_>>()?),
        serde_json::Value::Object(entries) => {
            let one = |(key, value): (String, serde_json::Value)| Some((key.into(), from_json_value(value)?));
            Some(Value::Table(entries.into_iter().map(one).collect::<Option<_>>()?))
        }
    }
}

/// `format(value, spec)`, as far as it can be without width.
fn formatted(value: &Value, spec: Option<&Value>) -> Option<Value> {
    let spec = match spec {
        Some(Value::Text(spec)) => &**spec,
        None => "",
        _ => return None,
    };
    match (value, spec) {
        (value, "" | "s") => text(display(value, Dialect::Python)?),
        (Value::Int(code), "c") => text(char::from_u32(u32::try_from(*code).ok()?)?),
        (Value::Int(number), "d") => text(number.to_string()),
        (Value::Int(number), "x") => text(format!("{number:x}")),
        (Value::Int(number), "02x") => text(format!("{number:02x}")),
        (Value::Text(own), spec) => {
            // A precision cuts a text: `{'systematic':.6}`.
            let count: usize = spec.trim_end_matches('s').strip_prefix('.')?.parse().ok()?;
            text(own.chars().take(count).collect::<String>())
        }
        _ => None,
    }
}

fn range(arguments: &[Value]) -> Option<Value> {
    let numbers: Vec<i64> = arguments
        .iter()
        .map(|value| if let Value::Int(number) = value { Some(*number) } else { None })
        .collect::<Option<_>>()?;
    let (start, stop, step) = match *numbers.as_slice() {
        [stop] => (0, stop, 1),
        [start, stop] => (start, stop, 1),
        [start, stop, step] if step != 0 => (start, stop, step),
        _ => return None,
    };
    let mut items = Vec::new();
    let mut at = start;
    while (step > 0 && at < stop) || (step < 0 && at > stop) {
        if items.len() >= ELEMENTS_MAX {
            return None;
        }
        items.push(Value::Int(at));
        at = at.checked_add(step)?;
    }
    list(items)
}

fn javascript_call(name: &str, arguments: &[Value]) -> Option<Value> {
    let first = arguments.first();
    match (name, first) {
        ("String.fromCharCode" | "String.fromCodePoint", Some(_)) => {
            let mut units = Vec::new();
            for value in arguments {
                let Value::Int(code) = value else { return None };
                let code = u32::try_from(*code).ok()?;
                units.extend_from_slice(char::from_u32(code)?.encode_utf16(&mut [0; 2]));
            }
            text(String::from_utf16_lossy(&units))
        }
        ("atob", Some(Value::Text(data))) => decode(&base64_bytes(data.as_bytes())?, "latin1"),
        ("String.raw", Some(Value::Text(written))) if arguments.len() == 1 => text(&**written),
        ("btoa", Some(Value::Text(data))) => fold::encode(data.as_bytes(), false),
        ("unescape" | "decodeURIComponent" | "decodeURI", Some(Value::Text(data))) => text(unescape(data)),
        ("String", Some(value)) => text(display(value, Dialect::JavaScript)?),
        ("parseInt", Some(value)) => parse_int(value, arguments.get(1)),
        ("Number", Some(value)) => fold::unary(crate::facts::Unary::Plus, value, Dialect::JavaScript),
        ("Array.from", Some(value)) => list(elements(value)?),
        ("Array.of", Some(_)) => list(arguments.to_vec()),
        ("JSON.parse", Some(Value::Text(written))) => from_json(written),
        ("RegExp", Some(Value::Text(pattern))) => match arguments.get(1) {
            Some(Value::Text(flags)) => Some(Value::Pattern(pattern.clone(), flags.clone())),
            None => Some(Value::Pattern(pattern.clone(), "".into())),
            _ => None,
        },
        ("Buffer.concat", Some(value)) => {
            let parts: Option<Vec<Vec<u8>>> = elements(value)?.iter().map(bytes_of).collect();
            bytes_value(parts?.concat())
        }
        ("TextDecoder.().decode", Some(value)) => decode(&bytes_of(value)?, "utf8"),
        ("TextEncoder.().encode", Some(value)) => bytes_value(bytes_of(value)?),
        ("zlib.inflateSync", Some(value)) => bytes_value(decoders::inflated(&bytes_of(value)?, Compressed::Zlib)?),
        ("zlib.inflateRawSync", Some(value)) => bytes_value(decoders::inflated(&bytes_of(value)?, Compressed::Raw)?),
        ("zlib.gunzipSync" | "zlib.unzipSync", Some(value)) => bytes_value(decoders::inflated_any(&bytes_of(value)?)?),
        ("escape" | "encodeURIComponent" | "encodeURI", Some(Value::Text(data))) => text(percent_encoded(data)),
        ("Array", Some(_)) if arguments.len() > 1 => list(arguments.to_vec()),
        ("Math.abs", Some(Value::Int(number))) => number.checked_abs().map(Value::Int),
        ("Buffer.from" | "Buffer" | "Uint8Array.from" | "Uint8Array", Some(value)) => match (value, arguments.get(1)) {
            (Value::Text(data), Some(Value::Text(encoding))) => match &**encoding {
                "base64" | "base64url" => bytes_value(base64_bytes(data.as_bytes())?),
                "hex" => bytes_value(hex_bytes(data)?),
                "latin1" | "binary" | "utf8" | "utf-8" | "ascii" => bytes_value(data.as_bytes().to_vec()),
                _ => None,
            },
            _ => bytes_value(bytes_of(value)?),
        },
        _ => javascript_paths(name, first, arguments),
    }
}

/// Functions of Node's modules `path`, `os` and `util`. A home folder is `~`: whose it is, is not known.
fn javascript_paths(name: &str, first: Option<&Value>, arguments: &[Value]) -> Option<Value> {
    match (name, first) {
        ("path.join" | "path.posix.join", Some(_)) => path_joined(arguments, true),
        ("path.resolve" | "path.posix.resolve", Some(_)) => path_joined(arguments, false),
        ("path.normalize", Some(Value::Text(own))) => text(&**own),
        ("path.basename", Some(Value::Text(own))) => {
            let last = own.rsplit('/').next()?;
            let end = if let Some(Value::Text(end)) = arguments.get(1) { &**end } else { "" };
            text(last.strip_suffix(end).unwrap_or(last))
        }
        ("os.homedir", None) => text("~"),
        ("util.format", Some(Value::Text(format))) => {
            let percent = fold::binary(
                crate::facts::Binary::Modulo,
                &Value::Text(format.clone()),
                &list(arguments[1..].to_vec())?,
                Dialect::Python,
            );
            percent.filter(|_| arguments.len() > 1)
        }
        _ => None,
    }
}

fn parse_int(value: &Value, base: Option<&Value>) -> Option<Value> {
    let written = display(value, Dialect::JavaScript)?;
    let written = written.trim();
    let base = match base {
        Some(&Value::Int(base @ 2..=36)) => u32::try_from(base).ok()?,
        None if written.starts_with("0x") => 16,
        None => 10,
        _ => return None,
    };
    let digits = if base == 16 { written.trim_start_matches("0x") } else { written };
    let end = digits.find(|char: char| !char.is_digit(base)).unwrap_or(digits.len());
    i64::from_str_radix(&digits[..end], base).ok().map(Value::Int)
}

/// What `escape` and `encodeURIComponent` make of letters that stand for themselves, and of others.
fn percent_encoded(data: &str) -> String {
    let mut out = String::with_capacity(data.len());
    for char in data.chars() {
        match char {
            char if char.is_ascii_alphanumeric() || "-_.!~*'()@/+".contains(char) => out.push(char),
            char => {
                for byte in char.encode_utf8(&mut [0; 4]).bytes() {
                    out.push_str(&format!("%{byte:02X}"));
                }
            }
        }
    }
    out
}

/// `%41`, `%u0041`.
pub(super) fn unescape(data: &str) -> String {
    let mut out: Vec<u8> = Vec::with_capacity(data.len());
    let mut rest = data;
    while let Some(at) = rest.find('%') {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        rest = &rest[at + 1..];
        let (digits, used) = match rest.strip_prefix('u') {
            Some(wide) => (wide.get(..4), 5),
            None => (rest.get(..2), 2),
        };
        match digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()) {
            Some(code) if used == 2 => out.extend(u8::try_from(code)),
            Some(code) => {
                let char = char::from_u32(code).unwrap_or('\u{fffd}');
                out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
            }
            None => {
                out.push(b'%');
                continue;
            }
        }
        rest = &rest[used..];
    }
    out.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&out).into_owned()
}

fn text_method(own: &str, name: &str, arguments: &[Value], dialect: Dialect) -> Option<Value> {
    let as_text = |at: usize| match arguments.get(at) {
        Some(Value::Text(text)) => Some(text.clone()),
        _ => None,
    };
    match name {
        "replace" | "replaceAll" if matches!(arguments.first(), Some(Value::Pattern(..))) => {
            let Some(Value::Pattern(pattern, flags)) = arguments.first() else { return None };
            let (regex, with) = (compiled(pattern)?, as_text(1)?);
            let count = if flags.contains('g') { 0 } else { 1 };
            let plain = regex::NoExpand(&with);
            if with.contains('$') {
                text(regex.replacen(own, count, &*with))
            } else {
                text(regex.replacen(own, count, plain))
            }
        }
        "match" if dialect == Dialect::JavaScript => match arguments.first()? {
            Value::Pattern(pattern, flags) if flags.contains('g') => {
                let regex = compiled(pattern)?;
                list(regex.find_iter(own).map(|found| Value::Text(found.as_str().into())).collect())
            }
            _ => None,
        },
        "replace" if dialect == Dialect::JavaScript => text(own.replacen(&*as_text(0)?, &as_text(1)?, 1)),
        "replace" | "replaceAll" => match arguments.get(2) {
            Some(&Value::Int(count)) => text(own.replacen(&*as_text(0)?, &as_text(1)?, usize::try_from(count).ok()?)),
            _ if own.len().saturating_mul(as_text(1)?.len().max(1)) > super::limits::FOLD_BYTES_MAX * 16 => None,
            _ => text(own.replace(&*as_text(0)?, &as_text(1)?)),
        },
        "join" if dialect == Dialect::Python => join(own, &elements(arguments.first()?)?),
        "format" if dialect == Dialect::Python => fold::format_braces(own, arguments, &[]),
        "lower" | "toLowerCase" | "casefold" => text(own.to_lowercase()),
        "upper" | "toUpperCase" => text(own.to_uppercase()),
        "swapcase" => text(own.chars().map(swap_case).collect::<String>()),
        "strip" | "trim" if arguments.is_empty() => text(own.trim()),
        "strip" => text(own.trim_matches(&as_text(0)?.chars().collect::<Vec<_>>()[..])),
        "lstrip" | "trimStart" if arguments.is_empty() => text(own.trim_start()),
        "rstrip" | "trimEnd" if arguments.is_empty() => text(own.trim_end()),
        "removeprefix" => text(own.strip_prefix(&*as_text(0)?).unwrap_or(own)),
        "removesuffix" => text(own.strip_suffix(&*as_text(0)?).unwrap_or(own)),
        "split" | "rsplit" => split(own, arguments),
        "splitlines" => list(own.lines().map(|line| Value::Text(line.into())).collect()),
        "partition" | "rpartition" => {
            let separator = as_text(0)?;
            let parts = if name == "partition" { own.split_once(&*separator) } else { own.rsplit_once(&*separator) };
            let (before, after) = parts.unwrap_or((own, ""));
            list([before, &*separator, after].iter().map(|part| Value::Text((*part).into())).collect())
        }
        _ => more_text_methods(own, name, arguments, dialect),
    }
}

fn more_text_methods(own: &str, name: &str, arguments: &[Value], dialect: Dialect) -> Option<Value> {
    let as_text = |at: usize| match arguments.get(at) {
        Some(Value::Text(text)) => Some(text.clone()),
        _ => None,
    };
    match name {
        "read" | "getvalue" | "__str__" if dialect == Dialect::Python => text(own),
        "encode" => match as_text(0) {
            Some(encoding) if encoding.starts_with("rot") => text(fold::rot13(own)),
            _ => bytes_value(own.as_bytes().to_vec()),
        },
        "normalize" if matches!(as_text(0).as_deref(), Some("NFKC" | "NFKD")) => text(compatible(own)),
        "toString" | "valueOf" | "normalize" if dialect == Dialect::JavaScript => text(own),
        "padStart" | "padEnd" => {
            let Some(&Value::Int(length)) = arguments.first() else { return None };
            let missing = usize::try_from(length).ok()?.saturating_sub(own.chars().count());
            (missing <= ELEMENTS_MAX).then_some(())?;
            let with = as_text(1).unwrap_or_else(|| " ".into());
            let pad: String = with.chars().cycle().take(missing).collect();
            text(if name == "padStart" { pad + own } else { own.to_owned() + &pad })
        }
        "translate" => {
            let pairs = elements(arguments.first()?)?;
            let turned = |one: char| {
                pairs.iter().find_map(|pair| match elements(pair)?.as_slice() {
                    [Value::Text(from), Value::Text(to)] if from.chars().eq([one]) => Some(to.to_string()),
                    _ => None,
                })
            };
            text(own.chars().map(|one| turned(one).unwrap_or_else(|| one.to_string())).collect::<String>())
        }
        "concat" => join("", &[&[Value::Text(own.into())], arguments].concat()),
        "charAt" | "at" | "__getitem__" => match arguments.first()? {
            Value::Int(at) => fold::index(&Value::Text(own.into()), *at),
            _ => None,
        },
        "charCodeAt" | "codePointAt" => {
            let at = match arguments.first() {
                Some(Value::Int(at)) => usize::try_from(*at).ok()?,
                None => 0,
                _ => return None,
            };
            own.encode_utf16().nth(at).map(|unit| Value::Int(i64::from(unit)))
        }
        "substr" => substring(own, arguments, true),
        "substring" | "slice" => substring(own, arguments, false),
        "repeat" => fold::binary(crate::facts::Binary::Multiply, &Value::Text(own.into()), arguments.first()?, dialect),
        "title" | "capitalize" => {
            let mut chars = own.chars();
            let first = chars.next()?;
            text(first.to_uppercase().chain(chars.as_str().to_lowercase().chars()).collect::<String>())
        }
        _ => None,
    }
}

/// A regular expression of JavaScript, as far as it is one of Rust as well.
pub(super) fn compiled(pattern: &str) -> Option<regex::Regex> {
    (pattern.len() <= super::limits::PATTERN_BYTES_MAX)
        .then(|| regex::RegexBuilder::new(pattern).size_limit(super::limits::PATTERN_PROGRAM_BYTES_MAX).build().ok())?
}

fn swap_case(char: char) -> char {
    if char.is_ascii_lowercase() { char.to_ascii_uppercase() } else { char.to_ascii_lowercase() }
}

fn split(own: &str, arguments: &[Value]) -> Option<Value> {
    let parts: Vec<Value> = match arguments.first() {
        Some(Value::Text(separator)) if separator.is_empty() => return list(elements(&Value::Text(own.into()))?),
        Some(Value::Pattern(pattern, _)) => {
            let regex = compiled(pattern)?;
            regex.split(own).map(|part| Value::Text(part.into())).collect()
        }
        Some(Value::Text(separator)) => own.split(&**separator).map(|part| Value::Text(part.into())).collect(),
        None => own.split_whitespace().map(|part| Value::Text(part.into())).collect(),
        _ => return None,
    };
    list(parts)
}

fn substring(own: &str, arguments: &[Value], by_length: bool) -> Option<Value> {
    let number = |at: usize| match arguments.get(at) {
        Some(Value::Int(number)) => Some(Some(*number)),
        None => Some(None),
        _ => None,
    };
    let (start, second) = (number(0)?.unwrap_or(0), number(1)?);
    let end = if by_length { second.map(|length| start.saturating_add(length)) } else { second };
    fold::slice(&Value::Text(own.into()), [Some(start), end, None])
}

fn bytes_method(own: &[u8], name: &str, arguments: &[Value], dialect: Dialect) -> Option<Value> {
    let encoding = match arguments.first() {
        Some(Value::Text(encoding)) => &**encoding,
        None => "utf8",
        _ => "?",
    };
    match (name, dialect) {
        ("decode", Dialect::Python) => decode(own, encoding),
        ("read" | "getvalue" | "tobytes", Dialect::Python) => bytes_value(own.to_vec()),
        ("join", Dialect::Python) => {
            let parts: Option<Vec<Vec<u8>>> = elements(arguments.first()?)?.iter().map(bytes_of).collect();
            bytes_value(parts?.join(own))
        }
        ("slice" | "subarray", Dialect::JavaScript) => {
            let number =
                |at: usize| if let Some(Value::Int(number)) = arguments.get(at) { Some(*number) } else { None };
            fold::slice(&Value::Bytes(own.into()), [number(0), number(1), None])
        }
        ("reverse", Dialect::JavaScript) => bytes_value(own.iter().rev().copied().collect()),
        ("hex", Dialect::Python) => fold::encode(own, true),
        ("toString", Dialect::JavaScript) => match encoding {
            "hex" => fold::encode(own, true),
            "base64" => fold::encode(own, false),
            _ => decode(own, encoding),
        },
        ("replace" | "strip" | "lower" | "upper", Dialect::Python) => {
            let own = decode(own, "latin1")?;
            let arguments: Vec<Value> =
                arguments.iter().map(|argument| decode(&bytes_of(argument)?, "latin1")).collect::<Option<_>>()?;
            bytes_value(latin1(&method(&own, name, &arguments, dialect)?)?)
        }
        _ => None,
    }
}

fn latin1(value: &Value) -> Option<Vec<u8>> {
    let Value::Text(text) = value else { return None };
    text.chars().map(|char| u8::try_from(u32::from(char)).ok()).collect()
}

/// A whole number in the digits of a base of 2 to 36: `(14).toString(36)`.
fn in_base(mut number: u64, base: u64) -> String {
    let mut digits = Vec::new();
    loop {
        let digit = u32::try_from(number % base).unwrap_or(0);
        digits.extend(char::from_digit(digit, 36));
        number /= base;
        if number == 0 {
            return digits.into_iter().rev().collect();
        }
    }
}

fn list_method(object: &Value, name: &str, arguments: &[Value], dialect: Dialect) -> Option<Value> {
    let Value::List(items) = object else {
        return match (object, name, arguments, dialect) {
            (&Value::Int(number), "to_bytes", [Value::Int(length @ 0..=8), order, ..], Dialect::Python) => {
                let bytes = number.to_be_bytes();
                let mut bytes = bytes.get(8 - usize::try_from(*length).ok()?..)?.to_vec();
                if matches!(order, Value::Text(order) if &**order == "little") {
                    bytes.reverse();
                }
                bytes_value(bytes)
            }
            (&Value::Int(number), "toString", &[Value::Int(base @ 2..=36)], Dialect::JavaScript) => {
                text(in_base(u64::try_from(number).ok()?, u64::try_from(base).ok()?))
            }
            _ => None,
        };
    };
    match (name, dialect) {
        ("at", Dialect::JavaScript) => match arguments.first()? {
            Value::Int(at) => fold::index(object, *at),
            _ => None,
        },
        ("join", Dialect::JavaScript) => match arguments.first() {
            Some(Value::Text(separator)) => join(separator, items),
            None => join(",", items),
            _ => None,
        },
        ("reverse", Dialect::JavaScript) => list(items.iter().rev().cloned().collect()),
        ("concat", Dialect::JavaScript) => {
            let mut all = items.to_vec();
            for argument in arguments {
                match argument {
                    Value::List(more) => all.extend_from_slice(more),
                    other => all.push(other.clone()),
                }
            }
            list(all)
        }
        ("slice", Dialect::JavaScript) => {
            let number = |at: usize| match arguments.get(at) {
                Some(Value::Int(number)) => Some(*number),
                _ => None,
            };
            fold::slice(object, [number(0), number(1), None])
        }
        ("toString", Dialect::JavaScript) => join(",", items),
        ("flat", Dialect::JavaScript) => {
            let flat = items.iter().flat_map(|item| match item {
                Value::List(inner) => inner.to_vec(),
                item => vec![item.clone()],
            });
            list(flat.collect())
        }
        ("copy", Dialect::Python) => list(items.to_vec()),
        _ => None,
    }
}
