//! What can go wrong with weights.

use std::fmt;
use std::path::PathBuf;

use super::Network;
use crate::files::FileError;

/// Why a network could not be filled.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// A file as such.
    #[error(transparent)]
    File(#[from] FileError),
    /// No file for a network.
    #[error(
        "no weights of {} in `{}`: none of {} is there; its publisher offers them at {}{}",
        network.purpose(),
        folder.display(),
        listed(network.file_names()),
        network.source(),
        random_hint(*network)
    )]
    Missing {
        /// Which network.
        network: Network,
        /// Where they were looked for.
        folder: PathBuf,
    },
    /// The file is not what it was taken for.
    #[error("`{}` cannot be read as {kind}: {reason}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What it was taken for.
        kind: &'static str,
        /// What did not fit.
        reason: String,
    },
    /// One tensor cannot be used.
    #[error("`{key}` of `{}` {reason}", path.display())]
    Tensor {
        /// The file.
        path: PathBuf,
        /// Published name.
        key: String,
        /// What is wrong.
        reason: String,
    },
    /// Names or shapes are not the network's.
    #[error("`{}` does not hold the weights of {}: {misfit}", path.display(), network.purpose())]
    Misfit {
        /// The file.
        path: PathBuf,
        /// Which network.
        network: Network,
        /// All that differs.
        misfit: Misfit,
    },
    /// A file is not the one that the manifest describes.
    #[error("`{}` has the SHA-256 {found}, expected {expected} as the manifest says; download it again", path.display())]
    Hash {
        /// The file.
        path: PathBuf,
        /// Its hash.
        found: String,
        /// The manifest's.
        expected: String,
    },
    /// A name that no network has.
    #[error("`{name}` is not a feature network, expected `exp`, `au`, `va` or `pose`")]
    UnknownNetwork {
        /// The name that was asked for.
        name: String,
    },
}

fn listed(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn random_hint(network: Network) -> String {
    format!("; seeded random ones are used only where asked for, with `--random-weights {network}`")
}

/// How a checkpoint differs from a network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Misfit {
    /// Wanted by the network, absent from the file; sorted.
    pub missing: Vec<String>,
    /// In the file, unknown to the network; sorted.
    pub unexpected: Vec<String>,
    /// Published name, shape found, shape expected; sorted.
    pub misshapen: Vec<(String, Vec<usize>, Vec<usize>)>,
}

/// Names that are shown of each list; the rest is counted.
const SHOWN: usize = 6;

impl Misfit {
    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.missing.is_empty() && self.unexpected.is_empty() && self.misshapen.is_empty()
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |names: &[String]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>();
        let shapes = self.misshapen.iter();
        let shapes = shapes.map(|(name, found, expected)| format!("`{name}` has {found:?}, expected {expected:?}"));
        let lists = [
            ("missing", plain(&self.missing)),
            ("unexpected", plain(&self.unexpected)),
            ("misshapen", shapes.collect()),
        ];
        let parts = lists.iter().filter(|(_, items)| !items.is_empty()).map(|(kind, items)| {
            let shown = items.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
            let rest = items.len().saturating_sub(SHOWN);
            let rest = if rest > 0 { format!(" and {rest} more") } else { String::new() };
            format!("{} {kind} ({shown}{rest})", items.len())
        });
        formatter.write_str(&parts.collect::<Vec<_>>().join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_says_what_it_is_for_and_where_it_is_offered() {
        let error = WeightsError::Missing { network: Network::Expression, folder: "weights".into() };
        let text = error.to_string();
        for part in ["ResMasking", "`s_exp`", "`weights`", "`pretrained_ckpt`", "https://", "--random-weights exp"] {
            assert!(text.contains(part), "`{part}` in {text}");
        }
    }

    #[test]
    fn a_misfit_lists_each_kind_and_counts_what_it_does_not_show() {
        let misfit = Misfit {
            missing: (0..8).map(|number| format!("m{number}")).collect(),
            unexpected: vec!["u".into()],
            misshapen: vec![("s".into(), vec![2], vec![3, 1])],
        };
        assert_eq!(
            misfit.to_string(),
            "8 missing (`m0`, `m1`, `m2`, `m3`, `m4`, `m5` and 2 more), 1 unexpected (`u`), \
             1 misshapen (`s` has [2], expected [3, 1])"
        );
    }
}
