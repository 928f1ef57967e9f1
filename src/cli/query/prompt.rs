//! A prompt for questions: a statement may have several lines and ends with `;`, words that begin
//! with a backslash are for the prompt itself.

use serde_json::{Map, Value};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::block_in_place;

use super::asker::{Asker, Question};
use super::format::Format;
use super::history::History;
use super::language::{self, Language};
use super::reference::references;
use super::run::{Answered, answer};
use super::statement;
use super::target::Target;
use crate::cli::CliError;
use crate::cli::line_editor::{Input, LineEditor, end_process};
use crate::cli::output::{line, remark};
use crate::cli::terminal::{visible, width};

const HELLO: &str = "A statement ends with ; and may have several lines. \\? tells more, \\q ends.";

const HELP: &str = "\
  SELECT …;   asks; a statement ends with ; and may have several lines
  \\d          the measurements
  \\d NAME     the columns of a measurement
  \\influxql   goes on in InfluxQL, \\sql in SQL
  \\q          ends, as Ctrl-D does
  \\?          this help

  Ctrl-C ends a question, or drops what is typed. Up and Down bring back older
  statements, Ctrl-R finds one; one that begins with a blank is not kept.";

/// The most columns of the bucket's name before each line.
const NAME_COLUMNS_MAX: usize = 20;

/// The least question: whether there are a server, a bucket, and a right to ask.
const PROBE: &str = "SELECT 1";

/// The signals that end a process, with their numbers.
const ENDS: [(SignalKind, i32); 3] = [
    (SignalKind::hangup(), 1),
    (SignalKind::quit(), 3),
    (SignalKind::terminate(), 15),
];

/// What a line is for the prompt itself.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Word {
    Tables,
    Columns(String),
    Speak(Language),
    Help,
    End,
    Unknown,
}

/// A prompt.
#[derive(Debug)]
pub(super) struct Prompt<'a> {
    pub(super) asker: &'a Asker,
    pub(super) target: &'a Target,
    /// The language of the next statement.
    pub(super) language: Language,
    /// The values that were given with the command.
    pub(super) values: &'a Map<String, Value>,
    pub(super) history: History,
    pub(super) editor: LineEditor,
}

impl Prompt<'_> {
    /// Asks for questions and answers them until that is ended.
    pub(super) async fn run(mut self) -> Result<(), CliError> {
        // What is wrong with the command is told before anything is typed.
        let probe = Question {
            language: Language::Sql,
            statement: PROBE,
            values: &Map::new(),
        };
        self.asker.ask(probe, Format::Arrow).await?;
        end_in_order()?;
        // From now on Ctrl-C ends a question, never the program.
        let system = "listen for signals";
        let _held = signal(SignalKind::interrupt()).map_err(CliError::system(system))?;
        remark(HELLO);
        let (first, next) = prompts(&self.asker.bucket);
        let mut typed = String::new();
        loop {
            let prompt = if typed.is_empty() { &first } else { &next };
            let input = block_in_place(|| self.editor.read(prompt));
            match input.map_err(CliError::system("read from the terminal"))? {
                Input::Closed => return Ok(()),
                Input::Cancelled => typed.clear(),
                Input::Text(text) => {
                    for text in text.split('\n') {
                        match self.enter(typed, text).await? {
                            Some(rest) => typed = rest,
                            None => return Ok(()),
                        }
                    }
                }
            }
        }
    }

    /// Does what a line is for, after what was typed before it; the text that is still open, or none if
    /// the prompt ends.
    async fn enter(&mut self, typed: String, text: &str) -> Result<Option<String>, CliError> {
        match word_after(&typed, text, self.language) {
            Some(Word::End) => Ok(None),
            Some(word) => {
                self.keep(text.trim_end())?;
                self.obey(word).await?;
                Ok(Some(typed))
            }
            None if typed.is_empty() => self.take(text.to_owned()).await.map(Some),
            None => self.take(format!("{typed}\n{text}")).await.map(Some),
        }
    }

    /// Answers the statements that are whole; the rest of the text.
    async fn take(&mut self, text: String) -> Result<String, CliError> {
        let (whole, rest) = entered(&text, self.language);
        for Entered { statement, line } in whole {
            self.keep(&line)?;
            self.answer(statement, self.values).await?;
        }
        Ok(rest)
    }

    fn keep(&mut self, line: &str) -> Result<(), CliError> {
        if self.history.add(line, &self.asker.session) {
            let kept = self.editor.keep(line);
            kept.map_err(CliError::system("keep a statement"))?;
        }
        Ok(())
    }

    async fn obey(&mut self, word: Word) -> Result<(), CliError> {
        match word {
            Word::Tables => self.answer(self.language.measurements(), &Map::new()).await,
            Word::Speak(language) => {
                self.language = language;
                remark(&format!("statements are in {} now", language.name()));
                Ok(())
            }
            Word::Columns(name) => self.describe(&name).await,
            Word::Help => line(HELP),
            Word::Unknown => {
                remark("there is no such word: \\? tells which there are");
                Ok(())
            }
            Word::End => Ok(()),
        }
    }

    /// Shows the columns of the first table that a name can stand for. If there is none, the server
    /// says what there is instead of the first.
    async fn describe(&self, name: &str) -> Result<(), CliError> {
        if self.language == Language::Influxql {
            return self.answer(&language::keys_of(name), &Map::new()).await;
        }
        let mut first = None;
        for reference in references(name) {
            let statement = format!("DESCRIBE {reference}");
            match self.asked(&statement, &Map::new()).await {
                Err(error @ CliError::Client { .. }) => first = first.or(Some(error)),
                ended => return told(ended),
            }
        }
        told(first.map_or(Ok(Answered::Whole), Err))
    }

    /// Only what ends the prompt is an error: that nothing can be shown.
    async fn answer(&self, text: &str, values: &Map<String, Value>) -> Result<(), CliError> {
        told(self.asked(text, values).await)
    }

    async fn asked(&self, text: &str, values: &Map<String, Value>) -> Result<Answered, CliError> {
        let system = "listen for signals";
        let interrupt = signal(SignalKind::interrupt());
        let mut interrupt = interrupt.map_err(CliError::system(system))?;
        let cancelled = async {
            interrupt.recv().await;
        };
        let question = Question {
            language: self.language,
            statement: text,
            values,
        };
        answer(self.asker, question, self.target, cancelled).await
    }
}

