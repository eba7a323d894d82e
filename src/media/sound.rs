//! The sound of a clip or of a sound file.
//!
//! In:  the sound track of an mp4 (AAC-LC), or a WAV.
//! Out: [`Sound`]: one row per channel, full scale 1.0, at the file's own rate; sample 0 is time 0 of the movie.
//! Source: AAC by `symphonia`; times by ISO/IEC 14496-12.
//!
//! An AAC encoder puts 1024 samples or more before the first real one; the edit list says how many, and they are taken
//! out here. At the end whole packets after the edit are left out and the last one is kept whole, as ffmpeg does: a clip
//! of 30 s may have a few samples more.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use re_mp4::StsdBoxContent;
use symphonia::core::audio::GenericAudioBufferRef;
use symphonia::core::codecs::audio::well_known::CODEC_ID_AAC;
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::packet::PacketRef;
use symphonia::core::units::{Duration, Timestamp};

use super::container::{Container, Track};
use super::panics::caught;
use super::{MediaError, wave};

/// Sound as numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Sound {
    /// Samples per second and channel.
    pub rate_hz: u32,
    /// `[channels][samples]`, full scale 1.0; all channels are equally long.
    pub channels: Vec<Vec<f32>>,
}

/// Beyond an hour the decoded sound alone takes a gigabyte.
pub const LONGEST_SECS: u64 = 3600;

impl Sound {
    /// Samples in each channel.
    pub fn sample_count(&self) -> usize {
        self.channels.first().map_or(0, Vec::len)
    }

    /// How long it lasts.
    pub fn duration_secs(&self) -> f64 {
        self.sample_count() as f64 / f64::from(self.rate_hz)
    }

    /// The mean of the channels; one channel stays as it is.
    pub fn mono(&self) -> Vec<f32> {
        match self.channels.as_slice() {
            [only] => only.clone(),
            channels => {
                let mean = |at| channels.iter().map(|channel| channel[at]).sum::<f32>() / channels.len() as f32;
                (0..self.sample_count()).map(mean).collect()
            }
        }
    }

    /// 16-bit samples, all channels of a moment together: what the published preparation read.
    pub fn interleaved_i16(&self) -> Vec<i16> {
        let at = |moment| self.channels.iter().map(move |channel: &Vec<f32>| i16_from_sample(channel[moment]));
        (0..self.sample_count()).flat_map(at).collect()
    }

    /// Appends one decoded buffer; channels that are not kept are left out.
    pub(super) fn push(&mut self, buffer: &GenericAudioBufferRef<'_>) {
        let mut planes: Vec<Vec<f32>> = Vec::new();
        buffer.copy_to_vecs_planar(&mut planes);
        for (channel, plane) in self.channels.iter_mut().zip(planes) {
            channel.extend(plane);
        }
    }
}

/// Full scale is 32768; what is beyond is cut.
fn i16_from_sample(sample: f32) -> i16 {
    (sample * 32768.0).round().clamp(-32768.0, 32767.0) as i16
}

/// Reads the sound of a WAV or an mp4, decided by its first bytes.
///
/// # Errors
/// [`MediaError::NotSound`] for other files, [`MediaError::NoSound`] for an mp4 without a sound track.
pub fn read_sound(path: impl AsRef<Path>) -> Result<Sound, MediaError> {
    read_channels(path.as_ref(), usize::MAX)
}

/// The same, but of several channels only the first is kept: ten minutes of stereo at 44.1 kHz are 212 MB.
pub fn read_first_channel(path: impl AsRef<Path>) -> Result<Sound, MediaError> {
    read_channels(path.as_ref(), 1)
}

fn read_channels(path: &Path, most: usize) -> Result<Sound, MediaError> {
    let mut file = crate::files::open(path)?;
    let mut start = Vec::new();
    (&mut file).take(12).read_to_end(&mut start)?;
    file.seek(SeekFrom::Start(0))?;
    match start.as_slice() {
        [] => Err(MediaError::Empty),
        [b'R', b'I', b'F', b'F', .., b'W', b'A', b'V', b'E'] => wave::read(file, most),
        [_, _, _, _, b'f' | b'm' | b's' | b'w', ..] => {
            let container = Container::read(&mut file)?;
            channels_from_track(&container.sound.ok_or(MediaError::NoSound)?, &mut file, most)
        }
        other => Err(MediaError::NotSound { found: other.escape_ascii().to_string() }),
    }
}

/// Decodes a whole sound track.
pub fn sound_from_track(track: &Track, file: &mut File) -> Result<Sound, MediaError> {
    channels_from_track(track, file, usize::MAX)
}

