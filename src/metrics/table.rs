//! Scores in words: the published line and a table for the terminal.
//!
//! In:  [`Scores`], with a name for each row.
//! Out: text without colour.

use super::Scores;

/// The columns of the table: what is measured, and which way is better.
const HEADINGS: [&str; 9] =
    ["FRCorr ↑ sum", "mean", "FRDist ↓ sum", "mean", "FRDiv ↑", "FRVar ↑", "FRDvs ↑", "FRSyn ↓ published", "plain"];

/// The line of the published `…metrics.txt`: six scores with six decimals.
///
/// Published behaviour: FRC and FRDist are sums over the reactions, FRSyn looks at the first reaction only.
pub fn published_line(scores: &Scores) -> String {
    format!(
        "FRC {:.6}, FRDist {:.6}, FRDiv {:.6}, FRVar {:.6}, FRDvs {:.6}, FRSyn {:.6}",
        scores.frcorr.sum_over_reactions,
        scores.frdist.sum_over_reactions,
        scores.frdiv,
        scores.frvar,
        scores.frdvs,
        scores.frsyn.published_first_reaction,
    )
}

/// A table with one named row for each set of scores, and a line that says what the columns mean.
pub fn table(rows: &[(&str, &Scores)]) -> String {
    let name_width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let line = |name: &str, cells: &[String]| {
        let aligned = cells.iter().zip(HEADINGS).map(|(cell, heading)| {
            let width = heading.chars().count().max(8);
            format!("  {cell:>width$}")
        });
        format!("{name:name_width$}{}\n", aligned.collect::<String>())
    };
    let mut text = line("", &HEADINGS.map(str::to_owned));
    for (name, scores) in rows {
        text.push_str(&line(name, &cells(scores)));
    }
    if let Some((_, scores)) = rows.first() {
        text.push_str(&explanation(scores));
    }
    text
}

fn cells(scores: &Scores) -> [String; 9] {
    // Adding 0 makes what is rounded to -0 plain 0.
    let short = |value: f64| format!("{:.4}", (value * 1e4).round() / 1e4 + 0.0);
    [
        short(scores.frcorr.sum_over_reactions),
        short(scores.frcorr.mean_over_reactions),
        format!("{:.2}", scores.frdist.sum_over_reactions),
        format!("{:.2}", scores.frdist.mean_over_reactions),
        short(scores.frdiv),
        short(scores.frvar),
        short(scores.frdvs),
        format!("{:.2}", scores.frsyn.published_first_reaction),
        scores.frsyn.plain.map_or_else(|| "none".to_owned(), |plain| format!("{plain:.2}")),
    ]
}

fn explanation(scores: &Scores) -> String {
    let (clips, reactions) = (scores.clip_count, scores.reaction_count);
    format!(
        "{clips} clips, {reactions} reactions each. `sum` adds the {reactions} reactions of a clip, as published. FRSyn in \
         frames: `published` looks at the first reaction only and gives 49 for constant columns; `plain` takes all \
         reactions and leaves such columns out.\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{ReactionScore, SynchronyScore};

    fn scores() -> Scores {
        Scores {
            clip_count: 2,
            reaction_count: 10,
            frame_count: 750,
            frcorr: ReactionScore { sum_over_reactions: 0.25, mean_over_reactions: 0.025 },
            frdist: ReactionScore { sum_over_reactions: 92.5, mean_over_reactions: 9.25 },
            frdiv: 0.021,
            frvar: 0.047,
            frdvs: 0.165,
            frsyn: SynchronyScore {
                published_first_reaction: 48.5,
                published_all_reactions: 48.0,
                plain: None,
                undefined_share: 1.0,
            },
            clips: Vec::new(),
        }
    }

    #[test]
    fn the_published_line_has_six_decimals_in_the_published_order() {
        let expected =
            "FRC 0.250000, FRDist 92.500000, FRDiv 0.021000, FRVar 0.047000, FRDvs 0.165000, FRSyn 48.500000";
        assert_eq!(published_line(&scores()), expected);
    }

    #[test]
    fn columns_line_up_below_their_headings() {
        let text = table(&[("predictions", &scores()), ("mime", &scores())]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[0],
            "             FRCorr ↑ sum      mean  FRDist ↓ sum      mean   FRDiv ↑   FRVar ↑   FRDvs ↑  FRSyn ↓ published     plain"
        );
        assert_eq!(
            lines[1],
            "predictions        0.2500    0.0250         92.50      9.25    0.0210    0.0470    0.1650              48.50      none"
        );
        assert_eq!(
            lines[2],
            "mime               0.2500    0.0250         92.50      9.25    0.0210    0.0470    0.1650              48.50      none"
        );
        assert!(lines[3].starts_with("2 clips, 10 reactions each."));
    }
}
