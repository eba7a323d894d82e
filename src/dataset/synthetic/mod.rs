//! A small made-up conversation corpus, so that anybody can train and try the whole system without real data.
//!
//! In:  [`SyntheticSettings`]: a seed, frames per clip, clips per partition.
//! Out: prepared files, matrices, ground truths, index files and codebooks in a folder ([`write_corpus`]); or single
//!      rows in memory ([`Conversations`], [`speaker`]).
//! Source: our own. Every number was fixed before anything was trained on the corpus, by the arguments that stand
//! beside it and the oracles of `tests/synthetic_corpus.rs`, which look at the generator alone.
//!
//! # The story
//!
//! Two people talk in a *tone* (warm, lively, sober, tense). Each acts a *script*: a cue every 1.4 to 2.4 s (a joke,
//! news, trouble, a claim), spoken at the end of a phrase and held in face and posture until it is answered. The
//! other one answers each cue with its own expression (a smile, surprise, concern, doubt), 0.3 to 0.7 s later,
//! rising, holding and falling over a good second. Everybody is speaker and listener at once, as in the published lists.
//!
//! *What the speaker tells*: the tone, hence the listener's face at rest; which cue came when, hence what is answered
//! when. *What it does not tell*: the listener's manner (open, reserved, late), jitter of delay and length, cues that
//! are missed (8 %), and what the listener does as a speaker itself. So several reactions are valid, and four dyads
//! act each pair of scripts: their listeners are appropriate for each other's speakers. Held-out parts have scripts
//! and people of their own, so a learner must react to what it sees.
//!
//! *What features are*: 13 signals of the script and the own face, mixed into every number of every stream by fixed
//! weights, plus an offset of the person, plus noise; mean, spread, range, lag correlation and faceless stretches are
//! those of [`crate::features::compact`] on real clips. A listener never enters the features of its speaker.
//!
//! # What can be won
//!
//! Worked out by the test without any model, on the demo's validation part (32 clips of 120 frames), seeds 100, 101, 102:
//!
//! | Reaction | FRCorr | FRDist |
//! | --- | --- | --- |
//! | ceiling: another valid reaction | 6.2, 6.0, 6.2 | 10, 9, 10 |
//! | best guess from the script | 6.8, 6.6, 6.6 | 8, 9, 10 |
//! | the same for another clip's speaker | 0.0, 0.3, 0.5 | 68, 71, 74 |
//! | the right face at rest | 0.0, 0.0, 0.0 | 35, 34, 37 |
//! | mime | 0.4, 0.1, -0.5 | 40, 38, 40 |
//! | mean frame, mean sequence | at most 0.3 | 52 to 57 |
//!
//! Entropy of a token of action units, expression, valence-arousal: 2.2, 3.0, 3.3 nats; for who knows the script 1.2,
//! 1.0, 1.1. Losses start at the logarithm of the vocabulary: 3.1, 3.5, 3.9. A rule tells 98.6 % of true from
//! inappropriate listeners.
//!
//! | What | File |
//! | --- | --- |
//! | tone and cues of a speaker | `script.rs` |
//! | answers of a listener | `reaction.rs` |
//! | the 25 attributes of a face | `face.rs` |
//! | who talks to whom | `conversations.rs` |
//! | signals, and features out of them | `signals.rs`, `mixing.rs`, `language.rs`, `normal.rs` |
//! | files | `settings.rs`, `corpus.rs` |
//! | what can be won | `oracle.rs`, `ceiling.rs` |

mod ceiling;
mod conversations;
mod corpus;
mod face;
mod language;
mod mixing;
mod normal;
mod oracle;
mod reaction;
mod script;
mod settings;
mod signals;

pub use ceiling::Ceiling;
pub use conversations::{Conversations, TAKES};
pub use corpus::{SyntheticCorpus, SyntheticPartition, codebooks, speaker, write_corpus};
pub use face::visible;
pub use language::{Language, faceless_share};
pub use oracle::best_guess;
pub use reaction::{FaceState, Manner, reaction, typical_reaction};
pub use script::{Cue, CueEvent, Script, Tone};
pub use settings::{SyntheticError, SyntheticSettings};
pub use signals::{SIGNAL_COUNT, Signals, signals};
