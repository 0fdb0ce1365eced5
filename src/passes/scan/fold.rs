//! Constants folded: what operators, functions and methods of both languages make of values that are known.
//!
//! Pure functions from values to a value; `None` where the result is not known, or longer than
//! [`FOLD_BYTES_MAX`](super::limits::FOLD_BYTES_MAX).

use std::sync::Arc;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::decoders;
use super::limits::{ELEMENTS_MAX, FOLD_BYTES_MAX};
use super::values::Value;
use crate::facts::{Binary, Dialect, Unary};

/// A text, unless it is too long.
pub(super) fn text(text: impl Into<String>) -> Option<Value> {
    let text = text.into();
    (text.len() <= FOLD_BYTES_MAX).then(|| Value::Text(text.into()))
}

fn bytes(bytes: Vec<u8>) -> Option<Value> {
    (bytes.len() <= FOLD_BYTES_MAX).then(|| Value::Bytes(bytes.into()))
}

/// A list, unless it is too long.
pub(super) fn list(items: Vec<Value>) -> Option<Value> {
    (items.len() <= ELEMENTS_MAX).then(|| Value::List(items.into()))
}

/// The text that a value is turned into by `str`, `String`, or a template.
pub(super) fn display(value: &Value, dialect: Dialect) -> Option<String> {
    let python = dialect == Dialect::Python;
    Some(match value {
        Value::Text(text) => text.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) if !python && number.is_nan() => "NaN".to_owned(),
        Value::Float(number) if !python && number.is_infinite() => "Infinity".to_owned(),
        Value::Float(number) if python => format!("{number:?}"),
        Value::Float(number) => number.to_string(),
        Value::Bool(true) if python => "True".to_owned(),
        Value::Bool(false) if python => "False".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Null if python => "None".to_owned(),
        Value::Null => "null".to_owned(),
        Value::Undefined => "undefined".to_owned(),
        Value::Bytes(bytes) if !python => String::from_utf8_lossy(bytes).into_owned(),
        Value::List(items) if !python => {
            items.iter().map(|item| display(item, dialect)).collect::<Option<Vec<_>>>()?.join(",")
        }
        _ => return None,
    })
}

/// The value of `left operator right`.
pub(super) fn binary(operator: Binary, left: &Value, right: &Value, dialect: Dialect) -> Option<Value> {
    if dialect == Dialect::JavaScript && operator == Binary::Add {
        return javascript_add(left, right);
    }
    match (operator, left, right) {
        (Binary::Add, Value::Text(a), Value::Text(b)) => text(format!("{a}{b}")),
        (Binary::Add, Value::Bytes(a), Value::Bytes(b)) => bytes([&a[..], &b[..]].concat()),
        (Binary::Add, Value::List(a), Value::List(b)) => list([&a[..], &b[..]].concat()),
        (Binary::Add, Value::Int(a), Value::Int(b)) => a.checked_add(*b).map(Value::Int),
        (Binary::Subtract, Value::Int(a), Value::Int(b)) => a.checked_sub(*b).map(Value::Int),
        (Binary::Multiply, Value::Int(a), Value::Int(b)) => a.checked_mul(*b).map(Value::Int),
        (Binary::Xor, Value::Int(a), Value::Int(b)) => Some(Value::Int(a ^ b)),
        (Binary::Modulo, Value::Int(a), Value::Int(b)) if dialect == Dialect::Python => {
            a.checked_rem_euclid(*b).map(Value::Int)
        }
        (Binary::Modulo, Value::Int(a), Value::Int(b)) => a.checked_rem(*b).map(Value::Int),
        (Binary::Modulo, Value::Text(format), value) => percent(format, value),
        (Binary::Multiply, Value::Text(one), Value::Int(count))
        | (Binary::Multiply, Value::Int(count), Value::Text(one)) => {
            let count = usize::try_from(*count).unwrap_or(0);
            (one.len().checked_mul(count)? <= FOLD_BYTES_MAX).then(|| Value::Text(one.repeat(count).into()))
        }
        (Binary::Multiply, Value::Bytes(one), Value::Int(count))
        | (Binary::Multiply, Value::Int(count), Value::Bytes(one)) => {
            let count = usize::try_from(*count).unwrap_or(0);
            (one.len().checked_mul(count)? <= FOLD_BYTES_MAX).then(|| Value::Bytes(one.repeat(count).into()))
        }
        _ => None,
    }
}

