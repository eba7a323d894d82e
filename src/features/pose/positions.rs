//! Where a token stands: sines and cosines, fixed.

/// Wave lengths go from 2π to 2π times this.
const LONGEST: f64 = 10_000.0;

/// Sine at even channels, cosine at odd ones; made in f64.
///
/// # Shapes
/// - returns: `[tokens, width]`, row-major
pub fn position_table(tokens: usize, width: usize) -> Vec<f32> {
    let angle = |token: usize, channel: usize| {
        let pair = channel / 2;
        token as f64 / LONGEST.powf(2.0 * pair as f64 / width as f64)
    };
    let value = |token: usize, channel: usize| {
        let angle = angle(token, channel);
        if channel.is_multiple_of(2) { angle.sin() } else { angle.cos() }
    };
    (0..tokens).flat_map(|token| (0..width).map(move |channel| value(token, channel) as f32)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sines_and_cosines_alternate() {
        let table = position_table(3, 4);
        assert_eq!(table[..4], [0.0, 1.0, 0.0, 1.0]);
        // token 2: sin 2, cos 2, sin 0.02, cos 0.02, since 10000^(2/4) = 100
        let expected = [2.0_f64.sin(), 2.0_f64.cos(), 0.02_f64.sin(), 0.02_f64.cos()];
        table[8..]
            .iter()
            .zip(expected)
            .for_each(|(value, expected)| assert!((f64::from(*value) - expected).abs() < 1e-7));
    }
}
