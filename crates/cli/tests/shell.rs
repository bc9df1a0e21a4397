//! What the command has for shells and terminals: completions, manual pages, colours.

mod common;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use common::{dir, listing, orthant, run};

const COMMANDS: [&str; 13] = [
    "completions",
    "convert",
    "demo",
    "fit",
    "man",
    "pick",
    "programs",
    "reconstruct",
    "show",
    "signatures",
    "study",
    "topics",
    "transform",
];

/// Every `--option` that begins a line of a command's help.
fn options(dir: &Path, command: &str) -> Vec<String> {
    let help = run(dir, &format!("{command} --help")).ends(0).out;
    let line = |line: &str| {
        let line = line.trim_start();
        let line = line.strip_prefix("-").filter(|rest| !rest.starts_with('-')).map_or(line, |_| &line[4..]);
        let end = line.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(line.len());
        line.starts_with("--").then(|| line[..end].to_owned())
    };
    help.lines().filter_map(line).collect()
}

/// Whether a program that is here takes a text on its standard input.
fn takes(program: &str, args: &[&str], text: &str) -> Option<bool> {
    let mut child =
        Command::new(program).args(args).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().ok()?;
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    Some(child.wait().unwrap().success())
}

#[test]
fn shells_accept_the_completions_and_they_have_every_command() {
    let d = dir();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = run(d.path(), &format!("completions {shell}")).ends(0).out;
        for command in COMMANDS {
            assert!(script.contains(command), "{shell}: {command}");
        }
        assert!(script.contains("write-obsm"), "{shell}");
        if let "bash" | "zsh" | "fish" = shell {
            let accepted = takes(shell, if shell == "fish" { &["--no-execute"] } else { &["-n"] }, &script);
            assert_ne!(accepted, Some(false), "{shell} does not accept its script");
        }
    }
    let ran = run(d.path(), "completions tcsh").ends(2);
    assert!(ran.err.contains("[possible values: bash, elvish, fish, powershell, zsh]"), "{}", ran.err);
}

#[cfg(unix)]
#[test]
fn bash_completes_options_and_commands() {
    let d = dir();
    let script = run(d.path(), "completions bash").ends(0).out;
    fs::write(d.path().join("orthant.bash"), script).unwrap();
    for (words, expected) in [("orthant tr", "transform"), ("orthant fit --write", "--write-obsm")] {
        let words: Vec<&str> = words.split(' ').collect();
        let (last, before) = (words[words.len() - 1], words[words.len() - 2]);
        let line = format!(
            "source orthant.bash; COMP_WORDS=({}); COMP_CWORD={}; _orthant orthant '{last}' '{before}'; echo \"${{COMPREPLY[@]}}\"",
            words.join(" "),
            words.len() - 1
        );
        let Ok(ran) = Command::new("bash").args(["-c", &line]).current_dir(d.path()).output() else { return };
        assert_eq!(String::from_utf8(ran.stdout).unwrap(), format!("{expected}\n"));
    }
}

#[test]
fn there_is_a_page_for_each_command_with_every_option() {
    let d = dir();
    assert_eq!(run(d.path(), "man pages").ends(0).out, "");
    let pages = d.path().join("pages");
    let mut expected: Vec<String> = COMMANDS.iter().map(|command| format!("orthant-{command}.1")).collect();
    expected.push("orthant.1".to_owned());
    assert_eq!(listing(&pages), expected);
    for command in COMMANDS.into_iter().chain([""]) {
        let name = if command.is_empty() { "orthant.1".to_owned() } else { format!("orthant-{command}.1") };
        // an escaped hyphen is one that can be searched for
        let page = fs::read_to_string(pages.join(&name)).unwrap().replace("\\-", "-");
        let options = options(d.path(), command);
        assert!(
            options.contains(&"--color".to_owned()) && options.contains(&"--help".to_owned()),
            "{options:?}"
        );
        for option in options {
            assert!(page.contains(&format!("\\fB{option}\\fR")), "{name}: {option}");
        }
    }
    let fit = fs::read_to_string(pages.join("orthant-fit.1")).unwrap().replace("\\-", "-");
    assert!(fit.contains("\n.SH EXAMPLES\n.nf\n  orthant fit counts.csv -k 16 -o out\n"), "{fit}");
    assert!(fit.contains("\\fB--write-obsm\\fR \\fI<NAME>\\fR"));
    assert!(run(d.path(), "fit --help").out.contains("--write-obsm <NAME>"));
    // the command's own page is printed without a directory
    assert_eq!(run(d.path(), "man").ends(0).out, fs::read_to_string(pages.join("orthant.1")).unwrap());
}

#[test]
fn colour_is_where_it_is_asked_for() {
    let d = dir();
    for args in ["fit none.csv -k 2 -o out", "fit --wrong", "--help"] {
        for (color, env, coloured) in [
            ("", None, false),
            ("--color auto", None, false),
            ("--color always", None, true),
            ("--color=always", Some(("NO_COLOR", "1")), true),
            ("--color never", Some(("CLICOLOR_FORCE", "1")), false),
            ("", Some(("CLICOLOR_FORCE", "1")), true),
            ("", Some(("NO_COLOR", "1")), false),
        ] {
            let mut command = orthant(d.path());
            command.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE").envs(env);
            let ran = command.args(args.split(' ')).args(color.split_whitespace()).output().unwrap();
            let said = String::from_utf8([ran.stdout, ran.stderr].concat()).unwrap();
            assert_eq!(said.contains("\u{1b}["), coloured, "{args} {color} {env:?}: {said}");
        }
    }
    let ran = run(d.path(), "show out --color pink").ends(2);
    assert!(ran.err.contains("[possible values: auto, always, never]"), "{}", ran.err);
}
