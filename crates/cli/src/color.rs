//! Whether what is said is in colour.

use std::ffi::OsString;

use clap::{ColorChoice, ValueEnum};

/// The option's name.
const OPTION: &str = "--color";

/// Colours what is printed from now on, or does not. By itself it is coloured on a terminal, and not where `NO_COLOR` is set.
pub fn set(choice: ColorChoice) {
    let choice = match choice {
        ColorChoice::Auto => anstream::ColorChoice::Auto,
        ColorChoice::Always => anstream::ColorChoice::Always,
        ColorChoice::Never => anstream::ColorChoice::Never,
    };
    choice.write_global();
}

/// What arguments ask for that could not be parsed, or that ask for help.
pub fn asked_for(args: impl Iterator<Item = OsString>) -> ColorChoice {
    let args: Vec<String> =
        args.map(|arg| arg.to_string_lossy().into_owned()).take_while(|arg| arg != "--").collect();
    let value = args.iter().enumerate().find_map(|(i, arg)| match arg.strip_prefix(OPTION)? {
        "" => args.get(i + 1).map(String::as_str),
        value => value.strip_prefix('='),
    });
    value.and_then(|value| ColorChoice::from_str(value, false).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_that_are_wrong_say_what_colour() {
        for (args, choice) in [
            ("", ColorChoice::Auto),
            ("fit --color always --wrong", ColorChoice::Always),
            ("--color=never fit", ColorChoice::Never),
            ("fit --colors=never --color", ColorChoice::Auto),
            ("fit --color pink", ColorChoice::Auto),
            ("fit -- --color=never", ColorChoice::Auto),
        ] {
            assert_eq!(asked_for(args.split_whitespace().map(OsString::from)), choice, "{args}");
        }
    }
}
