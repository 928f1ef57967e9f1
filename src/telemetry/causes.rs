//! An error with its causes, in one line: for logs, and for people who have to fix it.
//!
//! Errors come from several libraries; some repeat their cause in their own text and some do not.
//! Here each cause appears once. Parts that a library adds for its own developers (traces with the
//! paths of the machine that built it) are left out.

use crate::certain::Certain;
use std::error::Error;

/// The most characters of one cause: a store may answer with a whole page.
const CHARS_MAX: usize = 1000;

/// An error and its causes, outermost first: `what failed: why: why that`.
pub fn causes(error: &(dyn Error + 'static)) -> String {
    let mut line = words(error);
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = words(error);
        if !line.contains(&text) {
            line.push_str(": ");
            line.push_str(&text);
        }
        cause = error.source();
    }
    line
}

/// The text of an error itself, in one line.
fn words(error: &dyn Error) -> String {
    let text = error.to_string();
    let told = text.lines().take_while(|line| !is_trace(line));
    let words: Vec<&str> = told.flat_map(str::split_whitespace).collect();
    let line = words.join(" ");
    match line.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => {
            let start = line.get(..end).certain("a character begins there");
            format!("{start} …")
        }
        None => line,
    }
}

/// Returns true if a line belongs to a trace: `   0: some::function`, `   at file.rs:1`.
fn is_trace(line: &str) -> bool {
    let Some(line) = line.strip_prefix("  ").map(str::trim_start) else {
        return line == "stack backtrace:";
    };
    let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
    (rest.len() < line.len() && rest.starts_with(": ")) || line.starts_with("at ")
}

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::io;

    use thiserror::Error;

    use super::causes;

    #[derive(Debug, Error)]
    #[error("cannot sync lake/cpu")]
    struct Silent(#[source] io::Error);

    #[derive(Debug, Error)]
    #[error("Generic folder error: {0}")]
    struct Repeating(#[source] Box<dyn Error + Send + Sync>);

    #[test]
    fn each_cause_is_told_once_whether_or_not_who_wraps_it_repeats_it() {
        let full = || io::Error::other("no space");
        let wrapped = Repeating(Box::new(Repeating(Box::new(Silent(full())))));
        assert_eq!(
            causes(&wrapped),
            "Generic folder error: Generic folder error: cannot sync lake/cpu: no space"
        );
        assert_eq!(causes(&Silent(full())), "cannot sync lake/cpu: no space");
        assert_eq!(causes(&full()), "no space");
    }

    #[test]
    fn an_answer_of_several_lines_is_one_and_a_trace_is_left_out() {
        let said = |text: &str| causes(&io::Error::other(text.to_owned()));
        let answer = "403: <Error>\n  <Code>AccessDenied</Code>\n</Error>";
        assert_eq!(
            said(answer),
            "403: <Error> <Code>AccessDenied</Code> </Error>"
        );
        let traced = "no JSON\n   0: kernel::read\n      at /home/builder/kernel.rs:7";
        assert_eq!(said(traced), "no JSON");
        let long = "ä".repeat(5000);
        assert_eq!(said(&long).chars().count(), 1002);
    }
}
