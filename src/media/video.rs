//! Frames of a clip, one after another, in the order in which they are shown.
//!
//! In:  the video track of a [`Container`](super::container::Container).
//! Out: [`Frames`], an iterator that holds the few pictures waiting for their turn and nothing else; [`FramesAt`], the
//!      same at a fixed rate.
//! Source: H.264 by `rusty_h264`; times by ISO/IEC 14496-12.
//!
//! Measured: 640x480 High profile, B-pyramid (`clip_high`): see `benches/README.md`, decoding.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;

use re_mp4::StsdBoxContent;
use rusty_h264::{Decoder, YuvFrame};

use super::container::{Sample, Track};
use super::panics::caught;
use super::sequence::SequenceFormat;
use super::{MediaError, Picture};

/// One picture at its time; cloning it does not copy the picture.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Seconds since time 0 of the movie.
    pub time_secs: f64,
    /// What is shown.
    pub picture: Arc<Picture>,
}

/// Everything that is needed to decode a track, as often as one likes.
#[derive(Debug)]
pub struct VideoTrack {
    /// Size and colours.
    pub format: SequenceFormat,
    /// Ticks per second.
    pub timescale: u32,
    /// What is shown, in order.
    pub shown: Vec<Shown>,
    /// The tick at which the last picture ends.
    pub end: i64,
    samples: Vec<Sample>,
    /// Parameter sets, each after a start code.
    parameters: Vec<u8>,
    /// Bytes of the length before each unit.
    length_bytes: usize,
}

/// One picture that is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// Ticks since time 0 of the movie.
    pub time: i64,
    /// Its place in decoding order.
    pub sample: usize,
}

impl VideoTrack {
    /// Checks that the track can be decoded here, and works out what is shown when.
    pub fn new(track: &Track) -> Result<Self, MediaError> {
        let StsdBoxContent::Avc1(codec) = &track.codec else {
            return Err(MediaError::VideoCodec { found: track.codec_name() });
        };
        let Some(sequence) = codec.avcc.sequence_parameter_sets.first() else {
            return Err(MediaError::damaged("its video track has no H.264 parameter set"));
        };
        let mut parameters = Vec::new();
        for unit in codec.avcc.sequence_parameter_sets.iter().chain(&codec.avcc.picture_parameter_sets) {
            push_unit(&mut parameters, &unit.bytes);
        }
        let (shown, end) = shown_in_order(track)?;
        Ok(Self {
            format: SequenceFormat::read(&sequence.bytes)?,
            timescale: track.timescale,
            shown,
            end,
            samples: track.samples.clone(),
            parameters,
            length_bytes: usize::from(codec.avcc.length_size_minus_one) + 1,
        })
    }

    /// One picture as the decoder wants it: units after start codes, the parameter sets before the first.
    fn access_unit(&self, file: &mut File, sample: usize) -> Result<Vec<u8>, MediaError> {
        let Sample { offset, size, .. } = self.samples[sample];
        let mut coded = vec![0; size as usize];
        file.seek(SeekFrom::Start(offset))?;
        file.read_exact(&mut coded)?;
        let mut unit = if sample == 0 { self.parameters.clone() } else { Vec::with_capacity(coded.len() + 16) };
        let mut rest = coded.as_slice();
        while let Some((length, after)) = rest.split_at_checked(self.length_bytes) {
            let length = length.iter().fold(0, |value, byte| value << 8 | usize::from(*byte));
            let Some((bytes, next)) = after.split_at_checked(length) else {
                return Err(MediaError::Picture { sample, reason: "a unit is longer than the picture".to_owned() });
            };
            push_unit(&mut unit, bytes);
            rest = next;
        }
        Ok(unit)
    }
}

fn push_unit(stream: &mut Vec<u8>, unit: &[u8]) {
    stream.extend([0, 0, 0, 1]);
    stream.extend(unit);
}

/// Sorts by time shown; a picture that ends before time 0 or starts after the end of the edit is left out, and one that
/// is already there at time 0 starts at 0.
fn shown_in_order(track: &Track) -> Result<(Vec<Shown>, i64), MediaError> {
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

/// Frames in the order in which they are shown. After an error it ends.
#[derive(Debug)]
pub struct Frames {
    track: Arc<VideoTrack>,
    pictures: Pictures,
    next: usize,
}

impl Frames {
    /// Starts at the first picture of `track`, reading from `file`.
    pub(super) fn new(track: Arc<VideoTrack>, file: File) -> Self {
        let mut is_shown = vec![false; track.samples.len()];
        track.shown.iter().for_each(|shown| is_shown[shown.sample] = true);
        let pictures = Pictures { file, decoder: Decoder::new(), next: 0, waiting: BTreeMap::new(), is_shown };
        Self { track, pictures, next: 0 }
    }
}

impl Iterator for Frames {
    type Item = Result<Frame, MediaError>;

    fn next(&mut self) -> Option<Self::Item> {
        let shown = *self.track.shown.get(self.next)?;
        let picture = self.pictures.take(&self.track, shown.sample);
        self.next = if picture.is_ok() { self.next + 1 } else { self.track.shown.len() };
        let time_secs = shown.time as f64 / f64::from(self.track.timescale);
        Some(picture.map(|picture| Frame { time_secs, picture: Arc::new(picture) }))
    }
}

/// H.264 lets at most 16 pictures wait; a table that asks for more is damaged, and would fill the memory.
const MOST_WAITING: usize = 32;

/// Decodes in decoding order and hands out by place.
struct Pictures {
    file: File,
    decoder: Decoder,
    next: usize,
    waiting: BTreeMap<usize, Picture>,
    is_shown: Vec<bool>,
}

impl std::fmt::Debug for Pictures {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Pictures").field("next", &self.next).finish_non_exhaustive()
    }
}

