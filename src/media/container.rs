//! An mp4's tables: where each sample lies in the file and when it is shown or heard.
//!
//! In:  the file.
//! Out: at most one video and one sound [`Track`]; every sample lies inside the file.
//! Source: ISO/IEC 14496-12: `stts`, `ctts`, `stsc`, `stsz`, `stco`/`co64`, `elst`; boxes parsed by `re_mp4`.
//!
//! `re_mp4` can build sample tables too, but shifts them so that the first shown sample is at 0, which loses what the
//! edit list says; so the tables are built here, from its boxes.

use std::fs::File;
use std::io::Cursor;

use re_mp4::{BoxHeader, MoovBox, ReadBox, StblBox, StsdBoxContent, TrakBox};

use super::panics::caught;
use super::{MediaError, boxes};

/// One coded picture or packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// First byte in the file.
    pub offset: u64,
    /// Bytes.
    pub size: u32,
    /// When it is shown, in ticks of its track, before the edit list.
    pub composition: i64,
    /// How long, in ticks; the last one as long as the table says.
    pub duration: u32,
}

/// What the edit list says about a track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edit {
    /// Ticks between time 0 of the movie and the first thing shown (an empty edit).
    pub delay: i64,
    /// The tick of the track that is shown first; what lies before is only decoded.
    pub start: i64,
    /// The tick at which showing ends; `None` shows everything.
    pub end: Option<i64>,
}

impl Edit {
    /// The time at which a tick of the track is shown, in ticks since time 0 of the movie.
    pub fn shown_at(&self, tick: i64) -> i64 {
        tick.saturating_sub(self.start).saturating_add(self.delay)
    }
}

/// One track: samples in decoding order.
#[derive(Debug, Clone)]
pub struct Track {
    /// Ticks per second.
    pub timescale: u32,
    /// Samples in the order in which they are decoded.
    pub samples: Vec<Sample>,
    /// Which part of the track is shown, and when.
    pub edit: Edit,
    /// What a decoder needs to know.
    pub codec: StsdBoxContent,
}

/// The first video track and the first sound track of a file.
#[derive(Debug, Clone)]
pub struct Container {
    /// The video track, of any codec.
    pub video: Option<Track>,
    /// The sound track, of any codec.
    pub sound: Option<Track>,
}

impl Container {
    /// Reads and checks the tables of `file`.
    pub fn read(file: &mut File) -> Result<Self, MediaError> {
        let file_bytes = file.metadata()?.len();
        if file_bytes == 0 {
            return Err(MediaError::Empty);
        }
        let table = boxes::read_table(file, file_bytes)?;
        let moov = parse(&table)?;
        if moov.mvex.is_some() {
            return Err(MediaError::Fragmented);
        }
        let track = |handler: &str| -> Result<Option<Track>, MediaError> {
            let trak = moov.traks.iter().find(|trak| trak.mdia.hdlr.handler_type.to_string() == handler);
            trak.map(|trak| Track::new(trak, u64::from(moov.mvhd.timescale), file_bytes)).transpose()
        };
        Ok(Self { video: track("vide")?, sound: track("soun")? })
    }
}

/// The boxes as `re_mp4` reads them.
fn parse(table: &[u8]) -> Result<MoovBox, MediaError> {
    let read = || {
        let mut reader = Cursor::new(table);
        let header = BoxHeader::read(&mut reader)?;
        MoovBox::read_box(&mut reader, header.size)
    };
    let moov = caught(read).map_err(|_| MediaError::damaged("its `moov` box cannot be parsed"))?;
    moov.map_err(|error| MediaError::damaged(format!("its `moov` box cannot be parsed ({error})")))
}

impl Track {
    fn new(trak: &TrakBox, movie_timescale: u64, file_bytes: u64) -> Result<Self, MediaError> {
        let timescale = trak.mdia.mdhd.timescale;
        if timescale == 0 || movie_timescale == 0 {
            return Err(MediaError::damaged("a track has a timescale of 0"));
        }
        let table = &trak.mdia.minf.stbl;
        let samples = samples_from_table(table, file_bytes)?;
        let edit = edit_from_box(trak, &samples, u64::from(timescale), movie_timescale)?;
        Ok(Self { timescale, samples, edit, codec: table.stsd.contents.clone() })
    }

    /// The codec's four letters, for an error.
    pub fn codec_name(&self) -> String {
        match &self.codec {
            StsdBoxContent::Avc1(_) => "avc1".to_owned(),
            StsdBoxContent::Mp4a(_) => "mp4a".to_owned(),
            // the names of codecs that are not read are in capitals: see `boxes`
            StsdBoxContent::Unknown(name) => name.to_string().to_ascii_lowercase(),
            _ => "unknown".to_owned(),
        }
    }
}

