//! Options of `unifr prepare` that decide what the features are.
//!
//! In:  flags, and the group `prepare` of a config.
//! Out: [`CheckedOptions`]: what [`prepare_clip`](crate::features::prepare_clip) takes, and notes for the file.

use std::path::PathBuf;

use clap::ValueEnum;

use super::super::load_config;
use crate::config::{Crop, Features, Filterbank, PrepareConfig};
use crate::faces::{Follow, Search};
use crate::features::{ClipLength, PrepareOptions};

/// How features are made; stored with the file.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Take what is not given here from the group `prepare` of this config.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Which descriptors: `compact` (ours, no weights; the default) or `react2023` (the published networks, not in this
    /// build yet).
    #[arg(long, value_name = "SET")]
    pub feature_set: Option<Features>,
    /// How the voice is read: `mono` (the mean of the channels, one row per video frame; the default) or `published`
    /// (interleaved stereo read as one channel, the first 15 s only).
    #[arg(long, value_name = "READING")]
    pub filterbank: Option<Filterbank>,
    /// What happens to faces at the border of the frame: `published` (cut and stretched; the default) or `padded`.
    #[arg(long, value_name = "STYLE")]
    pub crop: Option<Crop>,
    /// Shuffles the rows of a training file [default: 100].
    #[arg(long)]
    pub seed: Option<u64>,
    /// Frames of every clip, a multiple of 5: longer clips are cut, shorter ones filled up without a face.
    #[arg(long, default_value_t = 750)]
    pub frames: usize,
    /// Which of several faces is taken.
    #[arg(long, value_enum, default_value_t = Following::Nearest)]
    pub follow: Following,
    /// Where faces are looked for.
    #[arg(long, value_enum, default_value_t = Searching::Near)]
    pub search: Searching,
}

/// Values of `--follow`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Following {
    /// The one nearest to the last frame's.
    Nearest,
    /// The detector's first, on each frame alone.
    First,
}

/// Values of `--search`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Searching {
    /// Round the last face first; in real time.
    Near,
    /// Every frame whole.
    Full,
}

/// Options that were checked.
pub struct CheckedOptions {
    /// For each clip.
    pub prepare: PrepareOptions,
    /// Frames of every clip.
    pub frame_count: usize,
    /// Shuffles the rows of a training file.
    pub seed: u64,
    /// Names and values, to be stored with the file.
    pub notes: Vec<(&'static str, String)>,
}

impl CheckedOptions {
    /// The notes as the writer of files takes them.
    pub fn borrowed_notes(&self) -> Vec<(&str, &str)> {
        self.notes.iter().map(|(name, value)| (*name, value.as_str())).collect()
    }
}

impl Options {
    /// Refuses what this build cannot do, before any clip is opened.
    pub fn checked(&self) -> anyhow::Result<CheckedOptions> {
        let config = self.resolved()?;
        let length = ClipLength::Frames(self.frames);
        length.check()?;
        let search = match self.search {
            Searching::Near => Search::Near,
            Searching::Full => Search::Full,
        };
        let follow = match self.follow {
            Following::Nearest => Follow::Nearest,
            Following::First => Follow::First,
        };
        let prepare = PrepareOptions { search, follow, ..PrepareOptions::from_config(&config, length) };
        prepare.feature_set.require_computable()?;
        Ok(CheckedOptions { prepare, frame_count: self.frames, seed: config.seed, notes: self.notes(&config) })
    }

    /// Flags before the config, the config before the defaults of this command.
    fn resolved(&self) -> anyhow::Result<PrepareConfig> {
        let own = PrepareConfig {
            feature_set: Features::Compact,
            filterbank: Filterbank::Mono,
            crop: Crop::Published,
            ..PrepareConfig::default()
        };
        let base =
            self.config.as_deref().map(|path| anyhow::Ok(load_config(path)?.prepare)).transpose()?.unwrap_or(own);
        Ok(PrepareConfig {
            feature_set: self.feature_set.unwrap_or(base.feature_set),
            filterbank: self.filterbank.unwrap_or(base.filterbank),
            crop: self.crop.unwrap_or(base.crop),
            seed: self.seed.unwrap_or(base.seed),
        })
    }

    fn notes(&self, config: &PrepareConfig) -> Vec<(&'static str, String)> {
        let name = |value: Option<clap::builder::PossibleValue>| {
            value.map_or_else(String::new, |value| value.get_name().to_owned())
        };
        vec![
            ("feature_set", config.feature_set.to_string()),
            ("filterbank", config.filterbank.to_string()),
            ("crop", config.crop.to_string()),
            ("follow", name(self.follow.to_possible_value())),
            ("search", name(self.search.to_possible_value())),
        ]
    }
}

#[cfg(test)]
mod tests {
    use clap::{Args, FromArgMatches};

    use super::*;
    use crate::audio::FilterbankReading;
    use crate::faces::CropStyle;

    fn options(flags: &[&str]) -> Options {
        let command = Options::augment_args(clap::Command::new("prepare").no_binary_name(true));
        Options::from_arg_matches(&command.try_get_matches_from(flags).unwrap()).unwrap()
    }

    #[test]
    fn what_was_chosen_is_noted_for_the_file() {
        let checked = options(&["--crop", "padded"]).checked().unwrap();
        assert_eq!((checked.prepare.crop, checked.prepare.filterbank), (CropStyle::Padded, FilterbankReading::Mono));
        for note in [("crop", "padded"), ("filterbank", "mono"), ("feature_set", "compact"), ("search", "near")] {
            assert!(checked.borrowed_notes().contains(&note), "{note:?}");
        }
    }

    #[test]
    fn flags_win_over_the_config_and_the_config_over_the_defaults() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "prepare:\n  feature_set: compact\n  crop: padded\n  seed: 7\n").unwrap();
        let path = file.path().to_str().unwrap();
        let checked = options(&["--config", path, "--seed", "8"]).checked().unwrap();
        // A config that says nothing of the filterbank means the published one.
        assert_eq!((checked.prepare.crop, checked.seed), (CropStyle::Padded, 8));
        assert_eq!(checked.prepare.filterbank, FilterbankReading::Published);
    }

    #[test]
    fn the_published_networks_and_half_pose_rows_are_refused() {
        let message = |flags: &[&str]| options(flags).checked().err().unwrap().to_string();
        assert!(message(&["--feature-set", "react2023"]).contains("not in this build yet"));
        assert!(message(&["--frames", "752"]).contains("`752`"));
    }
}
