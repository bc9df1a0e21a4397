//! A loss curve in text.

use std::fmt::Write;

use orthant::HistoryPoint;

const WIDTH: usize = 60;
const HEIGHT: usize = 12;

/// The objective over the iterations, both on logarithmic scales.
pub fn draw(history: &[HistoryPoint]) -> String {
    let (Some(first), Some(last)) = (history.first(), history.last()) else { return String::new() };
    let level = |x: f64| x.max(f64::MIN_POSITIVE).ln();
    let values = history.iter().map(|p| level(p.objective));
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), x| (lo.min(x), hi.max(x)));
    let place = |x: f64, low: f64, high: f64, cells: usize| {
        if high > low { ((x - low) / (high - low) * (cells - 1) as f64).round() as usize } else { 0 }
    };
    let (start, end) = ((first.iteration as f64).ln(), (last.iteration as f64).ln());
    let mut cells = vec![[' '; WIDTH]; HEIGHT];
    for p in history {
        let x = place((p.iteration as f64).ln(), start, end, WIDTH);
        let y = HEIGHT - 1 - place(level(p.objective), low, high, HEIGHT);
        cells[y][x] = '•';
    }
    let mut text = String::from("loss\n");
    for (y, row) in cells.iter().enumerate() {
        let label = match y {
            0 => format!("{:.3e}", high.exp()),
            _ if y == HEIGHT - 1 => format!("{:.3e}", low.exp()),
            _ => String::new(),
        };
        let line: String = row.iter().collect();
        let _ = writeln!(text, "{label:>10} │{}", line.trim_end());
    }
    let _ = writeln!(text, "{:>10} └{}", "", "─".repeat(WIDTH));
    let (from, to) = (first.iteration.to_string(), format!("{} iterations", last.iteration));
    let _ = writeln!(text, "{:>11} {from}{to:>w$}", "", w = WIDTH - from.len());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn falls_from_the_upper_left_to_the_lower_right() {
        let point = |i: usize| HistoryPoint {
            iteration: i,
            objective: 1e6 / i as f64,
            restarted: false,
            seconds: 0.0,
        };
        let text = draw(&(1..=100).map(point).collect::<Vec<_>>());
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), HEIGHT + 3);
        assert_eq!(lines[1], "   1.000e6 │•");
        assert!(lines[HEIGHT].starts_with("   1.000e4 │") && lines[HEIGHT].ends_with('•'));
        assert!(lines[HEIGHT + 2].ends_with("100 iterations"));
        // a fit of one iteration, or of nothing
        assert!(draw(&[point(1)]).contains('•'));
        assert_eq!(draw(&[]), "");
    }
}
