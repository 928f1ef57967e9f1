//! Regular expressions: the syntax of RE2, as Go has it, to that of the crate `regex`.
//!
//! The two languages look alike and differ where it hurts: `\d`, `\w`, `\s` and `\b` are ASCII in
//! the one and Unicode in the other, `[[]` is a class of one bracket or an error, `\<` is a
//! character or the start of a word, `a{,2}` is a text or an error. So an expression is read by the
//! rules of Go, refused in its words, and written anew in a form that means the same in Rust.
//!
//! Limits of size are left to the engine: a count of 1,000 may need a larger one than is usual.

mod class;
mod unicode;

#[cfg(test)]
mod tests;

use class::{Escape, escape, literal, perl_class, unicode_class};

/// The largest count of a repetition, and the largest product of nested ones.
const REPEAT_MAX: usize = 1_000;

/// Returns an expression for the crate `regex` that matches what this one of RE2 does.
///
/// # Errors
///
/// The text that Go gives for an expression that is none.
pub fn to_rust(pattern: &str) -> Result<String, String> {
    let mut reader = Reader {
        pattern,
        at: 0,
        out: String::new(),
        frames: vec![Frame::default()],
    };
    let mut repeated = None;
    while reader.at < pattern.len() {
        repeated = reader.step(repeated)?;
    }
    if reader.frames.len() > 1 {
        return Err(error("missing closing )", pattern));
    }
    Ok(reader.out)
}

/// Says whether an expression is one of RE2, or why not.
///
/// # Errors
///
/// The text that Go gives for an expression that is none.
pub fn check(pattern: &str) -> Result<(), String> {
    to_rust(pattern).map(drop)
}

fn error(reason: &str, part: &str) -> String {
    format!("error parsing regexp: {reason}: `{part}`")
}

/// A group that is open.
#[derive(Default)]
struct Frame {
    /// The part that the next repetition repeats, as the product of the counts within it.
    last: Option<usize>,
    /// The largest product in the group.
    heaviest: usize,
}

