//! The demo's page: losses, reactions over time, scores.

use super::learning::Learning;
use super::scores::{Board, CEILING, HeldOut, OFFLINE, OFFLINE_SWAPPED, ONLINE, ONLINE_SWAPPED};
use super::{DemoArgs, Phases, Reactions, RealClip};
use crate::metrics::Scores;
use crate::report::{
    BarChart, BarSeries, Chart, HeatMap, LineChart, LineSeries, LineStyle, Page, Part, Section, Table, running_mean,
};
use crate::tokens::{ATTRIBUTE_COUNT, COLUMN_NAMES};

/// Frames per second of every clip.
const FRAME_RATE: f64 = 25.0;
/// Updates over which the drawn losses are averaged.
const SMOOTHING: usize = 15;
/// The held-out clip that is shown.
const SHOWN_CLIP: usize = 0;
/// Attributes that are drawn as lines, and what they say.
const SHOWN: [(usize, &str); 4] = [(7, "AU12, lip corners up"), (2, "AU4, brows down"), (15, "valence"), (18, "happy")];

/// What the page is made of.
pub(super) struct Material<'a> {
    pub(super) clip: &'a RealClip,
    pub(super) held_out: &'a HeldOut,
    pub(super) offline: &'a Reactions,
    pub(super) online: &'a Reactions,
    pub(super) board: &'a Board,
    pub(super) learning: &'a Learning,
    pub(super) phases: &'a Phases,
    pub(super) arguments: &'a DemoArgs,
}

pub(super) fn page(material: &Material<'_>) -> Page {
    Page {
        title: "UniFR demo".into(),
        intro:
            "A small transformer was trained on a synthetic corpus, in which a listener's face really answers what the \
                speaker does. It then reacted to speakers that it had never met, and to a real clip."
                .into(),
        sections: vec![scores(material.board), reactions(material), real_clip(material), losses(material.learning)],
        foot: foot(material),
    }
}

fn scores(board: &Board) -> Section {
    let groups: Vec<String> = board.rows.iter().map(|(label, _)| (*label).to_owned()).collect();
    let bars = |title: &str, value: fn(&Scores) -> f64| {
        // What is only rounding is shown as nothing.
        let shown = |value: f64| if value.abs() < 1e-9 { 0.0 } else { value };
        let values = board.rows.iter().map(|(_, scores)| shown(value(scores))).collect();
        let series = vec![BarSeries { name: title.into(), values }];
        Chart::Bars(BarChart { title: title.into(), groups: groups.clone(), series, highlight: Some(0) })
    };
    let frcorr = |label| format!("{:.3}", board.scores(label).frcorr.mean_over_reactions);
    let closed = |label| format!("{:.0} %", 100.0 * board.gap_closed(label));
    let prose = format!(
        "Each row reacted ten times to every held-out speaker. The ceiling is another valid reaction to the same speaker, \
         measured against the others; a model cannot be expected to do better. Of the gap in FRCorr between the best \
         baseline and the ceiling, the offline reactions close {}, the online ones {}. Given another clip's speaker, \
         the same models reach an FRCorr of {} and {}.",
        closed(OFFLINE),
        closed(ONLINE),
        frcorr(OFFLINE_SWAPPED),
        frcorr(ONLINE_SWAPPED)
    );
    let charts = vec![
        bars("FRCorr, mean over reactions (more is better)", |scores| scores.frcorr.mean_over_reactions),
        bars("FRDist, mean over reactions (less is better)", |scores| scores.frdist.mean_over_reactions),
    ];
    Section { title: "Scores".into(), parts: vec![Part::Prose(prose), Part::Charts(charts), Part::Table(table(board))] }
}

fn table(board: &Board) -> Table {
    let head = ["", "FRCorr", "FRDist", "FRDiv", "FRVar", "FRDvs", "FRSyn"].map(str::to_owned).to_vec();
    let cells = |(label, scores): &(&str, Scores)| {
        let synchrony = scores.frsyn.plain.map_or_else(|| "undefined".to_owned(), |plain| format!("{plain:.1}"));
        vec![
            (*label).to_owned(),
            format!("{:.3}", scores.frcorr.mean_over_reactions),
            format!("{:.2}", scores.frdist.mean_over_reactions),
            format!("{:.4}", scores.frdiv),
            format!("{:.4}", scores.frvar),
            format!("{:.4}", scores.frdvs),
            synchrony,
        ]
    };
    Table {
        caption:
            "FRCorr and FRDist as means over the ten reactions (the published numbers are sums: ten times as much); \
                  FRSyn in frames, over all reactions, columns without movement left out."
                .into(),
        head,
        rows: board.rows.iter().map(cells).collect(),
        highlight: board.rows.iter().position(|(label, _)| *label == CEILING),
    }
}

