//! The record of what a client knows about its points, and the promise that is checked with it:
//! acknowledged <= recovered <= sent.

use std::ops::Range;

use super::points;

/// The record of one client. Points are numbered from 0; each is sent in one or more requests of
/// consecutive numbers.
#[derive(Debug, Default)]
pub struct Record {
    pub client: u64,
    /// Points below this number may have been sent.
    pub sent: u64,
    /// Requests that were answered with 204.
    pub acknowledged: Vec<Range<u64>>,
    /// The request that has no answer, if there is one.
    pub unanswered: Option<Range<u64>>,
    /// Requests that were answered with 503.
    pub refused: u64,
}

impl Record {
    pub fn new(client: u64) -> Self {
        Self {
            client,
            ..Self::default()
        }
    }

    pub fn acknowledged_points(&self) -> u64 {
        let numbers: std::collections::BTreeSet<u64> =
            self.acknowledged.iter().cloned().flatten().collect();
        numbers.len() as u64
    }
}

/// Checks exported lines against the records, as they come.
pub struct Check<'a> {
    records: &'a [Record],
    /// For each client which of its points were seen.
    seen: Vec<Vec<bool>>,
    rest: Vec<u8>,
    wrong: Vec<String>,
    pub lines: u64,
}

impl<'a> Check<'a> {
    pub fn new(records: &'a [Record]) -> Self {
        let seen = records
            .iter()
            .map(|record| vec![false; record.sent as usize])
            .collect();
        Self {
            records,
            seen,
            rest: Vec::new(),
            wrong: Vec::new(),
            lines: 0,
        }
    }

    /// Takes the next bytes of an export.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.rest.extend_from_slice(bytes);
        let Some(end) = self.rest.iter().rposition(|byte| *byte == b'\n') else {
            return;
        };
        let rest = self.rest.split_off(end + 1);
        let text = String::from_utf8(std::mem::replace(&mut self.rest, rest)).expect("UTF-8");
        text.lines().for_each(|line| self.line(line));
    }

    fn line(&mut self, line: &str) {
        self.lines += 1;
        let Some((client, number)) = points::identify(line) else {
            return self.complain("nobody's line", line);
        };
        let place = self
            .records
            .iter()
            .position(|record| record.client == client);
        let Some(seen) = place.and_then(|place| self.seen[place].get_mut(number as usize)) else {
            return self.complain("never sent", line);
        };
        if std::mem::replace(seen, true) {
            return self.complain("twice", line);
        }
        if line != points::line(client, number) {
            self.complain("not as it was sent", line);
        }
    }

    fn complain(&mut self, what: &str, line: &str) {
        if self.wrong.len() < 20 {
            let shown: String = line.chars().take(300).collect();
            self.wrong.push(format!("{what}: {shown}"));
        }
    }

    /// The verdict: the number of points that were there without an acknowledgement.
    pub fn finish(mut self) -> Result<u64, String> {
        if !self.rest.is_empty() {
            let rest = String::from_utf8_lossy(&self.rest).into_owned();
            self.complain("half a line", &rest);
        }
        let mut acknowledged = vec![];
        for (record, seen) in self.records.iter().zip(&self.seen) {
            let mut numbers = vec![false; seen.len()];
            for number in record.acknowledged.iter().cloned().flatten() {
                numbers[number as usize] = true;
            }
            acknowledged.push(numbers);
        }
        let mut surplus = 0;
        for (place, record) in self.records.iter().enumerate() {
            let client = record.client;
            for number in 0..record.sent as usize {
                match (acknowledged[place][number], self.seen[place][number]) {
                    (true, false) if self.wrong.len() < 20 => self.wrong.push(format!(
                        "LOST: point {number} of client {client} was acknowledged"
                    )),
                    (false, true) => surplus += 1,
                    _ => {}
                }
            }
        }
        if self.wrong.is_empty() {
            Ok(surplus)
        } else {
            Err(self.wrong.join("\n"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Check, Record};
    use crate::points;

    fn verdict(export: &str) -> Result<u64, String> {
        let record = Record {
            sent: 4,
            acknowledged: vec![0..2],
            ..Record::new(1)
        };
        let records = [record];
        let mut check = Check::new(&records);
        for piece in export.as_bytes().chunks(7) {
            check.bytes(piece);
        }
        check.finish()
    }

    #[test]
    fn what_was_acknowledged_must_be_there_and_what_was_sent_may() {
        assert_eq!(verdict(&points::body(1, 0..2)), Ok(0));
        assert_eq!(verdict(&points::body(1, 0..4)), Ok(2));
        let lost = verdict(&points::body(1, 1..4)).unwrap_err();
        assert_eq!(lost, "LOST: point 0 of client 1 was acknowledged");
    }

    #[test]
    fn what_was_never_sent_or_came_twice_or_changed_is_told() {
        let all = points::body(1, 0..2);
        let of = |more: &str| verdict(&format!("{all}{more}")).unwrap_err();
        assert!(of(&points::body(1, 4..5)).starts_with("never sent"));
        assert!(of(&points::body(2, 0..1)).starts_with("never sent"));
        assert!(of(&points::body(1, 1..2)).starts_with("twice"));
        let changed = points::body(1, 2..3).replace("bool=", "boot=");
        assert!(of(&changed).starts_with("not as it was sent"));
        assert!(of("m f=1 1\n").starts_with("nobody"));
        assert!(of(points::body(1, 2..3).trim_end()).starts_with("half a line"));
    }
}
