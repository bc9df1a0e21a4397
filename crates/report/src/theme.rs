//! The colours and the layout of pages and figures.

/// A rule of a figure: a class, its properties, and the colours on light and on dark, which stand for `$`.
const RULES: [(&str, &str, &str, &str); 27] = [
    ("text", "fill:$", "#1f2328", "#e6edf3"),
    ("muted", "fill:$", "#59636e", "#9da7b1"),
    ("halo", "paint-order:stroke;stroke-width:3;stroke-opacity:.8;stroke:$", "#fff", "#0d1117"),
    ("frame", "fill:none;stroke:$", "#8c959f", "#6e7681"),
    ("grid", "stroke:$", "#dfe3e8", "#2b3138"),
    ("chosen", "fill:$", "#ffe9a8", "#544200"),
    ("candidate", "fill:$", "#edf0f3", "#22272e"),
    ("line-a", "fill:none;stroke-width:2;stroke:$", "#0969da", "#58a6ff"),
    ("line-b", "fill:none;stroke-width:2;stroke:$", "#bc4c00", "#f0883e"),
    ("line-c", "fill:none;stroke-width:2;stroke:$", "#1a7f37", "#3fb950"),
    ("dash-a", "fill:none;stroke-dasharray:5 4;stroke:$", "#0969da", "#58a6ff"),
    ("dash-b", "fill:none;stroke-dasharray:5 4;stroke:$", "#bc4c00", "#f0883e"),
    ("dash-c", "fill:none;stroke-dasharray:2 4;stroke-width:2;stroke:$", "#1a7f37", "#3fb950"),
    ("area-a", "fill-opacity:.25;fill:$", "#0969da", "#58a6ff"),
    ("fill-a", "fill:$", "#0969da", "#58a6ff"),
    ("fill-b", "fill:$", "#bc4c00", "#f0883e"),
    ("fill-c", "fill:$", "#1a7f37", "#3fb950"),
    ("whisker", "stroke-width:1.5;stroke:$", "#1f2328", "#e6edf3"),
    ("s0", "fill:$", "#cf222e", "#ff7b72"),
    ("s1", "fill:$", "#bf8700", "#e3b341"),
    ("s2", "fill:$", "#54aeff", "#388bfd"),
    ("s3", "fill:$", "#0a3069", "#b6e3ff"),
    ("t0", "fill:none;stroke-width:3;stroke-opacity:.85;stroke:$", "#cf222e", "#ff7b72"),
    ("t1", "fill:none;stroke-width:3;stroke-opacity:.85;stroke:$", "#bf8700", "#e3b341"),
    ("t2", "fill:none;stroke-width:3;stroke-opacity:.85;stroke:$", "#54aeff", "#388bfd"),
    ("t3", "fill:none;stroke-width:3;stroke-opacity:.85;stroke:$", "#0a3069", "#b6e3ff"),
    ("flow", "fill:none;stroke-opacity:.45;stroke:$", "#6e7781", "#8b949e"),
];

/// The layout of the page, without colours.
const PAGE: &str = "\
body{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:0 auto;padding:1rem}\
h1{font-size:1.5rem;line-height:1.2}h2{font-size:1.2rem;margin:2.2rem 0 .4rem}p{margin:.5rem 0}\
.answer{font-size:1.15rem;padding:.8rem 1rem;border-left:.3rem solid;overflow-wrap:anywhere}\
figure{margin:1rem 0}figcaption{font-size:.9rem;margin-top:.3rem}\
.wide{overflow-x:auto}.wide svg{display:block;width:100%;min-width:33rem;height:auto}figure.map svg{min-width:0;max-width:36rem}\
table{border-collapse:collapse;font-size:.78rem;font-variant-numeric:tabular-nums}\
th,td{padding:.2rem .38rem;text-align:right;border-bottom:1px solid;white-space:nowrap;vertical-align:top}\
th.name,td.name{min-width:7rem;text-align:left;white-space:normal;overflow-wrap:anywhere}\
pre{overflow-x:auto;padding:.6rem;font-size:.85rem;white-space:pre-wrap;overflow-wrap:anywhere}\
li{overflow-wrap:anywhere}dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem}dd{overflow-wrap:anywhere;margin:0}dt{font-weight:600}";

/// The page's colours.
const LIGHT: &str = "\
body{background:#fff;color:#1f2328}a{color:#0969da}.answer{background:#fff8e1;border-color:#bf8700}\
figcaption,.note{color:#59636e}th,td{border-color:#dfe3e8}tr.chosen td{background:#fff3cd}pre{background:#f3f4f6}";
const DARK: &str = "\
body{background:#0d1117;color:#e6edf3}a{color:#58a6ff}.answer{background:#2b2300;border-color:#e3b341}\
figcaption,.note{color:#9da7b1}th,td{border-color:#2b3138}tr.chosen td{background:#3d3000}pre{background:#161b22}\
svg image.map{filter:invert(1) hue-rotate(180deg)}";
/// On paper nothing scrolls, and a figure is on one page where it can be.
const PRINT: &str = "\
body{max-width:none;font-size:11pt}.wide{overflow:visible}.wide svg{min-width:0;max-width:17cm}figure.map svg{max-width:12cm}\
table{font-size:7pt}th,td{padding:.1rem .25rem}figure.short,tr{break-inside:avoid}h2{break-after:avoid}";

fn rules(dark: bool) -> String {
    let rule = |&(class, properties, light, dark_one): &(&str, &str, &str, &str)| {
        format!(".{class}{{{}}}", properties.replace('$', if dark { dark_one } else { light }))
    };
    RULES.iter().map(rule).collect()
}

/// The style of a page.
pub fn page() -> String {
    let (light, dark) = (rules(false), rules(true));
    // what is printed is on white paper
    format!(
        "{PAGE}{LIGHT}{light}@media screen and (prefers-color-scheme:dark){{{DARK}{dark}}}@media print{{{PRINT}}}"
    )
}

/// A figure as a file of its own, with its colours on light.
pub fn standalone(svg: &str) -> String {
    svg.replacen('>', &format!("><style>{}</style>", rules(false)), 1) + "\n"
}
