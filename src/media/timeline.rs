//! What is shown when: pictures in display order, and the ones a fixed rate picks.
//!
//! In:  the samples of a track and its edit list.
//! Out: [`Shown`], sorted; for each output frame the place of the picture that is then on the screen.
//! Source: ISO/IEC 14496-12, composition times and edit lists. Whole numbers throughout, so nothing drifts.

use super::MediaError;
use super::container::Track;

/// One picture that is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// Ticks since time 0 of the movie.
    pub time: i64,
    /// Its place in decoding order.
    pub sample: usize,
}

/// Sorts by time shown; a picture that ends before time 0 or starts after the end of the edit is left out, and one that
/// is already there at time 0 starts at 0.
pub fn shown_in_order(track: &Track) -> Result<(Vec<Shown>, i64), MediaError> {
    let first = track.edit.delay;
    let mut all: Vec<(i64, usize)> =
        track.samples.iter().enumerate().map(|(sample, at)| (track.edit.shown_at(at.composition), sample)).collect();
    all.sort_unstable();
    let last_end = all.last().map_or(first, |&(time, sample)| time + i64::from(track.samples[sample].duration));
    let end = track.edit.end.map_or(last_end, |end| last_end.min(track.edit.shown_at(end)));
    let ends = all.iter().skip(1).map(|(time, _)| *time).chain([last_end]);
    let shown: Vec<Shown> = all
        .iter()
        .zip(ends)
        .filter(|((time, _), ends)| *ends > first && *time < end)
        .map(|(&(time, sample), _)| Shown { time: time.max(first), sample })
        .collect();
    if shown.is_empty() {
        return Err(MediaError::damaged("its video track shows no picture"));
    }
    Ok((shown, end))
}

/// Ticks of the track against frames of the output.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    /// Ticks per second.
    pub timescale: u32,
    /// Output frames per second.
    pub rate_hz: u32,
}

impl Clock {
    /// Whether `ticks` is at or before the time of output frame `number`.
    pub fn has_come(self, ticks: i64, number: u64) -> bool {
        i128::from(ticks) * i128::from(self.rate_hz) <= i128::from(number) * i128::from(self.timescale)
    }

    /// The last picture that has come at output frame `number`, looking on from `place`.
    pub fn place_at(self, shown: &[Shown], place: usize, number: u64) -> usize {
        let after = shown.iter().skip(place + 1).take_while(|picture| self.has_come(picture.time, number));
        place + after.count()
    }
}

#[cfg(test)]
mod tests {
    use re_mp4::StsdBoxContent;

    use super::*;
    use crate::media::container::{Edit, Sample};

    /// Pictures of 100 ticks each, in decoding order with these composition times.
    fn track(compositions: &[i64], edit: Edit) -> Track {
        let sample = |composition: &i64| Sample { offset: 0, size: 1, composition: *composition, duration: 100 };
        let samples = compositions.iter().map(sample).collect();
        Track { timescale: 1000, samples, edit, codec: StsdBoxContent::default() }
    }

    fn places(times: &[i64], timescale: u32, numbers: u64) -> Vec<usize> {
        let shown: Vec<Shown> = times.iter().map(|&time| Shown { time, sample: 0 }).collect();
        let clock = Clock { timescale, rate_hz: 25 };
        (0..numbers).map(|number| clock.place_at(&shown, 0, number)).collect()
    }

    #[test]
    fn at_25_a_second_thirty_becomes_every_sixth_left_out() {
        // pictures at 0, 1, 2, ... thirtieths; output 1 at 1.2 thirtieths, 2 at 2.4, 3 at 3.6, 4 at 4.8, 5 at 6
        assert_eq!(places(&[0, 1, 2, 3, 4, 5, 6], 30, 6), [0, 1, 2, 3, 4, 6]);
    }

    #[test]
    fn at_25_a_second_slow_pictures_repeat_and_the_first_stands_in() {
        // pictures at 50 ms and 130 ms; output at 0, 40, 80, 120, 160 ms
        assert_eq!(places(&[50, 130], 1000, 5), [0, 0, 0, 0, 1]);
    }

    #[test]
    fn pictures_are_shown_by_their_composition_times() {
        // decoded I P B B, shown I B B P, the first at tick 100: the edit list takes that off
        let edit = Edit { delay: 0, start: 100, end: Some(500) };
        let (shown, end) = shown_in_order(&track(&[100, 400, 200, 300], edit)).expect("four pictures");
        let found: Vec<(i64, usize)> = shown.iter().map(|picture| (picture.time, picture.sample)).collect();
        assert_eq!((found, end), (vec![(0, 0), (100, 2), (200, 3), (300, 1)], 400));
    }

    #[test]
    fn an_edit_that_starts_inside_a_picture_shows_it_from_time_zero() {
        let edit = Edit { delay: 0, start: 150, end: Some(300) };
        let (shown, end) = shown_in_order(&track(&[0, 100, 200, 300], edit)).expect("two pictures");
        let found: Vec<(i64, usize)> = shown.iter().map(|picture| (picture.time, picture.sample)).collect();
        assert_eq!((found, end), (vec![(0, 1), (50, 2)], 150));
    }

    #[test]
    fn an_empty_edit_delays_all_pictures() {
        let edit = Edit { delay: 40, start: 0, end: None };
        let (shown, end) = shown_in_order(&track(&[0, 100], edit)).expect("two pictures");
        assert_eq!((shown[0].time, shown[1].time, end), (40, 140, 240));
    }
}
