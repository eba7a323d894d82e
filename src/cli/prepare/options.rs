//! Options of `unifr prepare` that decide what the features are.
//!
//! In:  flags.
//! Out: [`CheckedOptions`]: what [`prepare_clip`](crate::features::prepare_clip) takes, and notes for the file.

use clap::ValueEnum;

use crate::audio::FilterbankReading;
use crate::faces::{CropStyle, Follow, Search};
use crate::features::{ClipLength, FeatureSet, FeaturesError, PrepareOptions};

/// How features are made; stored with the file.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Which descriptors: `compact` (ours, no weights) or `react2023` (the published networks, not in this build yet).
    #[arg(long, value_name = "SET", default_value_t = FeatureSet::Compact)]
    pub feature_set: FeatureSet,
    /// Frames of every clip, a multiple of 5: longer clips are cut, shorter ones filled up without a face.
    #[arg(long, default_value_t = 750)]
    pub frames: usize,
    /// How the voice is read.
    #[arg(long, value_enum, default_value_t = Filterbank::Mono)]
    pub filterbank: Filterbank,
    /// What happens to faces at the border of the frame.
    #[arg(long, value_enum, default_value_t = Crop::Published)]
    pub crop: Crop,
    /// Which of several faces is taken.
    #[arg(long, value_enum, default_value_t = Following::Nearest)]
    pub follow: Following,
    /// Where faces are looked for.
    #[arg(long, value_enum, default_value_t = Searching::Near)]
    pub search: Searching,
}

/// Values of `--filterbank`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Filterbank {
    /// The mean of the channels, one row per video frame.
    Mono,
    /// Interleaved stereo read as one channel: the first 15 s only, as the published script does.
    Published,
}

/// Values of `--crop`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Crop {
    /// Cut at the border and stretched.
    Published,
    /// Kept square; black outside the frame.
    Padded,
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
    pub fn checked(&self) -> Result<CheckedOptions, FeaturesError> {
        self.feature_set.require_computable()?;
        let length = ClipLength::Frames(self.frames);
        length.check()?;
        let prepare = PrepareOptions {
            feature_set: self.feature_set,
            length,
            filterbank: match self.filterbank {
                Filterbank::Mono => FilterbankReading::Mono,
                Filterbank::Published => FilterbankReading::Published,
            },
            crop: match self.crop {
                Crop::Published => CropStyle::Published,
                Crop::Padded => CropStyle::Padded,
            },
            search: match self.search {
                Searching::Near => Search::Near,
                Searching::Full => Search::Full,
            },
            follow: match self.follow {
                Following::Nearest => Follow::Nearest,
                Following::First => Follow::First,
            },
        };
        Ok(CheckedOptions { prepare, frame_count: self.frames, notes: self.notes() })
    }

    fn notes(&self) -> Vec<(&'static str, String)> {
        let name =
            |value: Option<clap::builder::PossibleValue>| value.map_or_else(String::new, |v| v.get_name().to_owned());
        vec![
            ("feature_set", self.feature_set.to_string()),
            ("filterbank", name(self.filterbank.to_possible_value())),
            ("crop", name(self.crop.to_possible_value())),
            ("follow", name(self.follow.to_possible_value())),
            ("search", name(self.search.to_possible_value())),
        ]
    }
}

#[cfg(test)]
mod tests {
    use clap::{Args, FromArgMatches};

    use super::*;

    fn options(flags: &[&str]) -> Options {
        let command = Options::augment_args(clap::Command::new("prepare").no_binary_name(true));
        Options::from_arg_matches(&command.try_get_matches_from(flags).unwrap()).unwrap()
    }

    #[test]
    fn what_was_chosen_is_noted_for_the_file() {
        let checked = options(&["--crop", "padded", "--filterbank", "published"]).checked().unwrap();
        assert_eq!(checked.prepare.crop, CropStyle::Padded);
        assert!(checked.borrowed_notes().contains(&("crop", "padded")));
        assert!(checked.borrowed_notes().contains(&("filterbank", "published")));
        assert!(checked.borrowed_notes().contains(&("feature_set", "compact")));
    }

    #[test]
    fn the_published_networks_and_half_pose_rows_are_refused() {
        let message = |flags: &[&str]| options(flags).checked().err().unwrap().to_string();
        assert!(message(&["--feature-set", "react2023"]).contains("not in this build yet"));
        assert!(message(&["--frames", "752"]).contains("`752`"));
    }
}
