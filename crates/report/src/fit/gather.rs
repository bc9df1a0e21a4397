//! What the report of a fit shows, as plain data.

use orthant::{Dense, Fit};
use orthant_io::Scalar;

use super::about::{AboutFit, Pictures, Subject};
use crate::contributions::Contributions;
use crate::figures::features::{Feature, Strongest};
use crate::figures::pictures::Picture;
use crate::figures::profiles::Profile;
use crate::figures::shares::Share;
use crate::figures::usage::Usage;
use crate::raster::{self, Size};
use crate::text::{aligned, percent};

/// The most components that are drawn.
pub const DRAWN: usize = 60;
/// Samples that stand for a component.
const TYPICAL: usize = 3;
/// Characters of a text.
const EXCERPT: usize = 160;
/// Features of less than this share of the strongest one's weight are nothing to know a component by.
const LEAST: f64 = 1e-3;
/// Levels of all pictures together: what keeps a page small.
const LEVELS: usize = 600_000;
/// Columns from which names that are numbers are taken for an axis, and how much further than is usual two may be apart on it.
const PLACES: usize = 8;
const APART: f64 = 10.0;

/// All that a report of a fit shows.
pub struct Content<'a> {
    pub about: AboutFit<'a>,
    pub report: &'a orthant::Report,
    /// Rows and columns of the data, and the components.
    pub shape: (usize, usize, usize),
    pub precision: String,
    /// Of each component that is drawn.
    pub shares: Vec<Share>,
    pub look: Look,
    pub usage: Vec<Usage>,
    pub typical: Vec<(usize, Vec<Typical>)>,
    /// Components that contribute nothing.
    pub empty: Vec<usize>,
}

/// What components look like.
pub enum Look {
    /// By the features that weigh most in them.
    Features(Vec<Strongest>),
    /// As curves over places that ascend.
    Profiles(Vec<f64>, Vec<Profile>),
    /// As pictures of this size.
    Pictures(Size, Vec<Picture>),
}

/// A sample that has much of a component and little else.
pub struct Typical {
    pub name: String,
    /// How much of it the component is.
    pub share: f64,
    /// How its text begins.
    pub text: Option<String>,
}

/// Collects it.
pub fn content<'a, T: Scalar>(fit: &'a Fit<T>, about: &AboutFit<'a>) -> Content<'a> {
    let (w, h) = (&fit.w, fit.model.components());
    let (m, n, k) = (w.nrows(), h.ncols(), h.nrows());
    // names that are not those of the data are none
    let named = |names: Option<&'a [String]>, len: usize| names.filter(|names| names.len() == len);
    let about = AboutFit {
        features: named(about.features, n),
        samples: named(about.samples, m),
        texts: about.texts.filter(|texts| texts.len() == m),
        pictures: about.pictures.filter(|pictures| pictures.fits(m, n)),
        known: if about.known.len() == k { about.known } else { &[] },
        ..*about
    };
    let given = Contributions::new(w, h);
    let totals: Vec<f64> = (0..k).map(|t| (0..m).map(|i| given.of(i, t)).sum()).collect();
    let all: f64 = totals.iter().sum();
    let share = |t: usize| if all > 0.0 { totals[t] / all } else { 0.0 };
    let mut drawn = largest(k, DRAWN, |t| totals[t]);
    // those of zeros, too, where there is room
    let empty: Vec<usize> = (0..k).filter(|&t| totals[t] <= 0.0).collect();
    drawn.extend(empty.iter().take(DRAWN - drawn.len()));
    drawn.sort_unstable();
    let shares: Vec<Share> = drawn
        .iter()
        .map(|&t| {
            let known = about.known.get(t).is_some_and(|known| known.of_h + known.of_w > 0);
            Share { component: t, share: share(t), known }
        })
        .collect();
    let labels = given.labels();
    Content {
        report: &fit.report,
        shape: (m, n, k),
        precision: T::PRECISION.to_string(),
        look: look(w, h, &about, &given, &shares),
        usage: given.usage(&drawn, &labels),
        typical: typical(&given, &about, &drawn, m),
        shares,
        empty,
        about,
    }
}

