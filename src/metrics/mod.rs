//! Scores of predicted reactions against real ones: one file per published score.
//!
//! In:  predictions `[clips, reactions, frames, 25]`, the real listeners and the speakers `[clips, frames, 25]`, and
//!      for each clip the rows of all reactions that are appropriate to it.
//! Out: [`Scores`], with the values of every clip, as a table, as the published line, or as JSON.
//! Source: sections 8 and 10 of the published system's description; the golden cases `unifr/metrics`.
//!
//! Every sum runs in a fixed order, whatever the number of threads: equal input gives equal bits.

mod arrays;
pub mod baselines;
mod dtw;
mod error;
mod files;
mod frcorr;
mod frdist;
mod frdiv;
mod frdvs;
mod frechet;
mod frsyn;
mod frvar;
mod hamming;
mod lanes;
mod scores;
mod table;

pub use arrays::{Clips, Predictions, Progress, Watcher};
pub use error::MetricsError;
pub use files::{partition_of_file, read_predictions, write_json, write_published_line};
pub use frcorr::{concordance, frcorr};
pub use frdist::{distance, frdist};
pub use frdiv::frdiv;
pub use frdvs::frdvs;
pub use frechet::frechet_distance;
pub use frsyn::{Synchrony, frsyn, published_curve};
pub use frvar::frvar;
pub use scores::{ClipScores, ReactionScore, Scores, SynchronyScore, evaluate, same_partition};
pub use table::{published_line, table};
