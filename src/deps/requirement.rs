//! One requirement (PEP 508): `name[extra] >= 1.0 ; marker`, or `name @ address ; marker`.

use std::fmt;
use std::str::FromStr;

use super::marker::Marker;
use super::name::NAME_BYTES_MAX;
use super::specifier::SpecifierSet;
use super::text::{Cursor, Syntax, syntax};

/// The longest requirement that is looked at, in bytes.
const REQUIREMENT_BYTES_MAX: usize = 16 << 10;

/// A requirement as its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// The name as written.
    pub name: String,
    /// The extras as written, sorted, without repetitions.
    pub extras: Vec<String>,
    /// Which versions are admitted.
    pub specifiers: SpecifierSet,
    /// The address that it names directly, if it does.
    pub url: Option<String>,
    /// When it applies.
    pub marker: Option<Marker>,
}

impl FromStr for Parsed {
    type Err = Syntax;

    fn from_str(text: &str) -> Result<Self, Syntax> {
        if text.len() > REQUIREMENT_BYTES_MAX {
            return Err(syntax(0, format!("it is longer than {REQUIREMENT_BYTES_MAX} bytes")));
        }
        let mut cursor = Cursor::new(text);
        cursor.skip_blanks();
        let start = cursor;
        let name = cursor.name().ok_or_else(|| start.fault("a requirement begins with the name of a package"))?;
        if name.len() > NAME_BYTES_MAX {
            return Err(start.fault(format!("its name is longer than {NAME_BYTES_MAX} bytes")));
        }
        cursor.skip_blanks();
        let extras = read_extras(&mut cursor)?;
        cursor.skip_blanks();
        let mut parsed =
            Self { name: name.to_owned(), extras, specifiers: SpecifierSet::default(), url: None, marker: None };
        if cursor.eat("@") {
            parsed.read_url(&mut cursor)?;
        } else {
            parsed.specifiers = read_specifiers(&mut cursor)?;
            cursor.skip_blanks();
        }
        if cursor.is_at_end() {
            return Ok(parsed);
        }
        if !cursor.eat(";") {
            return Err(cursor.fault("a comma, a semicolon or the end is expected here"));
        }
        parsed.marker = Some(Marker::read(&mut cursor)?);
        if cursor.is_at_end() { Ok(parsed) } else { Err(cursor.fault("nothing can follow the marker")) }
    }
}

impl Parsed {
    fn read_url(&mut self, cursor: &mut Cursor<'_>) -> Result<(), Syntax> {
        cursor.skip_blanks();
        let url = cursor.take_while(|char| char != ' ' && char != '\t');
        if url.is_empty() {
            return Err(cursor.fault("an address must follow `@`"));
        }
        self.url = Some(url.to_owned());
        if !cursor.skip_blanks() && !cursor.is_at_end() {
            return Err(cursor.fault("a blank must follow the address"));
        }
        Ok(())
    }
}

fn read_extras(cursor: &mut Cursor<'_>) -> Result<Vec<String>, Syntax> {
    let mut extras = Vec::new();
    if !cursor.eat("[") {
        return Ok(extras);
    }
    cursor.skip_blanks();
    while let Some(extra) = cursor.name() {
        extras.push(extra.to_owned());
        cursor.skip_blanks();
        if !cursor.eat(",") {
            break;
        }
        cursor.skip_blanks();
        if cursor.rest().starts_with(']') {
            return Err(cursor.fault("the name of an extra must follow the comma"));
        }
    }
    if !cursor.eat("]") {
        return Err(cursor.fault("the list of extras is not closed, or lacks a comma"));
    }
    extras.sort();
    extras.dedup();
    Ok(extras)
}

fn read_specifiers(cursor: &mut Cursor<'_>) -> Result<SpecifierSet, Syntax> {
    if !cursor.eat("(") {
        return SpecifierSet::read(cursor);
    }
    cursor.skip_blanks();
    let specifiers = SpecifierSet::read(cursor)?;
    cursor.skip_blanks();
    if cursor.eat(")") {
        Ok(specifiers)
    } else {
        Err(cursor.fault("the parenthesis around the versions is not closed"))
    }
}

impl fmt::Display for Parsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if !self.extras.is_empty() {
            write!(f, "[{}]", self.extras.join(","))?;
        }
        write!(f, "{}", self.specifiers)?;
        if let Some(url) = &self.url {
            write!(f, " @ {url}")?;
        }
        match (&self.marker, &self.url) {
            (Some(marker), Some(_)) => write!(f, " ; {marker}"),
            (Some(marker), None) => write!(f, "; {marker}"),
            (None, _) => Ok(()),
        }
    }
}
