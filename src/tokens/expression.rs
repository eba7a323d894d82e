//! Tokens of expressions: the nearest of a few thousand centres.
//!
//! In:  eight probabilities, rounded to `f32` as in the published code.
//! Out: the nearest centre by squared distance, the lowest index where several are equally near.

use std::path::{Path, PathBuf};

use super::{EXPRESSION_COUNT, NearestCentre, TokensError};
use crate::files::npy;

/// Eight expression probabilities.
pub type Expression = [f64; EXPRESSION_COUNT];

/// The centres of the expressions with a search structure over them.
#[derive(Clone, Debug)]
pub struct ExpressionCentres {
    centres: Vec<Expression>,
    search: NearestCentre,
}

impl ExpressionCentres {
    /// Takes the centres; at least one, all finite.
    pub fn new(centres: Vec<Expression>) -> Self {
        Self { search: NearestCentre::new(&centres), centres }
    }

    /// Reads centres from a `.npy` file; a `.pkl` stands for the `.npy` of the same name beside it.
    pub fn read(path: &Path) -> Result<Self, TokensError> {
        let path = array_path(path)?;
        let (shape, values) = npy::read_f64(&path)?;
        let &[1..=usize::MAX, EXPRESSION_COUNT] = shape.as_slice() else {
            return Err(TokensError::Shape { path, found: shape, expected: "[centres, 8]" });
        };
        if let Some(place) = values.iter().position(|value| !value.is_finite()) {
            let problem = format!("centre {} holds {}", place / EXPRESSION_COUNT, values[place]);
            return Err(TokensError::Codebook { path, problem });
        }
        Ok(Self::new(values.as_chunks().0.to_vec()))
    }

    /// Writes a `.npy` file, as `f32` where that loses nothing.
    pub fn write(&self, path: &Path) -> Result<(), TokensError> {
        let shape = [self.centres.len(), EXPRESSION_COUNT];
        let values = self.centres.as_flattened();
        let narrow: Vec<f32> = values.iter().map(|&value| value as f32).collect();
        if narrow.iter().zip(values).all(|(&narrow, &value)| f64::from(narrow).to_bits() == value.to_bits()) {
            npy::write(path, &shape, &narrow)?;
        } else {
            npy::write(path, &shape, values)?;
        }
        Ok(())
    }

    /// The largest token.
    pub fn last(&self) -> u32 {
        self.centres.len() as u32 - 1
    }

    /// The token of finite probabilities.
    pub fn token(&self, expression: &Expression) -> u32 {
        self.search.find(&expression.map(|value| f64::from(value as f32))).centre
    }

    /// The centre of a token.
    pub fn centre(&self, token: u32) -> Option<&Expression> {
        self.centres.get(token as usize)
    }
}

/// The file to read for `path`: the array itself, or the one beside a pickle. Where there is only a pickle, says so.
fn array_path(path: &Path) -> Result<PathBuf, TokensError> {
    let is_pickle = path.extension().is_some_and(|extension| extension == "pkl");
    let array = if is_pickle { path.with_extension("npy") } else { path.to_path_buf() };
    let pickle = array.with_extension("pkl");
    if !array.is_file() && (is_pickle || pickle.is_file()) {
        return Err(TokensError::Pickle { pickle, array });
    }
    Ok(array)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_of_equally_near_centres_wins() {
        let centre = |value| std::array::from_fn(|dimension| if dimension == 2 { value } else { 0.0 });
        let centres = ExpressionCentres::new([4.0, 2.0, 0.0, 2.0].map(centre).to_vec());
        assert_eq!(centres.token(&centre(1.0)), 1, "1 is as far from 2 as from 0");
        assert_eq!(centres.token(&centre(3.0)), 0);
    }

    #[test]
    fn probabilities_are_rounded_before_they_are_compared() {
        // 0.5 + 1e-9 rounds to 0.5 in f32, which is as far from 0 as from 1.
        let centres = ExpressionCentres::new([[0.0; 8], [1.0; 8]].to_vec());
        assert_eq!(centres.token(&[0.5 + 1e-9; 8]), 0);
    }

    #[test]
    fn a_pickle_stands_for_the_array_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let pickle = folder.path().join("kmeans.pkl");
        let text = ExpressionCentres::read(&pickle).unwrap_err().to_string();
        let shown = pickle.display();
        let array = pickle.with_extension("npy");
        assert_eq!(
            text,
            format!(
                "`{shown}` is a pickle, which is never executed, and there is no `{}`; run `unifr convert {shown}`",
                array.display()
            )
        );
        let centres = ExpressionCentres::new(vec![[0.25; 8], [0.1; 8]]);
        centres.write(&array).unwrap();
        assert_eq!(ExpressionCentres::read(&pickle).unwrap().centres, centres.centres);
    }

    #[test]
    fn arrays_of_another_shape_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("centres.npy");
        for shape in [[4, 2], [0, 8]] {
            npy::write(&path, &shape, &vec![0.0; shape[0] * shape[1]]).unwrap();
            let text = ExpressionCentres::read(&path).unwrap_err().to_string();
            assert!(text.ends_with(&format!("has shape {shape:?}, expected [centres, 8]")), "{text}");
        }
    }
}
