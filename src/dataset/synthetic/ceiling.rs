//! How well another valid reaction of the same speaker scores: the ceiling that predictions are measured against.
//!
//! In:  for each row, the rows of all appropriate reactions; the listeners' attributes.
//! Out: [`Ceiling`]: a reaction in place of each prediction, and the reactions that are left to score it against.
//! Source: our own. A reaction that is among those it is scored against would meet itself and score as perfect, so
//! the row it comes from is left out of the row's list.

/// Another valid reaction for every row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ceiling {
    /// The row whose listener stands in for a prediction.
    pub sources: Vec<u32>,
    /// Appropriate rows without the source: what the stand-in is scored against.
    pub appropriate: Vec<Vec<u32>>,
}

impl Ceiling {
    /// Takes the `round`-th appropriate row after the own one, in a circle; rounds 0, 1, … give other stand-ins.
    ///
    /// None where a row has no appropriate reaction but its own: what is possible there is unknown.
    pub fn new(appropriate: &[Vec<u32>], round: usize) -> Option<Self> {
        let source = |(row, list): (usize, &Vec<u32>)| {
            let later = list.iter().position(|other| *other as usize > row).unwrap_or(0);
            let others: Vec<u32> =
                list[later..].iter().chain(&list[..later]).copied().filter(|other| *other as usize != row).collect();
            others.get(round % others.len().max(1)).copied()
        };
        let sources: Vec<u32> = appropriate.iter().enumerate().map(source).collect::<Option<_>>()?;
        let rest = |(list, source): (&Vec<u32>, &u32)| list.iter().copied().filter(|other| other != source).collect();
        let appropriate = appropriate.iter().zip(&sources).map(rest).collect();
        Some(Self { sources, appropriate })
    }

    /// The stand-ins as predictions `[clips, reactions, frames, 25]`, all reactions of a clip equal.
    ///
    /// `listeners` is `[clips, frames, 25]`, row-major.
    pub fn predictions(&self, listeners: &[f64], reaction_count: usize) -> Vec<f64> {
        let length = listeners.len() / self.sources.len();
        let mut values = Vec::with_capacity(listeners.len() * reaction_count);
        for source in &self.sources {
            let reaction = &listeners[*source as usize * length..][..length];
            (0..reaction_count).for_each(|_| values.extend_from_slice(reaction));
        }
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stand_in_is_another_row_and_is_not_scored_against_itself() {
        let appropriate = vec![vec![0, 1, 3], vec![0, 1, 3], vec![2, 4], vec![0, 1, 3], vec![2, 4]];
        let ceiling = Ceiling::new(&appropriate, 0).unwrap();
        assert_eq!(ceiling.sources, [1, 3, 4, 0, 2]);
        assert_eq!(ceiling.appropriate, [vec![0, 3], vec![0, 1], vec![2], vec![1, 3], vec![4]]);
        assert_eq!(Ceiling::new(&appropriate, 1).unwrap().sources, [3, 0, 4, 1, 2]);
        // Two numbers a row: row 0 is replaced by row 1, twice.
        let listeners: Vec<f64> = (0..10).map(f64::from).collect();
        assert_eq!(ceiling.predictions(&listeners, 2)[..4], [2.0, 3.0, 2.0, 3.0]);
    }

    #[test]
    fn a_row_with_no_other_reaction_has_no_ceiling() {
        assert_eq!(Ceiling::new(&[vec![0], vec![1]], 0), None);
    }
}
