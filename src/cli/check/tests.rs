use std::io::{Cursor, Read};

use super::excerpt::excerpt;
use super::output::Form;
use super::window::Window;
use super::{Summary, check_file};
use crate::cli::plain_text::Text;
use crate::cli::terminal::width;
use crate::config::{Config, Sources};
use crate::engine::ingest_options;
use crate::line_protocol::Precision;

/// Returns the reports about a text, and the summary.
fn check(text: impl Read + Send + 'static, form: Form) -> (String, Summary) {
    let config = Config::load(&Sources::default()).expect("the defaults are valid");
    let text = Text::new(Box::new(text)).expect("readable");
    let (mut out, mut summary) = (Vec::new(), Summary::default());
    let how = (ingest_options(&config), Precision::Nanosecond);
    check_file(Window::new(text), "a.lp", how, &mut summary, |report| {
        report.write(form, &mut out)
    })
    .expect("readable");
    (String::from_utf8(out).expect("text"), summary)
}

const TEXT: Form = Form::Text { columns: 100 };

const LINES: &str = "m f=1 1\n# note\nm f=\"x\" 2\r\nm f= 3\nm f=2,time=3 4\nm,time=1 f=1";

#[test]
fn every_problem_is_named_with_its_line_and_a_mark() {
    let (text, summary) = check(LINES.as_bytes(), TEXT);
    let expected = "\
a.lp:3:3 field \"f\" of \"m\" is float, got string
  m f=\"x\" 2
    ^
a.lp:4:5 expected a field value (a number, a boolean, or a string in double quotes) after `=`, found a space
  m f= 3
      ^
a.lp:5:7 field \"time\" is reserved and was dropped, rename it
  m f=2,time=3 4
        ^
a.lp:6:3 \"time\" is reserved and cannot be a tag, rename the tag
  m,time=1 f=1
    ^
";
    assert_eq!(text, expected);
    assert_eq!(
        summary.to_string(),
        "points ok: 2, lines rejected: 3, fields dropped: 1"
    );
}

#[test]
fn a_program_gets_an_object_a_line() {
    let (text, _) = check(LINES.as_bytes(), Form::Json);
    let objects: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(objects.len(), 4);
    assert_eq!(
        objects[0],
        serde_json::json!({"file": "a.lp", "line": 3, "column": 3, "code": "type_conflict",
            "message": "field \"f\" of \"m\" is float, got string"})
    );
}

#[test]
fn a_compressed_text_has_the_lines_of_the_plain_one() {
    let zstd = zstd::encode_all("m f=1 1\nm f=\"x\" 2\n".as_bytes(), 1).expect("to memory");
    let (text, _) = check(Cursor::new(zstd), TEXT);
    assert!(text.starts_with("a.lp:2:3 "), "{text}");
}

#[test]
fn a_text_of_many_windows_is_checked_with_the_right_lines() {
    let lines = 600_000;
    let text: String = (1..=lines)
        .map(|n| {
            format!(
                "m,t=t{} f={}\n",
                n % 7,
                if n % 100_000 == 0 { "\"s\"" } else { "1" }
            )
        })
        .collect();
    let (told, summary) = check(Cursor::new(text), TEXT);
    assert_eq!((summary.accepted, summary.rejected), (lines - 6, 6));
    let heads: Vec<&str> = told
        .lines()
        .step_by(3)
        .map(|line| line.split(' ').next().expect("a word"))
        .collect();
    assert_eq!(heads[0], "a.lp:100000:8");
    assert_eq!(heads[5], "a.lp:600000:8");
    assert_eq!(told.lines().nth(1), Some("  m,t=t5 f=\"s\""));
}

#[test]
fn a_line_is_cut_around_its_column_and_everything_in_it_can_be_seen() {
    let shown = |line: &[u8], column| {
        let (line, mark) = excerpt(line, column, 60);
        (line, mark.map(|mark| mark.chars().count()))
    };
    assert_eq!(shown(b"m f=", 5), ("m f=".to_owned(), Some(5)));
    assert_eq!(shown(b"m f=", 0), ("m f=".to_owned(), None));
    assert_eq!(
        shown(b"a\tb\x1b[1m\xff", 5),
        ("a\\tb\\u{1b}[1m\\xff".to_owned(), Some(11))
    );
    assert_eq!(
        shown("\u{202e}é".as_bytes(), 4),
        ("\\u{202e}é".to_owned(), Some(9))
    );
    let long = "é".repeat(100);
    let (line, mark) = shown(long.as_bytes(), 101);
    assert_eq!(line, format!("…{}…", "é".repeat(58)));
    assert_eq!(mark, Some(31));
    assert_eq!(shown(b"m", u32::MAX), ("m".to_owned(), Some(2)));
}

/// From a bug: the mark counted characters, and stood left of what is wide and right of what has no
/// width.
#[test]
fn the_mark_stands_under_the_fault_after_characters_of_any_width() {
    for (before, columns) in [
        ("温度", 4),
        ("🌡", 1),
        ("😀", 2),
        ("e\u{301}", 1),
        ("क\u{94d}", 1),
        ("a\tb", 4),
        ("a\u{200b}b", 10),
        ("👩\u{200d}🔬", 12),
        ("\u{2764}\u{fe0f}", 9),
        ("a\u{ad}", 7),
        ("\u{e0041}", 9),
    ] {
        let line = format!("{before}^");
        let column = u32::try_from(before.len() + 1).expect("short");
        let (shown, mark) = excerpt(line.as_bytes(), column, 60);
        let (mark, at) = (
            mark.expect("a mark"),
            width(shown.strip_suffix('^').expect("shown")),
        );
        assert_eq!((at, mark.len()), (columns, columns + 1), "{shown}\n{mark}");
    }
    // A fault in a mark, or within a character, is shown under the letter.
    for (line, column) in [("abe\u{301}c", 4), ("ab温c", 4), ("ab温c", 5)] {
        let (_, mark) = excerpt(line.as_bytes(), column, 60);
        assert_eq!(mark.as_deref(), Some("  ^"), "{line}");
    }
}

#[test]
fn a_line_of_any_characters_fits_a_terminal_of_any_width_with_the_fault_in_it() {
    let kinds = [
        "a",
        "温",
        "e\u{301}",
        "\u{301}",
        "\t",
        "\u{200b}",
        "😀",
        "क\u{94d}",
    ];
    for columns in [10, 58, 78, 118] {
        for kind in kinds {
            for (before, behind) in [(0, 500), (500, 0), (500, 500), (20, 500), (500, 3)] {
                let (before, behind) = (kind.repeat(before), kind.repeat(behind));
                let line = format!("{before}!{behind}");
                let column = u32::try_from(before.len() + 1).expect("short");
                let (shown, mark) = excerpt(line.as_bytes(), column, columns);
                let mark = mark.expect("a mark");
                assert!(width(&shown) <= columns, "{columns}: {shown}");
                let at = width(shown.split('!').next().expect("some"));
                assert!(
                    shown.contains('!') && at + 1 == mark.len(),
                    "{shown}\n{mark}"
                );
                let letters = shown.trim_start_matches('…');
                let is_cut = letters.len() < shown.len() && before.len() > 2;
                assert!(!is_cut || !letters.starts_with('\u{301}'), "{shown}");
            }
        }
    }
    // Lines may be as long as a request.
    let long = vec![b'x'; 32 << 20];
    let (shown, mark) = excerpt(&long, 16 << 20, 58);
    assert_eq!(
        (shown.chars().count(), mark.map(|mark| mark.len())),
        (58, Some(30))
    );
}
