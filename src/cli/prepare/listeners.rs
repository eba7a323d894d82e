//! What listeners do, as tokens, for the rows of a training file.
//!
//! In:  `train/Emotion/<id>.csv` and `Index/` below the root of the published tree.
//! Out: three lists of tokens a listener; `Index/` too, where it is not there yet.
//!
//! Departure: tokens are found by cell number and nearest combination, where the published script stops or quietly
//! takes token 0 (defects 9 and 10).

use std::path::Path;

use crate::dataset::{ClipIndex, DatasetError, Partition, fitted_rows};
use crate::tokens::{
    Cells, CodebookBuilder, CodebookFiles, CodebookSettings, Codebooks, Replacements, read_emotion_csv,
};

/// Listener tokens out of emotion files; none in parts that have no tokens.
pub struct Listeners<'root> {
    root: &'root Path,
    partition: Partition,
    frame_count: usize,
    codebooks: Option<Codebooks>,
    replacements: Replacements,
}

impl<'root> Listeners<'root> {
    /// Reads or makes the codebooks of a training part.
    pub fn open(
        root: &'root Path,
        partition: Partition,
        index: &ClipIndex,
        frame_count: usize,
    ) -> Result<Self, DatasetError> {
        let codebooks = (partition == Partition::Train).then(|| codebooks_of(root, index)).transpose()?;
        Ok(Self { root, partition, frame_count, codebooks, replacements: Replacements::default() })
    }

    /// Tokens of one listener: action units, expression, valence-arousal.
    pub fn tokens(&mut self, id: &str) -> Result<[Vec<i32>; 3], DatasetError> {
        let Some(codebooks) = &self.codebooks else { return Ok([const { Vec::new() }; 3]) };
        let rows = read_emotion_csv(&self.partition.emotion_path(self.root, id))?;
        let rows = fitted_rows(rows, self.frame_count).ok_or_else(|| DatasetError::NoRows { id: id.to_owned() })?;
        let (tokens, replacements) = codebooks.tokens_from_attributes(&rows)?;
        self.replacements += replacements;
        Ok([
            tokens.iter().map(|frame| frame.action_units as i32).collect(),
            tokens.iter().map(|frame| frame.expression as i32).collect(),
            tokens.iter().map(|frame| frame.valence_arousal as i32).collect(),
        ])
    }

    /// Says how many frames got the token of something else.
    pub fn warn_of_replacements(&self) {
        let Replacements { action_units, valence_arousal, .. } = self.replacements;
        if action_units + valence_arousal > 0 {
            log::warn!("{}; the nearest known ones stand for them", self.replacements);
        }
    }
}

/// The codebooks in `Index/`; made from the emotion files of all clips and kept there if there are none.
fn codebooks_of(root: &Path, index: &ClipIndex) -> Result<Codebooks, DatasetError> {
    let folder = root.join("Index");
    let files = CodebookFiles::in_folder(&folder);
    if files.action_units.exists() {
        return Ok(Codebooks::load(&files, Cells::Clamped)?);
    }
    log::info!("making codebooks from the emotion files of {} clips", index.len());
    let mut builder = CodebookBuilder::new(CodebookSettings { cells: Cells::Clamped, ..CodebookSettings::default() });
    for id in index.ids() {
        let path = Partition::Train.emotion_path(root, id);
        // A clip without attributes is missed when its tokens are asked for.
        if path.exists() {
            builder.add(&read_emotion_csv(&path)?)?;
        }
    }
    let codebooks = builder.finish()?;
    codebooks.save(&folder)?;
    Ok(codebooks)
}
