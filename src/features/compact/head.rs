//! Pose stream: where the head is, how it moves, and where else something moves; one row per five frames.
//!
//! In:  grey frames and head boxes, in order.
//! Out: `[frames / 5, 24]`: place (2), size, speeds (3), restlessness, share of missing faces, motion in 4x4 cells.
//! Source: block differences, the oldest measure of activity in video; box tracks as in talking-head pose baselines.
//!
//! A row is made from its own five frames and the frame before them. The published pose network looks at the same five,
//! so a row given to all five frames lets the first of them see 160 ms ahead (defect 29): online, a frame may use the
//! row of the last finished five only.

use crate::faces::FaceBox;
use crate::features::FRAMES_PER_POSE;
use crate::media::GrayImage;

/// Blocks across and down that a frame is reduced to before frames are compared: their means carry little noise.
const BLOCKS_ACROSS: usize = 32;
const BLOCKS_DOWN: usize = 24;
/// Cells across and down for motion.
const CELLS: usize = 4;
/// Numbers about the head.
const HEAD_COUNT: usize = 8;

/// Numbers per five frames.
pub const WIDTH: usize = HEAD_COUNT + CELLS * CELLS;

/// A head that fills a third of the frame's height has size 0; twice as large is 1.
const USUAL_SIZE: f32 = 1.0 / 3.0;

/// Head and frame motion of a clip, frame by frame.
pub struct HeadTrack {
    rows: Vec<f32>,
    heads: Vec<Option<Head>>,
    motion: [f32; CELLS * CELLS],
    before: Option<Vec<f32>>,
}

/// A box in numbers that do not depend on the frame's size.
#[derive(Clone, Copy)]
struct Head {
    /// Centre: -1 at the left edge, 1 at the right.
    x: f32,
    /// Centre: -1 at the upper edge, 1 at the lower.
    y: f32,
    /// Octaves from [`USUAL_SIZE`].
    size: f32,
}

impl Head {
    fn new(face: &FaceBox, frame: &GrayImage) -> Self {
        let centred = |start: i32, extent: i32, whole: usize| (2 * start + extent) as f32 / whole as f32 - 1.0;
        Self {
            x: centred(face.x, face.width, frame.width),
            y: centred(face.y, face.height, frame.height),
            size: (face.height.max(1) as f32 / frame.height as f32 / USUAL_SIZE).log2(),
        }
    }
}

impl HeadTrack {
    /// Nothing seen yet.
    pub fn new() -> Self {
        Self { rows: Vec::new(), heads: Vec::new(), motion: [0.0; CELLS * CELLS], before: None }
    }

    /// Takes the next frame; every fifth finishes a row.
    pub fn push(&mut self, frame: &GrayImage, face: Option<&FaceBox>) {
        let blocks = block_means(frame);
        if let Some(before) = &self.before {
            add_motion(&mut self.motion, before, &blocks);
        }
        self.before = Some(blocks);
        self.push_head(face.map(|face| Head::new(face, frame)));
    }

    fn push_head(&mut self, head: Option<Head>) {
        self.heads.push(head);
        if self.heads.len() == FRAMES_PER_POSE {
            self.finish_row();
        }
    }

    /// Fills up to `row_count` rows with frames that have neither face nor motion: `[row_count, WIDTH]`.
    pub fn finish(mut self, row_count: usize) -> Vec<f32> {
        while self.rows.len() < row_count * WIDTH {
            self.push_head(None);
        }
        self.rows.truncate(row_count * WIDTH);
        self.rows
    }

    fn finish_row(&mut self) {
        self.rows.extend(head_numbers(&self.heads));
        // The root lifts small motions; a mean difference of a sixteenth of white is 0.25.
        self.rows.extend(self.motion.map(|sum| (sum / FRAMES_PER_POSE as f32).sqrt()));
        self.heads.clear();
        self.motion = [0.0; CELLS * CELLS];
    }
}

/// Mean place and size, their change from the first to the last head, mean step, share of frames without a head.
fn head_numbers(heads: &[Option<Head>]) -> [f32; HEAD_COUNT] {
    let found: Vec<Head> = heads.iter().flatten().copied().collect();
    let missing = 1.0 - found.len() as f32 / heads.len() as f32;
    let (Some(first), Some(last)) = (found.first(), found.last()) else {
        return [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, missing];
    };
    let mean = |value: fn(&Head) -> f32| found.iter().map(value).sum::<f32>() / found.len() as f32;
    let steps = found.windows(2).map(|pair| (pair[1].x - pair[0].x).hypot(pair[1].y - pair[0].y));
    let restlessness = steps.sum::<f32>() * SPEED_SCALE;
    [
        mean(|head| head.x),
        mean(|head| head.y),
        mean(|head| head.size),
        (last.x - first.x) * SPEED_SCALE,
        (last.y - first.y) * SPEED_SCALE,
        (last.size - first.size) * SPEED_SCALE,
        restlessness,
        missing,
    ]
}

