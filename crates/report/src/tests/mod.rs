//! What holds for every report, and names that mean harm.

use roxmltree::{Document, Node, ParsingOptions};

use crate::{Report, figures};

mod fit;
mod study;

/// Names that are markup, invisible, very long, or all of it.
const HOSTILE: [&str; 7] = [
    "</text><script>alert(1)</script>",
    "a & b < c > d \" e ' f ]]> -->",
    "nul\u{0} bell\u{7} escape\u{1b}[2J\r\n\ttab",
    "right\u{202e}to left\u{2066} and \u{feff}\u{ffff}\u{fffe}",
    "WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW",
    "一二三四五六七八九十一二三四五六七八九十一二三四五六七八九十一二三四五六七八九十一二三四五六七八九十一二三四五六七八九十",
    "",
];

/// Numbers from 0 to 1 that look drawn.
fn drawn(e: usize) -> f64 {
    (((e as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20) % 100_003) as f64 / 100_003.0
}

fn parse(text: &str) -> Document<'_> {
    Document::parse_with_options(text, ParsingOptions { allow_dtd: true, ..ParsingOptions::default() })
        .unwrap_or_else(|e| panic!("{e}: {}", &text[..text.len().min(300)]))
}

/// Holds if a page and its figures are XML that loads nothing and runs nothing.
#[track_caller]
fn is_well_formed(name: &str, report: &Report) {
    let page = parse(report.html());
    let elements = || page.descendants().filter(Node::is_element);
    assert!(
        elements().all(|node| !["script", "link", "iframe", "object"].contains(&node.tag_name().name())),
        "{name}"
    );
    for node in elements() {
        for attribute in node.attributes() {
            let loads = ["href", "src", "data", "style"].contains(&attribute.name());
            let inside =
                attribute.value().starts_with("data:image/png;base64,") || attribute.name() == "style";
            assert!(!loads || inside, "{name}: {}", attribute.value());
            assert!(!attribute.name().starts_with("on"), "{name}: {}", attribute.name());
        }
    }
    let style = elements().find(|node| node.has_tag_name(("http://www.w3.org/1999/xhtml", "style"))).unwrap();
    assert!(!style.text().unwrap().contains("url(") && !style.text().unwrap().contains("@import"));
    for figure in report.figures() {
        assert!(figures::NAMES.contains(&figure.name));
        let text = figure.standalone();
        let svg = parse(&text);
        assert_eq!(svg.root_element().tag_name().name(), "svg", "{name}: {}", figure.name);
        assert!(!svg.descendants().any(|node| node.has_tag_name("script")));
    }
}

/// The widths of the characters from the space to the tilde in DejaVu Sans, one of the widest fonts that browsers show pages in, in
/// thousandths of its size.
const DEJAVU: [u16; 95] = [
    318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 318, 337, 636, 636, 636, 636, 636,
    636, 636, 636, 636, 636, 337, 337, 838, 838, 838, 531, 1000, 684, 686, 698, 770, 632, 575, 775, 752, 295,
    295, 656, 557, 863, 748, 787, 603, 787, 695, 635, 611, 732, 684, 989, 685, 611, 685, 390, 337, 390, 838,
    500, 500, 613, 635, 550, 635, 615, 352, 635, 634, 278, 278, 579, 278, 974, 634, 612, 635, 635, 411, 521,
    392, 634, 592, 818, 592, 592, 525, 636, 337, 636, 838,
];

/// What is shortened to fit, fits in that font too.
#[test]
fn no_letter_is_taken_for_narrower_than_it_is() {
    for (c, width) in (' '..='~').zip(DEJAVU) {
        assert!(crate::text::width(&c.to_string(), 1000.0) >= f64::from(width), "{c}");
    }
}

/// The box of a text: left, top, right, bottom.
fn text_box(node: Node<'_, '_>) -> (f64, f64, f64, f64) {
    let number = |name: &str| node.attribute(name).unwrap().parse::<f64>().unwrap();
    let text: String = node.children().filter(Node::is_text).filter_map(|n| n.text()).collect();
    let size = number("font-size");
    let letter =
        |c: char| DEJAVU.get((c as usize).wrapping_sub(32)).map_or(1.0, |&width| f64::from(width) / 1000.0);
    let wide: f64 = text.chars().map(|c| letter(c) * size).sum();
    let left = match node.attribute("text-anchor") {
        None => number("x"),
        Some("middle") => number("x") - wide / 2.0,
        _ => number("x") - wide,
    };
    (left, number("y") - 0.75 * size, left + wide, number("y") + 0.2 * size)
}

/// Holds if no label of a figure is over another one or beyond its edges.
#[track_caller]
fn labels_are_apart(name: &str, report: &Report) {
    for figure in report.figures() {
        let svg = parse(&figure.svg);
        let size = |name: &str| svg.root_element().attribute(name).unwrap().parse::<f64>().unwrap();
        let (wide, high) = (size("width"), size("height"));
        let texts = svg.descendants().filter(|node| node.tag_name().name() == "text");
        let boxes: Vec<_> =
            texts.map(|node| (node.text().unwrap_or("").to_owned(), text_box(node))).collect();
        for (at, (text, (left, top, right, bottom))) in boxes.iter().enumerate() {
            let inside = *left >= -1.0 && *top >= -1.0 && *right <= wide + 1.0 && *bottom <= high + 1.0;
            assert!(inside, "{name}: {}: {text} at {left} {top} {right} {bottom} of {high}", figure.name);
            for (other, b) in &boxes[..at] {
                let apart = *right <= b.0 || b.2 <= *left || *bottom <= b.1 || b.3 <= *top;
                assert!(apart, "{name}: {}: {text} over {other}", figure.name);
            }
        }
    }
}
