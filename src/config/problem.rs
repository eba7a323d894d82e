//! What can be wrong with a config, said with the key's full path, what was found and what was expected.

use std::path::PathBuf;

use crate::files::FileError;

/// One thing that is wrong in a config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Full path of the key, with dots.
    pub key: String,
    /// What is wrong with it; continues the sentence that the key begins.
    pub text: String,
}

impl Problem {
    pub(super) fn value(key: &str, found: impl std::fmt::Display, expected: impl std::fmt::Display) -> Self {
        Self { key: key.into(), text: format!("is `{found}`, expected {expected}") }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "`{}` {}", self.key, self.text)
    }
}

/// Why a config can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file could not be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file is far larger than any config.
    #[error("`{}` is larger than {limit_bytes} bytes, expected a config", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The most bytes that are read.
        limit_bytes: u64,
    },
    /// The text is not YAML.
    #[error("{origin} is not YAML: {message}")]
    Syntax {
        /// The file, or `the config` for a text.
        origin: String,
        /// What the YAML reader said, with line and column.
        message: String,
    },
    /// The keys or values are wrong; all of them are named.
    #[error("{origin}{}", listed(problems))]
    Problems {
        /// The file, or `the config` for a text.
        origin: String,
        /// Every problem, in the order of the file for unknown keys and wrong kinds, then of the checks.
        problems: Vec<Problem>,
    },
}

/// One problem stays in the sentence, several stand in lines of their own.
fn listed(problems: &[Problem]) -> String {
    match problems {
        [only] => format!(": {only}"),
        many => {
            let lines: Vec<String> = many.iter().map(|problem| format!("\n  {problem}")).collect();
            format!(" has {} problems{}", many.len(), lines.concat())
        }
    }
}
