//! Reads the values of a tag from the file named by the first argument, one per line, and then one
//! regular expression per line; prints the numbers of the values that match, or the error.
#![allow(clippy::print_stdout, reason = "a program that prints")]

use std::io::BufRead;

fn main() {
    let path = std::env::args().nth(1).unwrap_or_default();
    let values = std::fs::read_to_string(path).unwrap_or_default();
    let values: Vec<&str> = values.lines().collect();
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let translated = match iql::regex::to_rust(&line) {
            Ok(translated) => translated,
            Err(error) => {
                println!("{error}");
                continue;
            }
        };
        match regex::Regex::new(&translated) {
            Ok(regex) => {
                let found = values
                    .iter()
                    .enumerate()
                    .filter(|(_, value)| regex.is_match(value));
                let numbers: Vec<_> = found.map(|(index, _)| index.to_string()).collect();
                println!("{}", numbers.join(" "));
            }
            Err(error) => {
                let text = error.to_string();
                println!(
                    "not Rust: {translated} {}",
                    text.lines().last().unwrap_or_default()
                );
            }
        }
    }
}