fn javascript_add(left: &Value, right: &Value) -> Option<Value> {
    if let (Value::Int(a), Value::Int(b)) = (left, right) {
        return a.checked_add(*b).map(Value::Int);
    }
    let numeric = |value: &Value| {
        matches!(value, Value::Int(_) | Value::Float(_) | Value::Bool(_) | Value::Null | Value::Undefined)
    };
    if numeric(left) && numeric(right) {
        let sum = number(left)? + number(right)?;
        return Some(from_number(sum));
    }
    text(display(left, Dialect::JavaScript)? + &display(right, Dialect::JavaScript)?)
}

/// JavaScript's number of a value.
fn number(value: &Value) -> Option<f64> {
    Some(match value {
        Value::Int(number) => *number as f64,
        Value::Float(number) => *number,
        Value::Bool(value) => f64::from(u8::from(*value)),
        Value::Null => 0.0,
        Value::Undefined => f64::NAN,
        _ => {
            let text = display(value, Dialect::JavaScript)?;
            let text = text.trim();
            match crate::facts::literal::integer(text) {
                _ if text.is_empty() => 0.0,
                Some(number) => number as f64,
                None => text.parse().unwrap_or(f64::NAN),
            }
        }
    })
}

fn from_number(number: f64) -> Value {
    let whole = number.fract() == 0.0 && number.abs() < 9e15;
    if whole { Value::Int(number as i64) } else { Value::Float(number) }
}

/// The value of `operator operand`.
pub(super) fn unary(operator: Unary, operand: &Value, dialect: Dialect) -> Option<Value> {
    match (operator, operand) {
        (Unary::Void, _) => Some(Value::Undefined),
        (Unary::Not, value) => truthy(value, dialect).map(|value| Value::Bool(!value)),
        (Unary::Minus, Value::Int(number)) => number.checked_neg().map(Value::Int),
        (Unary::Plus, Value::Int(number)) => Some(Value::Int(*number)),
        (Unary::Minus | Unary::Plus, value) if dialect == Dialect::JavaScript => {
            let number = number(value)?;
            Some(from_number(if operator == Unary::Minus { -number } else { number }))
        }
        _ => None,
    }
}

/// Whether a value counts as true.
pub(super) fn truthy(value: &Value, dialect: Dialect) -> Option<bool> {
    Some(match value {
        Value::Text(text) => !text.is_empty(),
        Value::Bytes(bytes) => !bytes.is_empty(),
        Value::Int(number) => *number != 0,
        Value::Float(number) => *number != 0.0 && !number.is_nan(),
        Value::Bool(value) => *value,
        Value::Null | Value::Undefined => false,
        Value::List(items) => !items.is_empty() || dialect == Dialect::JavaScript,
        _ => return None,
    })
}

/// `format % value`.
fn percent(format: &str, value: &Value) -> Option<Value> {
    let single = [value.clone()];
    let mut values = match value {
        Value::List(items) => items.iter(),
        _ => single.iter(),
    };
    let mut out = String::new();
    let mut chars = format.chars();
    while let Some(char) = chars.next() {
        if char != '%' {
            out.push(char);
            continue;
        }
        match chars.next()? {
            '%' => out.push('%'),
            's' | 'd' | 'i' => out.push_str(&display(values.next()?, Dialect::Python)?),
            'c' => out.push_str(&match values.next()? {
                Value::Int(code) => char::from_u32(u32::try_from(*code).ok()?)?.to_string(),
                value => display(value, Dialect::Python)?,
            }),
            'x' => match values.next()? {
                Value::Int(number) => out.push_str(&format!("{number:x}")),
                _ => return None,
            },
            _ => return None,
        }
    }
    text(out)
}

