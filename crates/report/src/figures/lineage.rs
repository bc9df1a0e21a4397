//! How the components of a rank divide into those of the next.

use orthant_study::{ComponentRow, Thresholds};

use super::{AREAS, Supports};
use crate::svg::{Anchor, SMALL, Sample, Svg, TEXT, WIDTH};

/// The components of a rank, and their cosines with those of the rank before.
#[derive(Clone, Debug, PartialEq)]
pub struct Generation {
    /// How many components there are.
    pub k: usize,
    /// How well each is found again.
    pub components: Vec<ComponentRow>,
    /// A row for each component of it with a number for each component of the rank before; empty at the first.
    pub cosines: Vec<Vec<f64>>,
    /// The numbers that components have in the other figures, where that is this rank's.
    pub numbers: Vec<Option<usize>>,
}

/// Cosines from which a component is drawn as made of another besides its nearest.
pub const ALIKE: f64 = 0.5;

const TOP: f64 = 34.0;
const NODE: f64 = 12.0;

/// A column of components for each rank, with a band to each from the one before that is most like it.
pub fn draw(generations: &[Generation], chosen: Option<usize>, thresholds: &Thresholds) -> String {
    let most = generations.iter().map(|g| g.k).max().unwrap_or(1) as f64;
    let pitch = (320.0 / most).clamp(8.0, 26.0);
    let high = pitch * most;
    let mut svg = Svg::new(TOP + high + 44.0, "How components divide as their number grows");
    svg.text((0.0, 12.0), Anchor::Start, TEXT, "text", "components k");
    let step = (WIDTH - NODE - 40.0) / (generations.len().max(2) - 1) as f64;
    let x = |g: usize| 20.0 + g as f64 * step;
    let orders: Vec<Vec<usize>> = orders(generations);
    let y = |g: usize, place: usize| {
        let k = generations[g].k as f64;
        TOP + (high - pitch * k) / 2.0 + pitch * (place as f64 + 0.5)
    };
    let place = |g: usize, c: usize| orders[g].iter().position(|&of| of == c).unwrap_or(0);
    for (g, generation) in generations.iter().enumerate().skip(1) {
        for (c, cosines) in generation.cosines.iter().enumerate() {
            let nearest = nearest(cosines);
            for (parent, &cosine) in cosines.iter().enumerate() {
                if cosine >= ALIKE || Some(parent) == nearest && cosine > 0.0 {
                    let from = (x(g - 1) + NODE, y(g - 1, place(g - 1, parent)));
                    let thick = (cosine.min(1.0).powi(2) * 0.6 * pitch).max(0.5);
                    svg.flow(from, (x(g), y(g, place(g, c))), thick, "flow");
                }
            }
        }
    }
    let supports = Supports::new(thresholds.support);
    for (g, generation) in generations.iter().enumerate() {
        let class = if chosen == Some(generation.k) { "text" } else { "muted" };
        svg.text((x(g) + NODE / 2.0, TOP - 6.0), Anchor::Middle, SMALL, class, &generation.k.to_string());
        for (place, &c) in orders[g].iter().enumerate() {
            let middle = y(g, place);
            let class = AREAS[supports.class(generation.components.get(c).map_or(0.0, |c| c.support))];
            svg.rect((x(g), middle - 0.4 * pitch), (NODE, 0.8 * pitch), class);
            let number = generation.numbers.get(c).copied().flatten().filter(|_| pitch > SMALL + 1.0);
            if let Some(number) = number {
                let at = (x(g) - 3.0, middle + 3.5);
                svg.text(at, Anchor::End, SMALL, "text halo", &number.to_string());
            }
        }
    }
    let words = supports.words();
    let entries: Vec<(Sample, &str)> =
        AREAS.into_iter().zip(&words).rev().map(|(class, words)| (Sample::Area(class), &**words)).collect();
    svg.legend((0.0, TOP + high + 22.0), &entries);
    svg.finish()
}

/// The most alike, and the first of equal ones.
fn nearest(cosines: &[f64]) -> Option<usize> {
    (0..cosines.len()).reduce(|best, c| if cosines[c] > cosines[best] { c } else { best })
}

/// The components of each rank from top to bottom: where the mean of the places of those before, weighted by the fourth powers of cosines, is.
fn orders(generations: &[Generation]) -> Vec<Vec<usize>> {
    let mut orders: Vec<Vec<usize>> = Vec::new();
    for generation in generations {
        let mut order: Vec<usize> = (0..generation.k).collect();
        if let Some(before) = orders.last().filter(|_| generation.cosines.len() == generation.k) {
            let mean = |c: usize| {
                let weights = before.iter().map(|&parent| generation.cosines[c][parent].max(0.0).powi(4));
                let (mut sum, mut all) = (0.0, 0.0);
                for (place, weight) in weights.enumerate() {
                    sum += weight * place as f64;
                    all += weight;
                }
                if all > 0.0 { sum / all } else { before.len() as f64 }
            };
            let means: Vec<f64> = order.iter().map(|&c| mean(c)).collect();
            order.sort_by(|&a, &b| means[a].total_cmp(&means[b]));
        }
        orders.push(order);
    }
    orders
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_are_beside_their_parents() {
        let row = ComponentRow { silhouette: 1.0, support: 1.0 };
        let of = |k: usize, cosines: Vec<Vec<f64>>| Generation {
            k,
            components: vec![row; k],
            cosines,
            numbers: vec![],
        };
        let second = vec![vec![0.1, 0.9], vec![1.0, 0.0], vec![0.0, 1.0]];
        let third = vec![vec![0.0, 0.0, 1.0], vec![0.9, 0.0, 0.0], vec![0.0, 0.8, 0.0], vec![0.0; 3]];
        let found = orders(&[of(2, vec![]), of(3, second), of(4, third)]);
        assert_eq!(found, [vec![0, 1], vec![1, 0, 2], vec![2, 1, 0, 3]]);
        assert_eq!(nearest(&[0.2, 0.5, 0.5]), Some(1));
    }
}