fn channels_from_track(track: &Track, file: &mut File, most: usize) -> Result<Sound, MediaError> {
    let mut decoder = decoder_for(track)?;
    let rate_hz = decoder.codec_params().sample_rate.unwrap_or(track.timescale);
    let channel_count = decoder.codec_params().channels.as_ref().map_or(1, symphonia::core::audio::Channels::count);
    let mut sound = Sound { rate_hz, channels: vec![Vec::new(); channel_count.min(most)] };
    for (number, packet) in track.samples.iter().enumerate() {
        if track.edit.end.is_some_and(|end| packet.composition >= end) {
            break;
        }
        file.seek(SeekFrom::Start(packet.offset))?;
        let mut bytes = vec![0; packet.size as usize];
        file.read_exact(&mut bytes)?;
        decode(decoder.as_mut(), &bytes, number, &mut sound)?;
        check_length(&sound)?;
    }
    aligned(track, &mut sound);
    Ok(sound)
}

fn decode(decoder: &mut dyn AudioDecoder, bytes: &[u8], number: usize, sound: &mut Sound) -> Result<(), MediaError> {
    let failed = |reason: String| MediaError::Packet { sample: number, reason };
    let packet = PacketRef::new(0, Timestamp::default(), Duration::default(), bytes);
    let decoded = caught(|| decoder.decode_ref(&packet).map(|buffer| sound.push(&buffer)));
    decoded.map_err(failed)?.map_err(|error| failed(error.to_string()))
}

/// Refuses to go on beyond [`LONGEST_SECS`].
pub(super) fn check_length(sound: &Sound) -> Result<(), MediaError> {
    let found_secs = sound.sample_count() as u64 / u64::from(sound.rate_hz.max(1));
    if found_secs > LONGEST_SECS {
        return Err(MediaError::TooLong { found_secs, limit_secs: LONGEST_SECS });
    }
    Ok(())
}

/// The two bytes that describe the stream are made again from what `re_mp4` read of them.
fn decoder_for(track: &Track) -> Result<Box<dyn AudioDecoder>, MediaError> {
    const AAC: u8 = 0x40;
    let unknown = |found: String| MediaError::SoundCodec { found };
    let StsdBoxContent::Mp4a(codec) = &track.codec else {
        return Err(unknown(track.codec_name()));
    };
    let Some(description) = &codec.esds else {
        return Err(unknown("mp4a without a description".to_owned()));
    };
    let config = &description.es_desc.dec_config;
    if config.object_type_indication != AAC {
        return Err(unknown(format!("mp4a of type {:#04x}", config.object_type_indication)));
    }
    let stream = &config.dec_specific;
    let bytes = [stream.profile << 3 | stream.freq_index >> 1, stream.freq_index << 7 | stream.chan_conf << 3];
    let mut parameters = AudioCodecParameters::new();
    parameters.for_codec(CODEC_ID_AAC).with_extra_data(Box::new(bytes));
    let options = AudioDecoderOptions::default();
    let made =
        caught(|| symphonia::default::get_codecs().make_audio_decoder(&parameters, &options)).map_err(unknown)?;
    made.map_err(|_| unknown(format!("AAC of type {} with channel layout {}", stream.profile, stream.chan_conf)))
}

/// Moves sample 0 to time 0 of the movie: takes out the encoder's lead, or puts silence in front.
fn aligned(track: &Track, sound: &mut Sound) {
    let in_samples = |ticks: i64| {
        let samples = i128::from(ticks) * i128::from(sound.rate_hz) / i128::from(track.timescale);
        samples.clamp(0, i128::from(u64::from(sound.rate_hz) * LONGEST_SECS)) as usize
    };
    let first = track.samples.first().map_or(0, |packet| packet.composition);
    let lead = in_samples(track.edit.start.saturating_sub(first));
    let silence = in_samples(track.edit.delay.saturating_add(first.saturating_sub(track.edit.start).max(0)));
    for channel in &mut sound.channels {
        channel.drain(..lead.min(channel.len()));
        channel.splice(0..0, std::iter::repeat_n(0.0, silence));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mono_is_the_mean_and_one_channel_stays() {
        let stereo = Sound { rate_hz: 2, channels: vec![vec![0.5, 1.0], vec![-0.5, 0.0]] };
        assert_eq!(stereo.mono(), [0.0, 0.5]);
        let one = Sound { rate_hz: 2, channels: vec![vec![0.25]] };
        assert_eq!(one.mono(), [0.25]);
    }

    #[test]
    fn channels_of_a_moment_lie_together_and_full_scale_is_cut() {
        let stereo = Sound { rate_hz: 2, channels: vec![vec![0.5, 1.0], vec![-1.0, 0.0]] };
        assert_eq!(stereo.interleaved_i16(), [16384, -32768, 32767, 0]);
    }
}
