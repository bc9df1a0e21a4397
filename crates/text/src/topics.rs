//! What a model says of terms and documents.

use orthant::Real;

/// The terms that weigh most in a topic, the heaviest first: at most `n` columns with their entries of `component`, a row of
/// H. Terms of equal weight stand in the order of their columns; those of weight 0 are no part of the topic.
///
/// ```
/// use orthant_text::top_terms;
/// assert_eq!(top_terms(&[0.5, 0.0, 2.0, 0.5], 2), [(2, 2.0), (0, 0.5)]);
/// assert_eq!(top_terms(&[0.5, 0.0, 2.0, 0.5], 9), [(2, 2.0), (0, 0.5), (3, 0.5)]);
/// ```
pub fn top_terms<T: Real>(component: &[T], n: usize) -> Vec<(usize, T)> {
    largest(component, n)
}

/// The topics that weigh most in a document, the heaviest first: at most `n`, with their entries of `weights`, a row of W.
/// Topics of equal weight stand in their order; those of weight 0 are not in the document.
///
/// ```
/// use orthant_text::top_topics;
/// assert_eq!(top_topics(&[0.0_f32, 0.25, 0.75], 1), [(2, 0.75)]);
/// assert_eq!(top_topics(&[0.0_f32; 3], 1), []);
/// ```
pub fn top_topics<T: Real>(weights: &[T], n: usize) -> Vec<(usize, T)> {
    largest(weights, n)
}

/// The largest entries above 0, with their places.
fn largest<T: Real>(row: &[T], n: usize) -> Vec<(usize, T)> {
    let mut out: Vec<_> = row.iter().copied().enumerate().filter(|(_, x)| *x > T::ZERO).collect();
    out.sort_by(|(_, x), (_, y)| y.partial_cmp(x).expect("what is above 0 is a number"));
    out.truncate(n);
    out
}