/// A statement that was entered to its end.
#[derive(Debug, PartialEq, Eq)]
struct Entered<'t> {
    statement: &'t str,
    /// The statement for the history.
    line: String,
}

/// The statements of a text that are whole, and what follows them. A blank that begins the text
/// keeps all of it out of the history; those between statements mean nothing.
fn entered(text: &str, language: Language) -> (Vec<Entered<'_>>, String) {
    let blank = if text.starts_with(' ') { " " } else { "" };
    let (mut whole, mut rest) = (Vec::new(), text);
    while let Some((statement, after)) = statement::split(rest, language) {
        rest = after;
        if !statement::is_blank(statement) {
            let line = format!("{blank}{};", statement.trim());
            whole.push(Entered { statement, line });
        }
    }
    let rest = match statement::is_blank(rest) {
        true => String::new(),
        false => format!("{blank}{}", rest.trim_start()),
    };
    (whole, rest)
}

/// Tells how a question ended. The prompt goes on unless nothing can be shown.
fn told(ended: Result<Answered, CliError>) -> Result<(), CliError> {
    match ended {
        Ok(Answered::Whole) => Ok(()),
        Ok(Answered::Cancelled) => {
            remark("cancelled");
            Ok(())
        }
        Err(error @ CliError::Output(_)) => Err(error),
        Err(error) => {
            remark(&error.line().unwrap_or_default());
            Ok(())
        }
    }
}

/// Ends the process at a signal that ends one, but with the terminal as it was.
fn end_in_order() -> Result<(), CliError> {
    for (kind, number) in ENDS {
        let mut signal = signal(kind).map_err(CliError::system("listen for signals"))?;
        tokio::spawn(async move {
            if signal.recv().await.is_some() {
                end_process(128 + number);
            }
        });
    }
    Ok(())
}

/// What stands before the first line of a statement, and before the others.
fn prompts(bucket: &str) -> (String, String) {
    let mut name = String::new();
    for character in visible(bucket).chars() {
        if width(&name) >= NAME_COLUMNS_MAX {
            name.push('…');
            break;
        }
        name.push(character);
    }
    let blanks = " ".repeat(width(&name).saturating_sub(1));
    (format!("{name}> "), format!("{blanks}-> "))
}