fn look<T: Scalar>(
    w: &Dense<T>,
    h: &Dense<T>,
    about: &AboutFit<'_>,
    given: &Contributions<'_, T>,
    shares: &[Share],
) -> Look {
    let heading = |of: &Share| {
        let known = if of.known { " (known)" } else { "" };
        format!("{} {}{known}, {} of W·H", about.subject.component(), of.component, percent(of.share))
    };
    if let Some(pictures) = about.pictures {
        let size = small(pictures.size(), shares.len());
        let picture = |of: &Share| {
            let known = if of.known { " (known)" } else { "" };
            let levels = levels(w, h, pictures, size, of.component);
            Picture {
                label: format!("{}{known}: {}", of.component, aligned(of.share)),
                png: raster::png(size, &levels),
            }
        };
        return Look::Pictures(size, shares.iter().map(picture).collect());
    }
    if let Some(order) = about.features.filter(|_| about.subject == Subject::Components).and_then(places) {
        let profile = |of: &Share| Profile {
            heading: heading(of),
            weights: order.iter().map(|&(_, j)| h[(of.component, j)].to_f64()).collect(),
        };
        let profiles = shares.iter().map(profile).collect();
        return Look::Profiles(order.into_iter().map(|(place, _)| place).collect(), profiles);
    }
    let most = match shares.len() {
        0..=6 => 10,
        7..=16 => 8,
        17..=32 => 5,
        _ => 4,
    };
    let strongest = |of: &Share| {
        let (row, sum) = (h.row(of.component), given.sums()[of.component]);
        let order = largest(row.len(), most, |j| row[j].to_f64());
        let first = order.first().map_or(0.0, |&j| row[j].to_f64());
        let feature = |j: usize| Feature {
            name: about
                .features
                .map_or_else(|| format!("{} {j}", about.subject.feature()), |names| names[j].clone()),
            share: row[j].to_f64() / sum,
            quartiles: None,
        };
        let strong = order.into_iter().filter(|&j| row[j].to_f64() >= LEAST * first);
        Strongest { heading: heading(of), features: strong.map(feature).collect() }
    };
    Look::Features(shares.iter().map(strongest).collect())
}

/// The size of a picture among so many.
fn small(size: Size, count: usize) -> Size {
    let side = (LEVELS as f64 / (count.max(1) * size.channels) as f64).sqrt();
    size.within(side.clamp(16.0, 160.0) as usize)
}

/// A component as a picture of a size: its row of H, or, where the data is one picture, its part of that.
fn levels<T: Scalar>(w: &Dense<T>, h: &Dense<T>, pictures: Pictures, to: Size, t: usize) -> Vec<f64> {
    let size = pictures.size();
    let row = h.row(t);
    if pictures.in_each_row {
        let at =
            |y: usize, x: usize, channel: usize| row[(channel * size.rows + y) * size.columns + x].to_f64();
        return raster::shrunk(size, to, at);
    }
    let down: Vec<f64> = (0..w.nrows()).map(|i| w[(i, t)].to_f64()).collect();
    let down = raster::shortened(&down, to.rows);
    let across: Vec<Vec<f64>> = (0..size.channels)
        .map(|channel| {
            let levels: Vec<f64> =
                row[channel * size.columns..][..size.columns].iter().map(|x| x.to_f64()).collect();
            raster::shortened(&levels, to.columns)
        })
        .collect();
    let mut all = Vec::with_capacity(to.pixels() * to.channels);
    for y in &down {
        for x in 0..to.columns {
            all.extend(across.iter().map(|across| y * across[x]));
        }
    }
    all
}

/// Numbers that the names of all columns are, in ascending order, each with its column: where these go up or down all the way, about
/// evenly. Other names that are numbers, such as those of genes, are names.
fn places(names: &[String]) -> Option<Vec<(f64, usize)>> {
    let number =
        |(j, name): (usize, &String)| Some((name.trim().parse().ok().filter(|x: &f64| x.is_finite())?, j));
    let mut places: Vec<(f64, usize)> = names.iter().enumerate().map(number).collect::<Option<_>>()?;
    if places.len() < PLACES {
        return None;
    }
    if places[0].0 > places[1].0 {
        places.reverse();
    }
    let mut steps: Vec<f64> = places.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    steps.sort_unstable_by(f64::total_cmp);
    let (least, middle, most) = (steps[0], steps[steps.len() / 2], steps[steps.len() - 1]);
    (least > 0.0 && most <= APART * middle).then_some(places)
}

