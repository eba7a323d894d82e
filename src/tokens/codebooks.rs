//! The three codebooks together: from files or from a corpus, and both ways between attributes and tokens.
//!
//! In:  `AU_index.csv`, the centres of the expressions, `VA_index.csv`; attributes or tokens.
//! Out: tokens or attributes; how many frames were not met exactly.

use std::fmt;
use std::ops::AddAssign;
use std::path::{Path, PathBuf};

use super::table::key;
use super::{
    ACTION_UNIT_COUNT, ATTRIBUTE_COUNT, ActionUnitTable, Attributes, COLUMN_NAMES, Cells, Expression,
    ExpressionCentres, FrameTokens, TokensError, VALENCE_AROUSAL_COUNT, ValenceArousalTable,
};
use crate::config::TestParams;

/// Where the codebooks are, or the published names in one folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodebookFiles {
    /// Combinations of action units, csv.
    pub action_units: PathBuf,
    /// Centres of the expressions, `.npy`; a `.pkl` stands for the `.npy` beside it.
    pub expression: PathBuf,
    /// Cells of valence and arousal, csv.
    pub valence_arousal: PathBuf,
}

impl CodebookFiles {
    /// `AU_index.csv`, `kmeans.npy` and `VA_index.csv` in `folder`.
    pub fn in_folder(folder: &Path) -> Self {
        Self {
            action_units: folder.join("AU_index.csv"),
            expression: folder.join("kmeans.npy"),
            valence_arousal: folder.join("VA_index.csv"),
        }
    }
}

impl From<&TestParams> for CodebookFiles {
    fn from(params: &TestParams) -> Self {
        Self {
            action_units: params.action_units_csv.clone(),
            expression: params.expression_centres.clone(),
            valence_arousal: params.valence_arousal_csv.clone(),
        }
    }
}

/// How many tokens each codebook has: one more than its largest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VocabularySizes {
    /// Combinations of action units; 5976 in the published system.
    pub action_units: usize,
    /// Centres of the expressions; 8000.
    pub expression: usize,
    /// Cells of valence and arousal; 2710.
    pub valence_arousal: usize,
}

/// Frames whose attributes are not in a codebook and got the token of something else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replacements {
    /// All frames.
    pub frame_count: usize,
    /// Frames that got the nearest known combination of action units.
    pub action_units: usize,
    /// Frames that got another cell: the nearest one, or token 0 in the published reading.
    pub valence_arousal: usize,
}

impl AddAssign for Replacements {
    fn add_assign(&mut self, other: Self) {
        self.frame_count += other.frame_count;
        self.action_units += other.action_units;
        self.valence_arousal += other.valence_arousal;
    }
}

impl fmt::Display for Replacements {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { frame_count, action_units, valence_arousal } = self;
        write!(
            formatter,
            "of {frame_count} frames, {action_units} have action units and {valence_arousal} have valence and arousal \
             that are not in the codebooks"
        )
    }
}

/// The three codebooks.
#[derive(Clone, Debug)]
pub struct Codebooks {
    /// Combinations of action units.
    pub action_units: ActionUnitTable,
    /// Centres of the expressions.
    pub expression: ExpressionCentres,
    /// Cells of valence and arousal.
    pub valence_arousal: ValenceArousalTable,
    /// How valence and arousal find their cell.
    pub cells: Cells,
}

impl Codebooks {
    /// Reads the three files.
    pub fn load(files: &CodebookFiles, cells: Cells) -> Result<Self, TokensError> {
        Ok(Self {
            action_units: ActionUnitTable::read(&files.action_units)?,
            expression: ExpressionCentres::read(&files.expression)?,
            valence_arousal: ValenceArousalTable::read(&files.valence_arousal)?,
            cells,
        })
    }

    /// Writes the three files under their names in `folder`.
    pub fn save(&self, folder: &Path) -> Result<(), TokensError> {
        let files = CodebookFiles::in_folder(folder);
        self.action_units.write(&files.action_units)?;
        self.expression.write(&files.expression)?;
        self.valence_arousal.write(&files.valence_arousal)
    }

    /// How many tokens each has.
    pub fn sizes(&self) -> VocabularySizes {
        let size = |last| last as usize + 1;
        VocabularySizes {
            action_units: size(self.action_units.last()),
            expression: size(self.expression.last()),
            valence_arousal: size(self.valence_arousal.last()),
        }
    }

