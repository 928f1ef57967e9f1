//! The two statements of InfluxQL that clients send before they write.

/// A statement that is understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Statement {
    /// `CREATE DATABASE "name"`
    CreateDatabase(String),
    /// `SHOW DATABASES`
    ShowDatabases,
}

/// Reads one statement; nothing if it is any other.
pub(super) fn statement(text: &str) -> Option<Statement> {
    let mut words = Words { rest: text };
    let statement = match (words.keyword()?, words.keyword()?) {
        (verb, object) if is(verb, "CREATE") && is(object, "DATABASE") => {
            Statement::CreateDatabase(words.identifier()?)
        }
        (verb, object) if is(verb, "SHOW") && is(object, "DATABASES") => Statement::ShowDatabases,
        _ => return None,
    };
    let rest = words.rest.trim();
    matches!(rest, "" | ";").then_some(statement)
}

fn is(word: &str, keyword: &str) -> bool {
    word.eq_ignore_ascii_case(keyword)
}

struct Words<'a> {
    rest: &'a str,
}

impl<'a> Words<'a> {
    fn keyword(&mut self) -> Option<&'a str> {
        let rest = self.rest.trim_start();
        let end = rest.find(|c: char| !is_part_of_word(c));
        let (word, rest) = rest.split_at_checked(end.unwrap_or(rest.len()))?;
        self.rest = rest;
        (!word.is_empty()).then_some(word)
    }

    /// Bare, or in double quotes with `\"`, `\\` and `\n`.
    fn identifier(&mut self) -> Option<String> {
        let rest = self.rest.trim_start();
        let Some(quoted) = rest.strip_prefix('"') else {
            let digit_first = rest.starts_with(|c: char| c.is_ascii_digit());
            return self.keyword().filter(|_| !digit_first).map(str::to_owned);
        };
        let mut name = String::new();
        let mut characters = quoted.char_indices();
        while let Some((at, c)) = characters.next() {
            match c {
                '"' => {
                    self.rest = quoted.get(at + 1..)?;
                    return (!name.is_empty()).then_some(name);
                }
                '\\' => name.push(match characters.next()?.1 {
                    'n' => '\n',
                    other => other,
                }),
                other => name.push(other),
            }
        }
        None
    }
}

fn is_part_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::{Statement, statement};

    #[test]
    fn a_database_is_created_by_its_quoted_or_bare_name() {
        for (text, name) in [
            (r#"CREATE DATABASE "telegraf""#, "telegraf"),
            ("create database telegraf;", "telegraf"),
            (r#"  CREATE\n DATABASE"a b/c" ; "#, "a b/c"),
            (r#"CREATE DATABASE "a\"b\\c""#, r#"a"b\c"#),
            ("CREATE DATABASE größe_1", "größe_1"),
        ] {
            let text = text.replace("\\n", "\n");
            let created = Statement::CreateDatabase(name.to_owned());
            assert_eq!(statement(&text), Some(created), "{text}");
        }
    }

    #[test]
    fn other_statements_are_not_understood() {
        assert_eq!(statement("show databases"), Some(Statement::ShowDatabases));
        for text in [
            "",
            "CREATE",
            "CREATE DATABASE",
            "CREATE DATABASE 1",
            r#"CREATE DATABASE """#,
            r#"CREATE DATABASE "open"#,
            "CREATE DATABASE a; DROP DATABASE b",
            "CREATE DATABASE a WITH DURATION 1d",
            "CREATEDATABASE a",
            "SHOW DATABASES x",
            "SHOW MEASUREMENTS",
            "SELECT * FROM m",
        ] {
            assert_eq!(statement(text), None, "{text}");
        }
    }
}