/// The numbers of the largest values above 0, at most so many, the largest first, and of equal ones the first.
fn largest(count: usize, most: usize, value: impl Fn(usize) -> f64) -> Vec<usize> {
    let mut best: Vec<(usize, f64)> = Vec::new();
    for e in 0..count {
        let x = value(e);
        // with most of many no place is changed
        if x > 0.0 && (best.len() < most || best.last().is_some_and(|last| x > last.1)) {
            best.truncate(most - 1);
            best.insert(best.partition_point(|of| of.1 >= x), (e, x));
        }
    }
    best.into_iter().map(|(e, _)| e).collect()
}

/// The samples that have much of a component and little else: by what it gives to them times the share that this is.
fn typical<T: Scalar>(
    given: &Contributions<'_, T>,
    about: &AboutFit<'_>,
    drawn: &[usize],
    samples: usize,
) -> Vec<(usize, Vec<Typical>)> {
    let of = |&t: &usize| {
        let typical = |i: usize| Typical {
            name: about
                .samples
                .map_or_else(|| format!("{} {i}", about.subject.sample()), |names| names[i].clone()),
            share: given.share(i, t),
            text: about.texts.map(|texts| excerpt(texts[i])),
        };
        (
            t,
            largest(samples, TYPICAL, |i| given.of(i, t) * given.share(i, t))
                .into_iter()
                .map(typical)
                .collect(),
        )
    };
    drawn.iter().map(of).collect()
}

/// How a text begins, on one line.
fn excerpt(text: &str) -> String {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if line.chars().count() > EXCERPT {
            break;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        // one word can be a whole file
        line.extend(word.chars().take(EXCERPT + 1));
    }
    crate::text::clipped(&line, EXCERPT).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_places_where_they_are_about_even() {
        let of = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
            places(&names).map(|places| places.into_iter().map(|(place, _)| place).collect::<Vec<_>>())
        };
        assert_eq!(
            of(&["400", "401.5", "402", "403", "404", "405", "406", " 407 "]),
            Some(vec![400.0, 401.5, 402.0, 403.0, 404.0, 405.0, 406.0, 407.0])
        );
        assert_eq!(of(&["8", "7", "6", "5", "4", "3", "2", "1"]).unwrap()[0], 1.0);
        assert_eq!(of(&["1", "2", "3", "4", "5", "6", "7"]), None);
        assert_eq!(of(&["1", "2", "3", "4", "5", "6", "7", "7"]), None);
        assert_eq!(of(&["1", "2", "3", "4", "5", "6", "7", "gene"]), None);
        assert_eq!(of(&["1", "2", "3", "4", "5", "6", "7", "inf"]), None);
        // numbers of genes
        assert_eq!(of(&["1", "2", "9", "10", "12", "13", "14", "7157"]), None);
    }

    #[test]
    fn the_largest_come_first_and_equal_ones_in_order() {
        let values = [0.0, 2.0, 5.0, 2.0, 9.0, 0.0, 2.0];
        assert_eq!(largest(7, 4, |e| values[e]), [4, 2, 1, 3]);
        assert_eq!(largest(7, 9, |e| values[e]), [4, 2, 1, 3, 6]);
        assert_eq!(largest(0, 4, |_| 1.0), [0; 0]);
    }

    #[test]
    fn excerpts_are_one_short_line() {
        assert_eq!(excerpt(" a\n\n b\tc "), "a b c");
        let long = excerpt(&"word ".repeat(100_000));
        assert!(long.starts_with("word word") && long.ends_with('…') && long.chars().count() <= EXCERPT + 1);
        assert!(excerpt(&"w".repeat(1 << 20)).len() < 200);
    }
}