/// Where, how large, when: one row per sample.
fn samples_from_table(table: &StblBox, file_bytes: u64) -> Result<Vec<Sample>, MediaError> {
    let sizes = sample_sizes(table, file_bytes)?;
    let offsets = sample_offsets(table, &sizes)?;
    let mut durations = runs(table.stts.entries.iter().map(|run| (run.sample_count, run.sample_delta)));
    let shifts = table.ctts.iter().flat_map(|shifts| &shifts.entries);
    let mut shifts = runs(shifts.map(|run| (run.sample_count, run.sample_offset)));
    let mut decoded_at = 0_i64;
    let mut samples = Vec::with_capacity(sizes.len());
    for (&size, &offset) in sizes.iter().zip(&offsets) {
        let end = offset.saturating_add(u64::from(size));
        if end > file_bytes {
            return Err(MediaError::Truncated { found: file_bytes, expected: end });
        }
        let duration = durations.next().ok_or_else(|| MediaError::damaged("its table of times is too short"))?;
        let shift = shifts.next().unwrap_or(0);
        samples.push(Sample { offset, size, composition: decoded_at + i64::from(shift), duration });
        decoded_at += i64::from(duration);
    }
    Ok(samples)
}

/// Each value as often as its run says.
fn runs<T: Copy>(table: impl Iterator<Item = (u32, T)>) -> impl Iterator<Item = T> {
    table.flat_map(|(count, value)| std::iter::repeat_n(value, count as usize))
}

/// Sizes of all samples; together they fit into the file, so a damaged count cannot ask for memory.
fn sample_sizes(table: &StblBox, file_bytes: u64) -> Result<Vec<u32>, MediaError> {
    let stsz = &table.stsz;
    let count = u64::from(stsz.sample_count);
    let (sizes_bytes, listed) = if stsz.sample_size == 0 {
        (stsz.sample_sizes.iter().map(|size| u64::from(*size)).sum(), stsz.sample_sizes.len() as u64)
    } else {
        (count * u64::from(stsz.sample_size), count)
    };
    if sizes_bytes > file_bytes || listed != count {
        return Err(MediaError::Truncated { found: file_bytes, expected: sizes_bytes });
    }
    if stsz.sample_size == 0 { Ok(stsz.sample_sizes.clone()) } else { Ok(vec![stsz.sample_size; count as usize]) }
}

/// Samples lie one after another in chunks; the table names the first byte of each chunk.
fn sample_offsets(table: &StblBox, sizes: &[u32]) -> Result<Vec<u64>, MediaError> {
    let chunks: Vec<u64> = match (&table.stco, &table.co64) {
        (_, Some(large)) => large.entries.clone(),
        (Some(small), None) => small.entries.iter().map(|offset| u64::from(*offset)).collect(),
        (None, None) => Vec::new(),
    };
    let runs = &table.stsc.entries;
    let mut run = 0;
    let mut offsets = Vec::with_capacity(sizes.len());
    for (chunk, &first_byte) in chunks.iter().enumerate() {
        if offsets.len() == sizes.len() {
            break;
        }
        while runs.get(run + 1).is_some_and(|next| next.first_chunk as usize <= chunk + 1) {
            run += 1;
        }
        let in_chunk = runs.get(run).map_or(0, |run| run.samples_per_chunk as usize);
        let mut offset = first_byte;
        for &size in sizes[offsets.len()..].iter().take(in_chunk) {
            offsets.push(offset);
            offset = offset.saturating_add(u64::from(size));
        }
    }
    if offsets.len() < sizes.len() {
        return Err(MediaError::damaged("its table of chunks is too short"));
    }
    Ok(offsets)
}

/// Reads an edit list of any number of empty edits and then one piece of the track.
///
/// Without a list the first sample is shown at time 0: what comes before it is only the delay of reordered pictures.
fn edit_from_box(trak: &TrakBox, samples: &[Sample], timescale: u64, movie_timescale: u64) -> Result<Edit, MediaError> {
    let first = samples.iter().map(|sample| sample.composition).min().unwrap_or(0);
    let mut edit = Edit { delay: 0, start: first, end: None };
    let list = trak.edts.as_ref().and_then(|edits| edits.elst.as_ref());
    let Some(list) = list.filter(|list| !list.entries.is_empty()) else { return Ok(edit) };
    // an empty edit has media time -1, which `re_mp4` reads without its sign
    let nothing = if list.version == 1 { u64::MAX } else { u64::from(u32::MAX) };
    let in_ticks = |movie_ticks: u64| {
        i64::try_from(u128::from(movie_ticks) * u128::from(timescale) / u128::from(movie_timescale))
            .map_err(|_| MediaError::damaged("its edit list lasts for ever"))
    };
    let pieces = list.entries.iter().filter(|entry| entry.media_time != nothing).count();
    if pieces > 1 {
        return Err(MediaError::EditList { found: pieces });
    }
    for entry in &list.entries {
        if entry.media_time == nothing {
            edit.delay = edit.delay.saturating_add(in_ticks(entry.segment_duration)?);
        } else {
            edit.start =
                i64::try_from(entry.media_time).map_err(|_| MediaError::damaged("its edit list is negative"))?;
            let duration = in_ticks(entry.segment_duration)?;
            edit.end = (duration > 0).then(|| edit.start.saturating_add(duration));
            break;
        }
    }
    Ok(edit)
}