/// Brings a brisk movement, a tenth of the half frame within five frames, to 1.
const SPEED_SCALE: f32 = 10.0;

/// Mean grey of each block, from 0 to 1: `[BLOCKS_DOWN, BLOCKS_ACROSS]`.
fn block_means(frame: &GrayImage) -> Vec<f32> {
    let bounds = |block: usize, blocks: usize, whole: usize| {
        let start = (block * whole / blocks).min(whole - 1);
        start..((block + 1) * whole / blocks).max(start + 1)
    };
    let mut means = Vec::with_capacity(BLOCKS_DOWN * BLOCKS_ACROSS);
    for down in 0..BLOCKS_DOWN {
        let rows = bounds(down, BLOCKS_DOWN, frame.height);
        for across in 0..BLOCKS_ACROSS {
            let columns = bounds(across, BLOCKS_ACROSS, frame.width);
            let row_sum = |row: usize| {
                let pixels = &frame.pixels[row * frame.width..][columns.clone()];
                pixels.iter().map(|pixel| u32::from(*pixel)).sum::<u32>()
            };
            let count = (rows.len() * columns.len()) as f32;
            means.push(rows.clone().map(row_sum).sum::<u32>() as f32 / (count * 255.0));
        }
    }
    means
}

/// Adds each cell's mean absolute difference, after taking off what the whole frame brightened or darkened.
fn add_motion(motion: &mut [f32; CELLS * CELLS], before: &[f32], now: &[f32]) {
    let blocks = (BLOCKS_ACROSS * BLOCKS_DOWN) as f32;
    let brightened = now.iter().zip(before).map(|(now, before)| now - before).sum::<f32>() / blocks;
    for (block, (now, before)) in now.iter().zip(before).enumerate() {
        let row = block / BLOCKS_ACROSS * CELLS / BLOCKS_DOWN;
        let column = block % BLOCKS_ACROSS * CELLS / BLOCKS_ACROSS;
        motion[row * CELLS + column] += (now - before - brightened).abs() * (CELLS * CELLS) as f32 / blocks;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(grey: impl Fn(usize, usize) -> u8) -> GrayImage {
        let (width, height) = (64, 48);
        GrayImage { width, height, pixels: (0..width * height).map(|at| grey(at % width, at / width)).collect() }
    }

    fn head(x: i32, y: i32, side: i32) -> FaceBox {
        FaceBox { x, y, width: side, height: side, score: 9.0 }
    }

    #[test]
    fn a_still_head_in_the_middle_is_zeros() {
        let mut track = HeadTrack::new();
        // 16 of 48 rows: the usual size; centre (32, 24) of 64x48.
        for _ in 0..5 {
            track.push(&frame(|_, _| 80), Some(&head(24, 16, 16)));
        }
        assert!(track.finish(1).iter().all(|value| value.abs() < 1e-5));
    }

    #[test]
    fn a_moving_head_shows_in_place_speed_and_restlessness() {
        let mut track = HeadTrack::new();
        for step in 0..5 {
            track.push(&frame(|_, _| 80), Some(&head(24 + 2 * step, 16, 32)));
        }
        let row = track.finish(1);
        // Centres 40, 42 … 48 of 64: mean 44, or 0.375; the change is 8 of 32, times ten; size one octave up.
        assert!((row[0] - 0.375).abs() < 1e-5 && (row[2] - 1.0).abs() < 1e-5);
        assert!((row[3] - 2.5).abs() < 1e-5 && (row[6] - 2.5).abs() < 1e-5 && row[4].abs() < 1e-5);
    }

    #[test]
    fn motion_shows_in_its_own_cell_and_flicker_shows_in_none() {
        let mut track = HeadTrack::new();
        let still = |light: u8| frame(move |_, _| light);
        for light in [80, 90, 80, 90, 80] {
            track.push(&still(light), None);
        }
        for step in 0..5 {
            track.push(&frame(move |x, y| if x < 16 && y < 12 { 80 + 40 * (step % 2) } else { 80 }), None);
        }
        let rows = track.finish(2);
        assert!(rows[HEAD_COUNT..WIDTH].iter().all(|value| *value < 1e-3));
        let moved = &rows[WIDTH + HEAD_COUNT..];
        assert!(moved[0] > 0.2 && moved[1..].iter().all(|value| *value < 0.5 * moved[0]));
    }

    #[test]
    fn rows_that_were_filled_up_say_that_nobody_is_there() {
        let mut track = HeadTrack::new();
        for _ in 0..3 {
            track.push(&frame(|_, _| 80), Some(&head(24, 16, 16)));
        }
        let rows = track.finish(2);
        assert!((rows[7] - 0.4).abs() < 1e-6 && (rows[WIDTH + 7] - 1.0).abs() < 1e-6);
    }

    #[test]
    fn frames_smaller_than_the_blocks_are_taken_too() {
        let tiny = GrayImage { width: 3, height: 2, pixels: vec![10; 6] };
        assert!(block_means(&tiny).iter().all(|mean| (mean - 10.0 / 255.0).abs() < 1e-6));
    }
}