    /// The tokens of every frame, and how many frames were not met exactly.
    ///
    /// NaN is an error, except as valence or arousal in the published reading.
    pub fn tokens_from_attributes(&self, rows: &[Attributes]) -> Result<(Vec<FrameTokens>, Replacements), TokensError> {
        let mut replacements = Replacements { frame_count: rows.len(), ..Replacements::default() };
        let mut tokens = Vec::with_capacity(rows.len());
        // Neighbouring frames often share their combination.
        let mut replaced = None;
        for (frame, row) in rows.iter().enumerate() {
            check_finite(frame, row, self.cells)?;
            let (action_units, pair, expression) = parts_of(row);
            let known = self.action_units.token(&action_units);
            let (valence_arousal, has_cell) = self.valence_arousal.token(pair, self.cells);
            replacements.action_units += usize::from(known.is_none());
            replacements.valence_arousal += usize::from(!has_cell);
            tokens.push(FrameTokens {
                action_units: known.unwrap_or_else(|| match replaced {
                    Some((bits, token)) if bits == key(&action_units) => token,
                    _ => {
                        let token = self.action_units.nearest(&action_units);
                        replaced = Some((key(&action_units), token));
                        token
                    }
                }),
                expression: self.expression.token(&expression),
                valence_arousal,
            });
        }
        Ok((tokens, replacements))
    }

    /// The attributes of every frame.
    pub fn attributes_from_tokens(&self, tokens: &[FrameTokens]) -> Result<Vec<Attributes>, TokensError> {
        let numbered = tokens.iter().enumerate();
        numbered
            .map(|(frame, tokens)| {
                let tokens = [tokens.action_units, tokens.expression, tokens.valence_arousal].map(i64::from);
                self.attributes_of(tokens, || format!("frame {frame}"))
            })
            .collect()
    }

    /// The attributes of one frame; `place` says where it is, for the error.
    pub(super) fn attributes_of(
        &self,
        tokens: [i64; 3],
        place: impl Fn() -> String,
    ) -> Result<Attributes, TokensError> {
        let [action_units, expression, pair] = tokens;
        let unknown = |codebook, token, last| TokensError::UnknownToken { codebook, token, place: place(), last };
        let action_units = entry(action_units, |token| self.action_units.combination(token))
            .ok_or_else(|| unknown("action-unit", action_units, self.action_units.last()))?;
        let expression = entry(expression, |token| self.expression.centre(token))
            .ok_or_else(|| unknown("expression", expression, self.expression.last()))?;
        let pair = entry(pair, |token| self.valence_arousal.pair(token))
            .ok_or_else(|| unknown("valence-arousal", pair, self.valence_arousal.last()))?;
        let mut row = [0.0; ATTRIBUTE_COUNT];
        let (first, rest) = row.split_at_mut(ACTION_UNIT_COUNT);
        let (second, third) = rest.split_at_mut(VALENCE_AROUSAL_COUNT);
        first.copy_from_slice(action_units);
        second.copy_from_slice(pair);
        third.copy_from_slice(expression);
        Ok(row)
    }
}

fn entry<T>(token: i64, of_token: impl Fn(u32) -> Option<T>) -> Option<T> {
    of_token(u32::try_from(token).ok()?)
}

/// Refuses what is not a number; the published reading of valence and arousal takes anything.
pub(super) fn check_finite(frame: usize, row: &Attributes, cells: Cells) -> Result<(), TokensError> {
    let pair = ACTION_UNIT_COUNT..ACTION_UNIT_COUNT + VALENCE_AROUSAL_COUNT;
    let is_allowed = |column| cells == Cells::Published && pair.contains(&column);
    let bad = row.iter().enumerate().find(|&(column, value)| !value.is_finite() && !is_allowed(column));
    match bad {
        None => Ok(()),
        Some((column, &value)) => Err(TokensError::NotFinite { frame, value, column: COLUMN_NAMES[column] }),
    }
}

