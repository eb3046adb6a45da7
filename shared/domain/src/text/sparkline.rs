//! Counts over time in one line of text.

const MARKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Most marks of a line; a phone shows some forty characters.
const MOST: usize = 30;

/// One mark for each count, or for the sum of several if they are many: the highest is `█`, and `·`
/// is none at all.
pub(crate) fn sparkline(counts: &[f64]) -> String {
    let each = counts.len().div_ceil(MOST).max(1);
    let sums: Vec<f64> = counts.chunks(each).map(|chunk| chunk.iter().sum()).collect();
    let highest = sums.iter().copied().fold(0.0, f64::max);
    sums.iter().map(|&sum| mark(sum, highest)).collect()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share from 0 to 1, of eight marks"
)]
fn mark(value: f64, highest: f64) -> char {
    if value <= 0.0 || highest <= 0.0 {
        return '·';
    }
    MARKS[((value / highest * 8.0).ceil() as usize).clamp(1, 8) - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_is_full_and_none_is_a_dot() {
        assert_eq!(sparkline(&[0.0, 1.0, 4.0, 8.0, 7.0]), "·▁▄█▇");
        assert_eq!(sparkline(&[0.0, 0.0]), "··");
        assert_eq!(sparkline(&[]), "");
        assert_eq!(sparkline(&[1.0; 60]).chars().count(), 30);
    }
}
