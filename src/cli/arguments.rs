//! The original's command lines, rewritten into long flags before clap sees them.
//!
//! In:  the arguments as they were typed, e.g. `test -i -1 -hf -pm --config x.yaml`.
//! Out: `test --load-iter=-1 --half-precision --predict --measure --config x.yaml`.
//!
//! The original has two-letter flags behind one dash, long flags with underscores, and negative numbers as values; clap
//! has none of them. Only the verbs that stand for the original's scripts are touched.

use std::ffi::OsString;

/// One flag of the original.
struct Flag {
    /// As it is written after one dash.
    short: &'static str,
    /// As clap knows it after two dashes.
    long: &'static str,
    takes_value: bool,
}

const fn switch(short: &'static str, long: &'static str) -> Flag {
    Flag { short, long, takes_value: false }
}

const fn value(short: &'static str, long: &'static str) -> Flag {
    Flag { short, long, takes_value: true }
}

/// Flags of `train.py`.
const TRAIN: &[Flag] = &[
    value("n", "n-data-workers"),
    switch("r", "restart-train"),
    value("l", "log-level"),
    value("c", "continue-iter"),
    value("", "config"),
];

/// Flags of `test.py`; the two-letter ones come first, so that `-hf` is not read as `-h -f`.
const TEST: &[Flag] = &[
    switch("hf", "half-precision"),
    switch("ap", "accumulate-probs"),
    switch("p", "predict"),
    switch("m", "measure"),
    value("i", "load-iter"),
    value("t", "task"),
    value("d", "dataset"),
    switch("s", "save-pred"),
    value("l", "log-level"),
    value("", "config"),
];

/// Rewrites the arguments after the program's name; other verbs' arguments are left as they are.
pub fn rewritten(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments = arguments.into_iter();
    let mut done: Vec<OsString> = Vec::new();
    let mut flags: Option<&[Flag]> = None;
    while let Some(argument) = arguments.next() {
        let Some((text, flags)) = argument.to_str().zip(flags) else {
            flags = flags.or_else(|| flags_of_verb(&argument));
            done.push(argument);
            continue;
        };
        if text == "--" {
            done.push(argument);
            done.extend(arguments);
            break;
        }
        let Some(mut long) = long_flags(text, flags) else {
            done.push(argument);
            continue;
        };
        if long.wants_value {
            join_value(&mut long.texts, arguments.next());
        }
        done.extend(long.texts.into_iter().map(OsString::from));
    }
    done
}

fn flags_of_verb(argument: &OsString) -> Option<&'static [Flag]> {
    match argument.to_str()? {
        "train" => Some(TRAIN),
        "test" => Some(TEST),
        _ => None,
    }
}

/// What one argument became.
struct Rewritten {
    texts: Vec<String>,
    /// The last flag takes the next argument as its value.
    wants_value: bool,
}

/// The long flags for one argument, or none if it is no flag of the original.
fn long_flags(text: &str, flags: &[Flag]) -> Option<Rewritten> {
    if let Some(long) = text.strip_prefix("--") {
        return with_dashes(long, flags);
    }
    let mut rest = text.strip_prefix('-').filter(|rest| !rest.is_empty())?;
    let mut texts = Vec::new();
    while !rest.is_empty() {
        let flag = flags.iter().find(|flag| !flag.short.is_empty() && rest.starts_with(flag.short))?;
        rest = &rest[flag.short.len()..];
        if flag.takes_value && !rest.is_empty() {
            texts.push(format!("--{}={}", flag.long, rest.strip_prefix('=').unwrap_or(rest)));
            return Some(Rewritten { texts, wants_value: false });
        }
        texts.push(format!("--{}", flag.long));
        if flag.takes_value {
            return Some(Rewritten { texts, wants_value: true });
        }
    }
    Some(Rewritten { texts, wants_value: false })
}

/// A long flag of the original, with dashes for its underscores.
fn with_dashes(long: &str, flags: &[Flag]) -> Option<Rewritten> {
    let (name, value) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
    let name = name.replace('_', "-");
    let flag = flags.iter().find(|flag| flag.long == name)?;
    let text = value.map_or_else(|| format!("--{name}"), |value| format!("--{name}={value}"));
    Some(Rewritten { texts: vec![text], wants_value: flag.takes_value && value.is_none() })
}

/// Ties a value to its flag with `=`, so that `-1` is a value and not a flag. Other text that looks like a flag stays one,
/// and clap says that the value is missing.
fn join_value(texts: &mut Vec<String>, value: Option<OsString>) {
    let Some(value) = value else { return };
    let text = value.to_string_lossy().into_owned();
    match texts.last_mut() {
        Some(flag) if text.parse::<f64>().is_ok() || !text.starts_with('-') => flag.extend(["=", &text]),
        _ => texts.push(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(typed: &str) -> String {
        let done = rewritten(typed.split(' ').map(OsString::from));
        done.into_iter().map(|argument| argument.into_string().unwrap()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_command_lines_of_the_original_are_understood() {
        assert_eq!(
            line("test -i 120000 --config ./configs/cos-keeplr.yaml -t offline -p -m -hf -s"),
            "test --load-iter=120000 --config=./configs/cos-keeplr.yaml --task=offline --predict --measure --half-precision --save-pred"
        );
        assert_eq!(
            line("test -i -1 -d test -ap -l 0"),
            "test --load-iter=-1 --dataset=test --accumulate-probs --log-level=0"
        );
        assert_eq!(
            line("train --config a.yaml -n 2 -r -l 1 -c -1"),
            "train --config=a.yaml --n-data-workers=2 --restart-train --log-level=1 --continue-iter=-1"
        );
    }

    #[test]
    fn long_flags_with_underscores_are_understood() {
        assert_eq!(line("test --half_precision --load_iter -1"), "test --half-precision --load-iter=-1");
        assert_eq!(line("test --load_iter=-1 --save_pred"), "test --load-iter=-1 --save-pred");
        assert_eq!(line("train --restart_train"), "train --restart-train");
    }

    #[test]
    fn flags_may_be_written_together_and_values_attached() {
        assert_eq!(line("test -pm -i150000"), "test --predict --measure --load-iter=150000");
        assert_eq!(line("test -pi -1"), "test --predict --load-iter=-1");
        assert_eq!(line("test -hfs -i=7"), "test --half-precision --save-pred --load-iter=7");
    }

    #[test]
    fn a_forgotten_value_does_not_swallow_the_next_flag() {
        assert_eq!(line("test -i -p"), "test --load-iter -p");
    }

    #[test]
    fn other_verbs_and_everything_behind_two_dashes_stay_as_they_are() {
        for typed in ["predict -hf -i -1", "demo -s 3", "test -- -hf", "-v", "--help"] {
            assert_eq!(line(typed), typed);
        }
        assert_eq!(line("-v test -hf"), "-v test --half-precision");
    }

    #[test]
    fn unknown_flags_are_left_to_clap() {
        assert_eq!(line("test -h --help --resume x -x"), "test -h --help --resume x -x");
    }
}
