use super::{refusal, variables};
use crate::config::Config;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

#[test]
fn a_token_of_32_characters_is_taken_and_never_shown() {
    let config = Config::load(&variables(&[("TIDEGATE_INIT_TOKEN", TOKEN)])).expect("valid");
    assert_eq!(
        config.init_token.as_ref().map(|token| token.secret()),
        Some(TOKEN)
    );
    assert!(!format!("{config:?}").contains("0123"), "shown by Debug");
}

#[test]
fn a_token_that_clients_could_not_send_is_refused_without_repeating_it() {
    for (token, reason) in [
        (String::new(), "empty"),
        ("0123456789".to_owned(), "10 characters, at least 32"),
        (format!("{TOKEN}\n"), "line break"),
        (format!(" {TOKEN}"), "blank"),
        (format!("\"{TOKEN}\""), "in quotes"),
        (format!("'{TOKEN}'"), "in quotes"),
        (format!("{TOKEN} {TOKEN}"), "visible ASCII"),
        (format!("{TOKEN}é"), "visible ASCII"),
        (TOKEN.repeat(17), "at most 512"),
    ] {
        let text = refusal(&variables(&[("TIDEGATE_INIT_TOKEN", &token)]));
        assert!(
            text.contains("TIDEGATE_INIT_TOKEN") && text.contains(reason),
            "{text}"
        );
        assert!(!text.contains("01234"), "repeats the token: {text}");
    }
}
