//! Index files: which clips a part of the corpus has, and who talks with whom.
//!
//! In:  `train_idx.csv`, `val_idx.csv`, `test_idx.csv`: one clip id a line; `5_samples.csv`.
//! Out: [`ClipIndex`].
//! Source: sections 2.1 and 2.2 of the published preparation. With `n` lines, line `i` and line `i + n / 2` are the
//! two people of one dyad and clip, and everybody is a speaker once.

use std::collections::HashMap;
use std::path::Path;

use super::DatasetError;
use crate::files;

/// The clips of one part, in the order that the appropriateness matrices follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClipIndex {
    ids: Vec<String>,
}

impl ClipIndex {
    /// Reads an index file.
    pub fn read(path: &Path) -> Result<Self, DatasetError> {
        let text = files::read_text(path)?;
        Self::from_ids(text.lines().map(str::to_owned).collect()).map_err(|error| error.in_file(path))
    }

    /// From ids such as `NoXI/010_2016-03-25_Paris/Expert_video/1`, speakers first, their listeners in the same order.
    pub fn from_ids(ids: Vec<String>) -> Result<Self, DatasetError> {
        let mut line_of = HashMap::new();
        for (line, id) in (1..).zip(&ids) {
            let refused = |reason: String| DatasetError::IndexLine { line, text: id.clone(), reason };
            if let Some(problem) = problem_of_id(id) {
                return Err(refused(problem.to_owned()));
            }
            if let Some(before) = line_of.insert(id.as_str(), line) {
                return Err(refused(format!("which line {before} names already")));
            }
        }
        if ids.is_empty() || !ids.len().is_multiple_of(2) {
            return Err(DatasetError::IndexCount { count: ids.len() });
        }
        Ok(Self { ids })
    }

    /// Clips of the part.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are none; no index that was read is empty.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The ids of all clips.
    pub fn ids(&self) -> &[String] {
        &self.ids
    }

    /// The id of one clip.
    pub fn id(&self, clip: usize) -> &str {
        &self.ids[clip]
    }

    /// The clip of the other person: the listener of the speaker of `clip`.
    pub fn partner(&self, clip: usize) -> usize {
        (clip + self.ids.len() / 2) % self.ids.len()
    }

    /// Where an id stands.
    pub fn position(&self, id: &str) -> Option<usize> {
        self.ids.iter().position(|known| known == id)
    }

    /// Positions of the speakers of `5_samples.csv`, the clips that are shown as pictures.
    pub fn samples(&self, path: &Path) -> Result<Vec<usize>, DatasetError> {
        let text = files::read_text(path)?;
        let positions = (1..).zip(text.lines()).skip(1).map(|(line, text)| {
            let refused =
                |reason: &str| DatasetError::IndexLine { line, text: text.to_owned(), reason: reason.to_owned() };
            let (speaker, listener) = text.split_once(',').ok_or_else(|| refused("expected `speaker,listener`"))?;
            let position = self.position(speaker).ok_or_else(|| refused("a speaker the index does not have"))?;
            if self.id(self.partner(position)) == listener {
                return Ok(position);
            }
            Err(refused("which does not name the listener that the index pairs with this speaker"))
        });
        positions.collect::<Result<_, _>>().map_err(|error: DatasetError| error.in_file(path))
    }
}

/// What makes a text no clip id: ids become paths below the data folder, and must stay there.
fn problem_of_id(id: &str) -> Option<&'static str> {
    let is_plain = |part: &str| !part.is_empty() && part != "." && part != "..";
    if id.contains(['\\', '\0']) || id.contains(|letter: char| letter.is_control()) {
        return Some("which holds a backslash or a control character");
    }
    (!id.split('/').all(is_plain)).then_some("expected names joined by `/`, without empty ones, `.` and `..`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(ids: &[&str]) -> Result<ClipIndex, DatasetError> {
        ClipIndex::from_ids(ids.iter().map(|id| (*id).to_owned()).collect())
    }

    #[test]
    fn partners_stand_half_the_list_apart() {
        let index = index(&["a/1", "a/2", "b/1", "b/2"]).unwrap();
        assert_eq!([0, 1, 2, 3].map(|clip| index.partner(clip)), [2, 3, 0, 1]);
    }

    #[test]
    fn ids_that_leave_the_data_folder_are_refused() {
        for id in ["", "/etc/passwd", "../a", "a/../../b", "a//b", "a/", "./a", "a\\..\\b", "a\tb"] {
            let message = index(&["fine/1", id]).unwrap_err().to_string();
            assert!(message.starts_with("line 2 is `"), "{message}");
        }
    }

    #[test]
    fn an_id_named_twice_and_a_clip_without_partner_are_refused() {
        assert!(index(&["a", "a"]).unwrap_err().to_string().ends_with("which line 1 names already"));
        assert!(index(&["a", "b", "c"]).unwrap_err().to_string().starts_with("it names 3 clips, expected an even"));
        assert!(index(&[]).is_err());
    }

    #[test]
    fn samples_are_found_with_their_listeners() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("samples.csv");
        let index = index(&["a", "b", "c", "d"]).unwrap();
        std::fs::write(&path, "speaker,listener\nb,d\nc,a\n").unwrap();
        assert_eq!(index.samples(&path).unwrap(), [1, 2]);
        std::fs::write(&path, "speaker,listener\nb,c\n").unwrap();
        assert!(index.samples(&path).is_err());
    }
}