struct Reader<'a> {
    pattern: &'a str,
    at: usize,
    out: String,
    frames: Vec<Frame>,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.pattern.get(self.at..).unwrap_or_default()
    }

    /// Returns the text from a byte up to here.
    fn since(&self, start: usize) -> &'a str {
        self.pattern.get(start..self.at).unwrap_or_default()
    }

    /// Reads one part; `repeated` is the start of the repetition before it, if it is one, and so is
    /// what is returned.
    fn step(&mut self, repeated: Option<usize>) -> Result<Option<usize>, String> {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else {
            return Ok(None);
        };
        match first {
            '(' if rest.starts_with("(?") => self.flags()?,
            '(' => self.open("(", 1),
            '|' => {
                self.pass("|", 1);
                self.replace(None);
            }
            ')' => self.close()?,
            '^' | '$' | '.' => self.atom(&first.to_string(), 1),
            '[' => {
                let (class, length) = class::read(rest)?;
                self.atom(&class, length);
            }
            '*' | '+' | '?' => return self.repeat(repeated, 1, 0).map(Some),
            '{' => match counts(rest) {
                Some((_, _, length)) => return self.repeat_counted(repeated, length).map(Some),
                None => self.atom(&literal('{'), 1),
            },
            '\\' => self.escaped()?,
            other => self.atom(&literal(other), other.len_utf8()),
        }
        Ok(None)
    }

    /// Advances by some bytes and writes a text for them.
    fn pass(&mut self, written: &str, length: usize) {
        self.out.push_str(written);
        self.at += length;
    }

    /// Sets what the next repetition repeats.
    fn replace(&mut self, product: Option<usize>) {
        if let Some(frame) = self.frames.last_mut() {
            frame.last = product;
            frame.heaviest = frame.heaviest.max(product.unwrap_or(0));
        }
    }

    fn atom(&mut self, written: &str, length: usize) {
        self.pass(written, length);
        self.replace(Some(1));
    }

    fn open(&mut self, written: &str, length: usize) {
        self.pass(written, length);
        self.frames.push(Frame::default());
    }

    fn close(&mut self) -> Result<(), String> {
        if self.frames.len() < 2 {
            return Err(error("unexpected )", self.pattern));
        }
        let heaviest = self.frames.pop().map_or(1, |frame| frame.heaviest.max(1));
        self.pass(")", 1);
        self.replace(Some(heaviest));
        Ok(())
    }

    /// Reads `(?P<name>`, `(?flags)` or `(?flags:`.
    fn flags(&mut self) -> Result<(), String> {
        let rest = self.rest();
        if rest.len() > 4 && rest.starts_with("(?P<") {
            return self.named(rest);
        }
        let mut negated = false;
        let mut any = false;
        for (index, c) in rest.char_indices().skip(2) {
            let end = index + c.len_utf8();
            let part = rest.get(..end).unwrap_or_default();
            match c {
                'i' | 'm' | 's' | 'U' => any = true,
                '-' if !negated => (negated, any) = (true, false),
                ':' | ')' if !negated || any => {
                    // Rust refuses a group of no flags.
                    match (c, part) {
                        (':', _) => self.open(part, end),
                        (_, "(?)") => self.pass("", end),
                        _ => self.pass(part, end),
                    }
                    return Ok(());
                }
                _ => return Err(error("invalid or unsupported Perl syntax", part)),
            }
        }
        Err(error("invalid or unsupported Perl syntax", rest))
    }

    fn named(&mut self, rest: &'a str) -> Result<(), String> {
        let invalid = |part: &str| error("invalid named capture", part);
        let end = rest.find('>').ok_or_else(|| invalid(rest))?;
        let (name, group) = (rest.get(4..end), rest.get(..=end));
        let (name, group) = (name.unwrap_or_default(), group.unwrap_or_default());
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(is_word) {
            return Err(invalid(group));
        }
        // Names are of no use here, and Rust refuses some of Go's.
        self.open("(", end + 1);
        Ok(())
    }

    /// Reads `{n}`, `{n,}` or `{n,m}`.
    fn repeat_counted(&mut self, repeated: Option<usize>, length: usize) -> Result<usize, String> {
        let counted = self.rest().get(..length).unwrap_or_default();
        let Some((least, most, _)) = counts(counted) else {
            return Ok(self.at);
        };
        let invalid = error("invalid repeat count", counted);
        if least > REPEAT_MAX || most.is_some_and(|most| most > REPEAT_MAX || most < least) {
            return Err(invalid);
        }
        self.repeat(repeated, length, most.unwrap_or(least))
    }

    /// Reads a repetition of this length in bytes, and a `?` after it; returns its start.
    fn repeat(
        &mut self,
        repeated: Option<usize>,
        length: usize,
        count: usize,
    ) -> Result<usize, String> {
        let start = self.at;
        let written = self.rest().get(..length).unwrap_or_default();
        self.pass(written, length);
        if self.rest().starts_with('?') {
            self.pass("?", 1);
        }
        if let Some(before) = repeated {
            let part = self.since(before);
            return Err(error("invalid nested repetition operator", part));
        }
        let part = self.since(start);
        let Some(product) = self.frames.last().and_then(|frame| frame.last) else {
            return Err(error("missing argument to repetition operator", part));
        };
        let product = product * count.max(1);
        if count >= 2 && product > REPEAT_MAX {
            return Err(error("invalid repeat count", part));
        }
        self.replace(Some(product));
        Ok(start)
    }

    /// Reads what begins with a backslash.
    fn escaped(&mut self) -> Result<(), String> {
        let rest = self.rest();
        match rest.chars().nth(1) {
            Some('A') => self.atom("\\A", 2),
            Some('z') => self.atom("\\z", 2),
            Some('b') => self.atom("(?-u:\\b)", 2),
            Some('B') => self.atom("(?-u:\\B)", 2),
            Some('C') => return Err(error("invalid escape sequence", "\\C")),
            Some('Q') => self.quoted(rest.get(2..).unwrap_or_default()),
            Some('p' | 'P') => {
                let (class, length) = unicode_class(rest)?;
                self.atom(&class, length);
            }
            Some(c) if perl_class(c).is_some() => {
                self.atom(perl_class(c).unwrap_or_default(), 2);
            }
            _ => {
                let Escape { value, length } = escape(rest)?;
                self.atom(&class::code(value), length);
            }
        }
        Ok(())
    }

    /// Reads literals up to `\E` or the end.
    fn quoted(&mut self, text: &str) {
        let (text, end) = text
            .split_once("\\E")
            .map_or((text, 2), |(text, _)| (text, 4));
        self.at += 2;
        for c in text.chars() {
            self.atom(&literal(c), c.len_utf8());
        }
        self.at += end - 2;
    }
}

/// Returns the counts of a repetition in braces and its length; without an upper count there is no
/// limit.
fn counts(text: &str) -> Option<(usize, Option<usize>, usize)> {
    let end = text.find('}')?;
    let inner = text.get(1..end)?;
    let (least, most) = match inner.split_once(',') {
        None => (count(inner)?, Some(count(inner)?)),
        Some((least, "")) => (count(least)?, None),
        Some((least, most)) => (count(least)?, Some(count(most)?)),
    };
    Some((least, most, end + 1))
}

/// Returns a number without leading zeros; one that is too large is too large for all.
fn count(digits: &str) -> Option<usize> {
    let plain = digits == "0" || !digits.starts_with('0');
    let number = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit());
    (plain && number).then(|| digits.parse().unwrap_or(usize::MAX))
}