fn reactions(material: &Material<'_>) -> Section {
    let held_out = material.held_out;
    let lines = |(column, name): (usize, &str)| {
        let mut series = Vec::new();
        for reaction in 0..material.offline.held_out.reaction_count {
            let generated = attributes(held_out, material.offline, reaction);
            series.push(line("generated, offline (ten)", &column_of(&generated, column), LineStyle::Faint));
        }
        for row in held_out.matrix.appropriate(SHOWN_CLIP).iter().filter(|row| **row as usize != SHOWN_CLIP) {
            series.push(line(
                "other valid reactions",
                &column_of(held_out.listeners.clip(*row as usize), column),
                LineStyle::Dashed,
            ));
        }
        series.push(line("real listener", &column_of(held_out.listeners.clip(SHOWN_CLIP), column), LineStyle::Solid));
        Chart::Lines(LineChart { title: name.into(), x_label: "seconds".into(), y_label: String::new(), series })
    };
    let heat = |title: &str, values: &[f64]| {
        let rows =
            COLUMN_NAMES.iter().enumerate().map(|(column, name)| ((*name).to_owned(), column_of(values, column)));
        Chart::Heat(HeatMap {
            title: title.into(),
            x_label: "seconds".into(),
            x_range: (0.0, held_out.listeners.frame_count() as f64 / FRAME_RATE),
            rows: rows.collect(),
            value_range: (0.0, 1.0),
        })
    };
    let mut charts: Vec<Chart> = SHOWN.into_iter().map(lines).collect();
    charts.push(heat("Real listener, all 25 attributes", held_out.listeners.clip(SHOWN_CLIP)));
    charts.push(heat("Generated, offline, first reaction", &attributes(held_out, material.offline, 0)));
    charts.push(heat("Generated, online, first reaction", &attributes(held_out, material.online, 0)));
    let prose = format!(
        "Held-out clip {SHOWN_CLIP} of the synthetic corpus: what its listener did, what other valid listeners of the same conversation did, and what the model generates from the speaker alone."
    );
    Section { title: "Real and generated reactions".into(), parts: vec![Part::Prose(prose), Part::Charts(charts)] }
}

fn real_clip(material: &Material<'_>) -> Section {
    let prepared = &material.clip.prepared;
    let frames = material.offline.real.frame_count;
    let lines = |(column, name): (usize, &str)| {
        let mut series = Vec::new();
        for (label, reactions, style) in [
            ("offline (ten)", material.offline, LineStyle::Faint),
            ("online, first", material.online, LineStyle::Solid),
        ] {
            let count = if style == LineStyle::Faint { reactions.real.reaction_count } else { 1 };
            for reaction in 0..count {
                let values = real_attributes(material.held_out, reactions, reaction);
                series.push(line(label, &column_of(&values, column), style));
            }
        }
        Chart::Lines(LineChart { title: name.into(), x_label: "seconds".into(), y_label: String::new(), series })
    };
    let prose = format!(
        "`speaker.mp4` is a real portrait, moved as by a camera, with a synthetic voice: {} frames, {} of them without a \
         face. Its first {frames} frames went through the same feature extraction and the same models. There is no ground \
         truth: nobody listened. And the model learned from made-up conversations, so these reactions show that the way \
         from mp4 to reaction is complete, not that they fit.",
        prepared.features.frame_count,
        prepared.faceless_count()
    );
    let charts = SHOWN.into_iter().map(lines).collect();
    Section {
        title: "Reactions to a real clip (no ground truth)".into(),
        parts: vec![Part::Prose(prose), Part::Charts(charts)],
    }
}

fn losses(learning: &Learning) -> Section {
    let series = |name: &str, points: &[(f64, f64)]| {
        vec![
            LineSeries { name: name.into(), points: points.to_vec(), style: LineStyle::Faint },
            LineSeries { name: name.into(), points: running_mean(points, SMOOTHING), style: LineStyle::Solid },
        ]
    };
    let chart = |title: String, y_label: &str, series| {
        Chart::Lines(LineChart {
            title,
            x_label: "updates, pretraining and finetuning".into(),
            y_label: y_label.into(),
            series,
        })
    };
    let mut charts: Vec<Chart> = learning
        .curves
        .iter()
        .map(|curve| {
            let [first, last] = curve.tenths;
            let title = format!("{}: last tenth {:.2} of the first", curve.name, last / first);
            chart(title, "nats", series(curve.name, &curve.points))
        })
        .collect();
    let rate =
        LineSeries { name: "learning rate".into(), points: learning.learning_rate.clone(), style: LineStyle::Solid };
    charts.push(chart("Learning rate".into(), "", vec![rate]));
    let prose = "Every update, and a running mean. Finetuning leaves out the causal pass.".to_owned();
    Section { title: "Losses".into(), parts: vec![Part::Prose(prose), Part::Charts(charts)] }
}

fn foot(material: &Material<'_>) -> String {
    let phases = material.phases.0.iter().map(|(name, duration)| format!("{name} {:.1} s", duration.as_secs_f64()));
    format!(
        "UniFR {}, `unifr demo --seed {}{}`. {}.",
        env!("CARGO_PKG_VERSION"),
        material.arguments.seed,
        match material.arguments.training_share {
            1.0 => String::new(),
            share => format!(" --training-share {share}"),
        },
        phases.collect::<Vec<_>>().join(", ")
    )
}

fn line(name: &str, values: &[f64], style: LineStyle) -> LineSeries {
    let points = values.iter().enumerate().map(|(frame, value)| (frame as f64 / FRAME_RATE, *value)).collect();
    LineSeries { name: name.into(), points, style }
}

/// One attribute over time, of `[frames, 25]`.
fn column_of(values: &[f64], column: usize) -> Vec<f64> {
    values.iter().skip(column).step_by(ATTRIBUTE_COUNT).copied().collect()
}

fn attributes(held_out: &HeldOut, reactions: &Reactions, reaction: usize) -> Vec<f64> {
    decoded(held_out, &reactions.held_out, SHOWN_CLIP, reaction)
}

fn real_attributes(held_out: &HeldOut, reactions: &Reactions, reaction: usize) -> Vec<f64> {
    decoded(held_out, &reactions.real, 0, reaction)
}

fn decoded(held_out: &HeldOut, tokens: &crate::tokens::TokenArray, clip: usize, reaction: usize) -> Vec<f64> {
    let rows = super::attributes(tokens, &held_out.codebooks, clip, reaction);
    rows.expect("the model draws only codes of these codebooks").concat()
}