/// The word for the prompt that a line is, if it is one. In a statement that has begun, words have a
/// backslash; in its quotes and comments there are none.
fn word_after(typed: &str, line: &str, language: Language) -> Option<Word> {
    let has_begun = !typed.is_empty();
    let is_open = || statement::split(&format!("{typed}\n;"), language).is_none();
    if has_begun && (!line.trim_start().starts_with('\\') || is_open()) {
        return None;
    }
    word(line)
}

/// The word for the prompt that a line by itself is.
fn word(line: &str) -> Option<Word> {
    let line = line.trim().trim_end_matches(';').trim_end();
    match line.to_ascii_lowercase().as_str() {
        "exit" | "quit" => return Some(Word::End),
        "help" => return Some(Word::Help),
        "\\sql" => return Some(Word::Speak(Language::Sql)),
        "\\influxql" => return Some(Word::Speak(Language::Influxql)),
        _ => {}
    }
    let (word, rest) = line
        .strip_prefix('\\')?
        .split_at_checked(1)
        .unwrap_or_default();
    let name = rest.trim();
    let is_apart = rest.is_empty() || rest.starts_with(char::is_whitespace);
    Some(match (word, name) {
        ("q", "") => Word::End,
        ("?", "") => Word::Help,
        ("d", "") => Word::Tables,
        ("d", name) if is_apart => Word::Columns(name.to_owned()),
        _ => Word::Unknown,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_with_a_backslash_are_for_the_prompt() {
        let columns = |name: &str| Some(Word::Columns(name.to_owned()));
        for (line, expected) in [
            ("\\d", Some(Word::Tables)),
            (" \\d; ", Some(Word::Tables)),
            ("\\d room", columns("room")),
            ("\\d  Wind Speed;", columns("Wind Speed")),
            ("\\d \"a \"\"b\"\"\"", columns("\"a \"\"b\"\"\"")),
            ("\\q", Some(Word::End)),
            ("exit", Some(Word::End)),
            ("QUIT;", Some(Word::End)),
            ("\\influxql", Some(Word::Speak(Language::Influxql))),
            (" \\SQL;", Some(Word::Speak(Language::Sql))),
            ("\\?", Some(Word::Help)),
            ("help", Some(Word::Help)),
            ("\\dx", Some(Word::Unknown)),
            ("\\", Some(Word::Unknown)),
            ("\\ä", Some(Word::Unknown)),
            ("SELECT 1;", None),
            ("", None),
        ] {
            assert_eq!(word(line), expected, "{line}");
        }
    }

    /// From a bug: in a statement of several lines, `\d` was sent to the server.
    #[test]
    fn a_statement_that_has_begun_has_words_outside_of_its_quotes() {
        for (typed, line, expected) in [
            ("", "exit", Some(Word::End)),
            ("SELECT 1", "\\d", Some(Word::Tables)),
            ("SELECT 1 -- '", "\\q", Some(Word::End)),
            ("SELECT 1", "exit", None),
            ("SELECT 'a", "\\d", None),
            ("SELECT 1 /* a", "\\d", None),
        ] {
            let found = word_after(typed, line, Language::Sql);
            assert_eq!(found, expected, "{typed} {line}");
        }
    }

    /// From a bug: of two statements on one line, the blank between them kept the second out of the
    /// history.
    #[test]
    fn each_statement_of_a_line_is_kept_unless_the_line_begins_with_a_blank() {
        let parts = |text: &str| {
            let (whole, rest) = entered(text, Language::Sql);
            let lines: Vec<String> = whole.into_iter().map(|entered| entered.line).collect();
            (lines.concat(), rest)
        };
        for (text, lines, rest) in [
            ("a; b;", "a;b;", ""),
            ("a;\n  b ; ", "a;b;", ""),
            ("a; b\nc", "a;", "b\nc"),
            (" a; b;", " a; b;", ""),
            (" a; b", " a;", " b"),
            ("; ;a;;", "a;", ""),
            ("a; -- b", "a;", ""),
            ("", "", ""),
        ] {
            assert_eq!(parts(text), (lines.to_owned(), rest.to_owned()), "{text:?}");
        }
    }

    #[test]
    fn the_name_before_a_line_is_short_and_harmless() {
        assert_eq!(prompts("home"), ("home> ".to_owned(), "   -> ".to_owned()));
        assert_eq!(prompts(""), ("> ".to_owned(), "-> ".to_owned()));
        let (first, next) = prompts(&"\x1b温".repeat(20));
        assert!(width(&first) < 30 && !first.contains('\x1b'), "{first}");
        assert_eq!(width(&first), width(&next));
    }
}