/// Action units, valence and arousal, expression.
pub(super) fn parts_of(row: &Attributes) -> ([f64; ACTION_UNIT_COUNT], [f64; VALENCE_AROUSAL_COUNT], Expression) {
    const PAIR_START: usize = ACTION_UNIT_COUNT;
    const EXPRESSION_START: usize = ACTION_UNIT_COUNT + VALENCE_AROUSAL_COUNT;
    (
        std::array::from_fn(|unit| row[unit]),
        std::array::from_fn(|axis| row[PAIR_START + axis]),
        std::array::from_fn(|expression| row[EXPRESSION_START + expression]),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::{CodebookBuilder, CodebookSettings, EXPRESSION_COUNT, TokenArray};

    /// A frame with one action unit, a pair, and all of one expression.
    fn row(unit: usize, pair: [f64; 2], expression: usize) -> Attributes {
        std::array::from_fn(|column| match column {
            _ if column == unit => 1.0,
            15 | 16 => pair[column - 15],
            _ if column >= 17 && column - 17 == expression => 1.0,
            _ => 0.0,
        })
    }

    fn codebooks(cells: Cells) -> Codebooks {
        let mut builder = CodebookBuilder::new(CodebookSettings { cells, ..CodebookSettings::default() });
        let rows: Vec<_> =
            (0..EXPRESSION_COUNT).map(|number| row(number, [0.01 + number as f64 / 10.0; 2], number)).collect();
        builder.add(&rows).unwrap();
        builder.finish().unwrap()
    }

    #[test]
    fn tokens_lead_back_to_what_they_stand_for() {
        let books = codebooks(Cells::Clamped);
        assert_eq!(books.sizes(), VocabularySizes { action_units: 8, expression: 8, valence_arousal: 8 });
        let (tokens, replacements) = books.tokens_from_attributes(&[row(3, [0.31, 0.32], 5)]).unwrap();
        assert_eq!(replacements, Replacements { frame_count: 1, ..Replacements::default() });
        let found = books.attributes_from_tokens(&tokens).unwrap()[0];
        // The cell of 0.31 and 0.32 ends at 0.325.
        let expected = row(3, [0.325; 2], 5);
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{found:?}");
    }

    #[test]
    fn what_the_codebooks_do_not_know_is_counted() {
        let books = codebooks(Cells::Clamped);
        let rows = [row(3, [0.31; 2], 0), row(12, [0.31; 2], 0), row(12, [-0.9; 2], 0)];
        let (tokens, replacements) = books.tokens_from_attributes(&rows).unwrap();
        assert_eq!(
            replacements.to_string(),
            "of 3 frames, 2 have action units and 1 have valence and arousal that are not in the codebooks"
        );
        assert_eq!(tokens[2].valence_arousal, 0, "the cell at the origin is the nearest to (-0.9, -0.9)");
    }

    #[test]
    fn nan_is_refused_where_the_published_reading_does_not_take_it() {
        let mut frame = row(0, [0.0; 2], 0);
        frame[16] = f64::NAN;
        let text = codebooks(Cells::Clamped).tokens_from_attributes(&[row(0, [0.0; 2], 0), frame]).unwrap_err();
        assert_eq!(text.to_string(), "frame 1 has NaN as arousal, expected a finite number");
        assert!(codebooks(Cells::Published).tokens_from_attributes(&[frame]).is_ok());
        frame[20] = f64::NAN;
        assert!(codebooks(Cells::Published).tokens_from_attributes(&[frame]).is_err());
    }

    #[test]
    fn unknown_tokens_are_errors_that_name_the_place() {
        let books = codebooks(Cells::Published);
        let mut array = TokenArray::zeros(2, 1, 3);
        array.set_frame(1, 0, 2, FrameTokens { expression: 8, ..FrameTokens::default() });
        let text = books.attributes_from_clip(&array, 1).unwrap_err().to_string();
        let expected = "the expression token 8 at clip 1, reaction 0, frame 2 is not in the codebook, which ends at 7";
        assert_eq!(text, expected);
        array.values.fill(-1);
        assert!(books.attributes_from_clip(&array, 0).is_err());
    }

    #[test]
    fn token_arrays_and_attributes_are_two_sides_of_one_thing() {
        let books = codebooks(Cells::Clamped);
        let rows: Vec<_> = (0..12).map(|number| row(number % 8, [0.11; 2], number / 2)).collect();
        let (array, _) = books.token_array_from_attributes(&rows, 2, 3).unwrap();
        assert_eq!((array.clip_count, array.reaction_count, array.frame_count), (2, 2, 3));
        let found: Vec<_> = (0..2).flat_map(|clip| books.attributes_from_clip(&array, clip).unwrap()).collect();
        for (found, expected) in found.iter().zip(&rows) {
            assert_eq!(
                (found[..15].to_vec(), found[17..].to_vec()),
                (expected[..15].to_vec(), expected[17..].to_vec())
            );
        }
    }

    #[test]
    fn saved_codebooks_are_the_same_when_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let books = codebooks(Cells::Published);
        books.save(folder.path()).unwrap();
        let files = CodebookFiles::in_folder(folder.path());
        let loaded = Codebooks::load(&files, Cells::Published).unwrap();
        let rows: Vec<_> = (0..8).map(|number| row(number, [0.01 + number as f64 / 10.0; 2], number)).collect();
        let (tokens, replacements) = loaded.tokens_from_attributes(&rows).unwrap();
        assert_eq!(replacements, Replacements { frame_count: 8, ..Replacements::default() });
        assert_eq!(tokens, books.tokens_from_attributes(&rows).unwrap().0);
        assert_eq!(loaded.attributes_from_tokens(&tokens).unwrap(), books.attributes_from_tokens(&tokens).unwrap());
    }
}