/// `format.format(…)`: `{}`, `{0}` and `{name}`, without conversions.
pub(super) fn format_braces(format: &str, positional: &[Value], named: &[(Arc<str>, Value)]) -> Option<Value> {
    let mut out = String::new();
    let mut rest = format;
    let mut next = 0;
    while let Some(at) = rest.find(['{', '}']) {
        out.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix(brace) {
            out.push_str(brace);
            rest = after;
            continue;
        }
        let (inside, after) = rest.split_once('}').filter(|_| brace == "{")?;
        rest = after;
        let value = if inside.is_empty() {
            next += 1;
            positional.get(next - 1)?
        } else if let Ok(index) = inside.parse::<usize>() {
            positional.get(index)?
        } else {
            &named.iter().find(|(name, _)| **name == *inside)?.1
        };
        out.push_str(&display(value, Dialect::Python)?);
    }
    out.push_str(rest);
    text(out)
}

/// The elements of a value that can be iterated.
pub(super) fn elements(value: &Value) -> Option<Vec<Value>> {
    let items: Vec<Value> = match value {
        Value::List(items) => items.to_vec(),
        Value::Text(text) => {
            (text.len() <= ELEMENTS_MAX).then_some(())?;
            text.chars().map(|char| Value::Text(char.to_string().into())).collect()
        }
        Value::Bytes(bytes) => bytes.iter().map(|&byte| Value::Int(i64::from(byte))).collect(),
        _ => return None,
    };
    (items.len() <= ELEMENTS_MAX).then_some(items)
}

fn to_bytes(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::Bytes(bytes) => Some(bytes.to_vec()),
        Value::Text(text) => Some(text.as_bytes().to_vec()),
        Value::List(items) => items
            .iter()
            .map(|item| match item {
                Value::Int(number) => u8::try_from(*number).ok(),
                _ => None,
            })
            .collect(),
        _ => None,
    }
}

/// `value[index]`.
pub(super) fn index(value: &Value, index: i64) -> Option<Value> {
    let at = |length: usize| {
        let index = if index < 0 { index.checked_add(i64::try_from(length).ok()?)? } else { index };
        usize::try_from(index).ok().filter(|&index| index < length)
    };
    match value {
        Value::List(items) => items.get(at(items.len())?).cloned(),
        Value::Text(text) if text.is_ascii() => {
            let at = at(text.len())?;
            Some(Value::Text(text[at..=at].into()))
        }
        Value::Text(text) => {
            let at = at(text.chars().count())?;
            text.chars().nth(at).map(|char| Value::Text(char.to_string().into()))
        }
        Value::Bytes(bytes) => bytes.get(at(bytes.len())?).map(|&byte| Value::Int(i64::from(byte))),
        _ => None,
    }
}

/// `value[start:stop:step]`, as Python counts.
pub(super) fn slice(value: &Value, bounds: [Option<i64>; 3]) -> Option<Value> {
    let items = elements(value)?;
    let length = i64::try_from(items.len()).ok()?;
    let step = bounds[2].unwrap_or(1);
    if step == 0 {
        return None;
    }
    let (low, high) = if step > 0 { (0, length) } else { (-1, length - 1) };
    let clamp = |bound: Option<i64>, default: i64| {
        bound.map_or(default, |bound| if bound < 0 { bound.saturating_add(length) } else { bound }.clamp(low, high))
    };
    let (start, stop) = if step > 0 {
        (clamp(bounds[0], 0), clamp(bounds[1], length))
    } else {
        (clamp(bounds[0], high), clamp(bounds[1], -1))
    };
    let mut picked = Vec::new();
    let mut at = start;
    while (step > 0 && at < stop) || (step < 0 && at > stop) {
        picked.push(items[usize::try_from(at).ok()?].clone());
        at = at.checked_add(step)?;
    }
    rebuild(value, picked)
}

