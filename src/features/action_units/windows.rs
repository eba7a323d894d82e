//! Windows of 7x7 tokens: cut, put back, shifted, and who stands where in them.

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::{WINDOW, side_of};

/// Tokens of a window.
const TOKENS: usize = WINDOW * WINDOW;
/// Odd blocks shift the grid by this many tokens, so that their windows straddle those of even blocks.
const SHIFT: usize = WINDOW / 2;
/// Added to scores between tokens that are neighbours only because the shifted grid wraps round.
const APART: f32 = -100.0;

/// The grid moved up and to the left, or back.
///
/// # Shapes
/// - `tokens`: `[batch, tokens, channels]`
/// - returns: the same
pub(super) fn rolled(tokens: Tensor<3>, back: bool) -> Tensor<3> {
    let [batch, count, channels] = tokens.dims();
    let side = side_of(count);
    let shift = if back { SHIFT as i64 } else { -(SHIFT as i64) };
    tokens.reshape([batch, side, side, channels]).roll(&[shift, shift], &[1, 2]).reshape([batch, count, channels])
}

/// # Shapes
/// - `tokens`: `[batch, tokens, channels]`
/// - returns: `[batch * windows, 49, channels]`
pub(super) fn windows_from_tokens(tokens: Tensor<3>) -> Tensor<3> {
    let [batch, count, channels] = tokens.dims();
    let across = side_of(count) / WINDOW;
    let grid: Tensor<6> = tokens.reshape([batch, across, WINDOW, across, WINDOW, channels]);
    grid.swap_dims(2, 3).reshape([batch * across * across, TOKENS, channels])
}

/// # Shapes
/// - `windows`: `[batch * windows, 49, channels]`
/// - returns: `[batch, tokens, channels]`
pub(super) fn tokens_from_windows(windows: Tensor<3>, batch: usize) -> Tensor<3> {
    let [count, _, channels] = windows.dims();
    let across = side_of(count / batch);
    let grid: Tensor<6> = windows.reshape([batch, across, across, WINDOW, WINDOW, channels]);
    grid.swap_dims(2, 3).reshape([batch, across * across * TOKENS, channels])
}

/// Which row of the table of position biases each pair of tokens reads.
///
/// # Shapes
/// - returns: `[49 * 49]`, query first
pub(super) fn bias_rows(device: &Device) -> Tensor<1, Int> {
    let place = |token: usize| (token / WINDOW, token % WINDOW);
    let row = |query: usize, key: usize| {
        let ((query_y, query_x), (key_y, key_x)) = (place(query), place(key));
        (query_y + WINDOW - 1 - key_y) * (2 * WINDOW - 1) + (query_x + WINDOW - 1 - key_x)
    };
    let rows: Vec<i64> = (0..TOKENS).flat_map(|query| (0..TOKENS).map(move |key| row(query, key) as i64)).collect();
    Tensor::from_data(TensorData::new(rows, [TOKENS * TOKENS]), device)
}

/// What is added to the scores in the windows of a shifted grid.
///
/// # Shapes
/// - returns: `[windows, 1, 49, 49]`
pub(super) fn shift_mask(tokens: usize, device: &Device) -> Tensor<4> {
    let side = side_of(tokens);
    let across = side / WINDOW;
    // Rows, and columns likewise: inside, before the seam, behind it.
    let part = |place: usize| usize::from(place >= side - WINDOW) + usize::from(place >= side - SHIFT);
    let region = |window: usize, token: usize| {
        let (y, x) = (window / across * WINDOW + token / WINDOW, window % across * WINDOW + token % WINDOW);
        3 * part(y) + part(x)
    };
    let mut values = Vec::with_capacity(across * across * TOKENS * TOKENS);
    for window in 0..across * across {
        for query in 0..TOKENS {
            let own = region(window, query);
            values.extend((0..TOKENS).map(|key| if region(window, key) == own { 0.0 } else { APART }));
        }
    }
    Tensor::from_data(TensorData::new(values, [across * across, 1, TOKENS, TOKENS]), device)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(batch: usize, side: usize) -> Tensor<3> {
        let values: Vec<f32> = (0..batch * side * side).map(|value| value as f32).collect();
        Tensor::from_data(TensorData::new(values, [batch, side * side, 1]), &Device::flex())
    }

    fn values(tensor: Tensor<3>) -> Vec<f32> {
        tensor.into_data().try_into_vec().unwrap()
    }

    #[test]
    fn windows_are_cut_rows_first_and_put_back() {
        let windows = windows_from_tokens(numbered(2, 14));
        assert_eq!(windows.dims(), [8, 49, 1]);
        // the second window begins at column 7, its second row at 14 + 7
        let second = values(windows.clone().slice([1..2, 0..8]));
        assert_eq!(second, [7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 21.0]);
        assert_eq!(values(tokens_from_windows(windows, 2)), values(numbered(2, 14)));
    }

    #[test]
    fn a_shift_moves_the_fourth_row_and_column_to_the_first() {
        let shifted = rolled(numbered(1, 14), false);
        assert_eq!(values(shifted.clone())[..1], [3.0 * 14.0 + 3.0]);
        assert_eq!(values(rolled(shifted, true)), values(numbered(1, 14)));
    }

    #[test]
    fn bias_rows_go_from_key_to_query() {
        let rows = bias_rows(&Device::flex()).into_data().convert::<i64>().try_into_vec::<i64>().unwrap();
        // a token and itself: the middle of 13x13; the first token and the last: the first row
        assert_eq!([rows[0], rows[48], rows[48 * 49]], [84, 0, 168]);
    }

    #[test]
    fn only_windows_at_the_seam_are_masked() {
        let mask = shift_mask(14 * 14, &Device::flex()).into_data().try_into_vec::<f32>().unwrap();
        let (first, last) = (&mask[..49 * 49], &mask[3 * 49 * 49..]);
        let picked: Vec<f32> = [0, 3, 4, 4 * 7].map(|key| last[key]).to_vec();
        assert!(first.iter().all(|value| *value == 0.0));
        // in the last window, rows and columns 0 to 3 stand before the seam, 4 to 6 behind it
        assert_eq!(picked, [0.0, 0.0, APART, APART]);
    }
}