impl Pictures {
    fn take(&mut self, track: &VideoTrack, sample: usize) -> Result<Picture, MediaError> {
        loop {
            if let Some(picture) = self.waiting.remove(&sample) {
                return Ok(picture);
            }
            if self.waiting.len() == MOST_WAITING {
                return Err(MediaError::damaged("its pictures are shown too far from their order in the file"));
            }
            let decoded = self.next;
            if decoded > sample {
                let reason = "the decoder gave no picture".to_owned();
                return Err(MediaError::Picture { sample, reason });
            }
            self.next += 1;
            let picture = self.decode(track, decoded)?;
            if let Some(picture) = picture.filter(|_| self.is_shown[decoded]) {
                self.waiting.insert(decoded, picture);
            }
        }
    }

    fn decode(&mut self, track: &VideoTrack, sample: usize) -> Result<Option<Picture>, MediaError> {
        let unit = track.access_unit(&mut self.file, sample)?;
        let failed = |reason: String| MediaError::Picture { sample, reason };
        let decoded = caught(|| self.decoder.decode(&unit)).map_err(failed)?;
        let decoded = decoded.map_err(|error| failed(error.to_string()))?;
        decoded.map(|frame| picture_from_decoder(track, frame).map_err(failed)).transpose()
    }
}

fn picture_from_decoder(track: &VideoTrack, frame: YuvFrame) -> Result<Picture, String> {
    let SequenceFormat { width, height, color } = track.format;
    let YuvFrame { width: found_width, height: found_height, y, u, v } = frame;
    let chroma = width.div_ceil(2) * height.div_ceil(2);
    if [found_width, found_height] != [width, height] || [y.len(), u.len(), v.len()] != [width * height, chroma, chroma]
    {
        return Err(format!("it has {found_width} x {found_height} pixels where {width} x {height} were announced"));
    }
    Ok(Picture { width, height, y, u, v, color })
}

/// Frames at a fixed rate: number `k` is what is shown `k / rate` seconds after time 0.
///
/// Before the first picture the first one stands in; a picture may come several times or be left out.
#[derive(Debug)]
pub struct FramesAt {
    frames: Frames,
    clock: Clock,
    next: u64,
    current: Option<Arc<Picture>>,
}

impl FramesAt {
    pub(super) fn new(frames: Frames, rate_hz: u32) -> Self {
        let clock = Clock { timescale: frames.track.timescale, rate_hz };
        Self { frames, clock, next: 0, current: None }
    }
}

impl Iterator for FramesAt {
    type Item = Result<Frame, MediaError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.clock.rate_hz == 0 || self.clock.has_come(self.frames.track.end, self.next) {
            return None;
        }
        let place = self.clock.place_at(&self.frames.track.shown, self.frames.next.saturating_sub(1), self.next);
        while self.frames.next <= place {
            match self.frames.next()? {
                Ok(frame) => self.current = Some(frame.picture),
                Err(error) => return Some(Err(error)),
            }
        }
        let time_secs = self.next as f64 / f64::from(self.clock.rate_hz);
        self.next += 1;
        Some(Ok(Frame { time_secs, picture: Arc::clone(self.current.as_ref()?) }))
    }
}

/// Ticks of the track against frames of the output.
#[derive(Debug, Clone, Copy)]
struct Clock {
    timescale: u32,
    rate_hz: u32,
}

impl Clock {
    /// Whether `ticks` is at or before the time of output frame `number`.
    fn has_come(self, ticks: i64, number: u64) -> bool {
        i128::from(ticks) * i128::from(self.rate_hz) <= i128::from(number) * i128::from(self.timescale)
    }

    /// The last picture that has come at output frame `number`, looking on from `place`.
    fn place_at(self, shown: &[Shown], place: usize, number: u64) -> usize {
        let after = shown.iter().skip(place + 1).take_while(|picture| self.has_come(picture.time, number));
        place + after.count()
    }
}

#[cfg(test)]
mod tests {
    use re_mp4::StsdBoxContent;

    use super::*;
    use crate::media::container::Edit;

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