/// Elements put together again as what they were elements of.
fn rebuild(like: &Value, items: Vec<Value>) -> Option<Value> {
    match like {
        Value::Text(_) => join("", &items),
        Value::Bytes(_) => bytes(to_bytes(&Value::List(items.into()))?),
        _ => list(items),
    }
}

/// Texts put together with `separator` between them.
pub(super) fn join(separator: &str, items: &[Value]) -> Option<Value> {
    let mut out = String::new();
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push_str(separator);
        }
        match item {
            Value::Text(text) => out.push_str(text),
            Value::Null | Value::Undefined => {}
            other => out.push_str(&display(other, Dialect::JavaScript)?),
        }
        if out.len() > FOLD_BYTES_MAX {
            return None;
        }
    }
    text(out)
}

/// The bytes that a base64 text means; both alphabets, padded or not, blanks left out.
pub(super) fn base64_bytes(data: &[u8]) -> Option<Vec<u8>> {
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let engine = GeneralPurpose::new(&alphabet::STANDARD, config);
    let data: Vec<u8> = data
        .iter()
        .filter(|byte| !byte.is_ascii_whitespace())
        .map(|byte| match byte {
            b'-' => b'+',
            b'_' => b'/',
            byte => *byte,
        })
        .collect();
    (data.len() <= FOLD_BYTES_MAX).then(|| engine.decode(data).ok())?
}

/// The bytes that hexadecimal text means; blanks left out.
pub(super) fn hex_bytes(data: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = data.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let (pairs, rest) = digits.as_chunks::<2>();
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    rest.is_empty().then_some(())?;
    pairs.iter().map(|&[high, low]| Some(digit(high)? << 4 | digit(low)?)).collect()
}

/// The text that bytes in a named encoding mean.
pub(super) fn decode(data: &[u8], encoding: &str) -> Option<Value> {
    match encoding.to_ascii_lowercase().replace(['-', '_'], "").as_str() {
        "utf8" | "ascii" | "" => text(String::from_utf8(data.to_vec()).ok()?),
        "latin1" | "iso88591" | "binary" => text(data.iter().map(|&byte| char::from(byte)).collect::<String>()),
        "rot13" => text(rot13(std::str::from_utf8(data).ok()?)),
        "hex" | "hexcodec" => bytes(hex_bytes(std::str::from_utf8(data).ok()?)?),
        "base64" | "base64codec" => bytes(base64_bytes(data)?),
        "punycode" => text(decoders::punycode(data)?),
        "zip" | "zlib" | "zlibcodec" => bytes(decoders::inflated(data, decoders::Compressed::Zlib)?),
        "unicodeescape" | "rawunicodeescape" => {
            text(crate::facts::literal::python_text(std::str::from_utf8(data).ok()?, false))
        }
        "utf16" | "utf16le" => {
            let units: Vec<u16> = data.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
            text(String::from_utf16_lossy(&units).trim_start_matches('\u{feff}'))
        }
        _ => None,
    }
}

/// Letters moved by thirteen places.
pub(super) fn rot13(text: &str) -> String {
    let turn = |char: char, base: u8| char::from((char as u8 - base + 13) % 26 + base);
    text.chars()
        .map(|char| match char {
            'a'..='z' => turn(char, b'a'),
            'A'..='Z' => turn(char, b'A'),
            _ => char,
        })
        .collect()
}

/// Bytes as hexadecimal text, or as base64.
pub(super) fn encode(data: &[u8], hexadecimal: bool) -> Option<Value> {
    if hexadecimal {
        return text(crate::finding::hex(data));
    }
    text(base64::engine::general_purpose::STANDARD.encode(data))
}

/// The bytes of a text, bytes or list of numbers.
pub(super) fn bytes_of(value: &Value) -> Option<Vec<u8>> {
    to_bytes(value)
}

/// Bytes, unless there are too many.
pub(super) fn bytes_value(data: Vec<u8>) -> Option<Value> {
    bytes(data)
}
