//! A page that is being written: headings, sentences, tables, figures with words on how to read each.

use crate::markup::Markup;
use crate::{Figure, Report, theme};

/// A page, and its figures.
pub struct Page {
    pub out: Markup,
    figures: Vec<Figure>,
}

/// How a figure goes into a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fitting {
    /// All of it on one page of paper.
    Whole,
    /// Higher than a page can be: it may be broken.
    Broken,
    /// A square one, which need not be as wide as the text.
    Map,
}

impl Fitting {
    fn class(self) -> &'static str {
        match self {
            Self::Whole => "short",
            Self::Broken => "long",
            Self::Map => "short map",
        }
    }
}

/// The head of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head<'a> {
    /// Of names and sentences, to the left.
    Text(&'a str),
    /// Of numbers, to the right.
    Number(&'a str),
}

impl Page {
    /// Begins a page of the command that makes it.
    pub fn new(generator: &str, title: &str) -> Self {
        let mut out = Markup::new();
        out.insert("<!DOCTYPE html>\n");
        out.open("html", &[("xmlns", "http://www.w3.org/1999/xhtml"), ("lang", "en")]);
        out.open("head", &[]);
        out.empty("meta", &[("charset", "utf-8")]);
        out.empty("meta", &[("name", "generator"), ("content", generator)]);
        out.empty("meta", &[("name", "viewport"), ("content", "width=device-width, initial-scale=1")]);
        out.empty("meta", &[("name", "color-scheme"), ("content", "light dark")]);
        out.leaf("title", &[], title);
        out.open("style", &[]);
        out.insert(&theme::page());
        out.close("style");
        out.close("head");
        out.open("body", &[]);
        out.leaf("h1", &[], title);
        Self { out, figures: Vec::new() }
    }

    /// What the whole page says, in a sentence or two.
    pub fn answer(&mut self, text: &str) {
        self.out.leaf("p", &[("class", "answer")], text);
    }

    pub fn heading(&mut self, text: &str) {
        self.out.leaf("h2", &[], text);
    }

    pub fn paragraph(&mut self, text: &str) {
        self.out.leaf("p", &[], text);
    }

    /// A list of sentences; nothing where there are none.
    pub fn items(&mut self, items: impl IntoIterator<Item = String>) {
        let mut items = items.into_iter().peekable();
        if items.peek().is_none() {
            return;
        }
        self.out.open("ul", &[]);
        items.for_each(|item| self.out.leaf("li", &[], &item));
        self.out.close("ul");
    }

    /// A figure with words on how to read it.
    pub fn figure(&mut self, name: &'static str, fitting: Fitting, svg: String, words: &str) {
        self.out.open("figure", &[("id", name), ("class", fitting.class())]);
        self.out.open("div", &[("class", "wide")]);
        self.out.insert(&svg);
        self.out.close("div");
        self.out.leaf("figcaption", &[], words);
        self.out.close("figure");
        self.figures.push(Figure { name, svg });
    }

    /// A table that scrolls by itself where it is too wide; `body` writes its rows.
    pub fn table(&mut self, heads: &[Head<'_>], body: impl FnOnce(&mut Markup)) {
        let out = &mut self.out;
        out.open("div", &[("class", "wide")]);
        out.open("table", &[]);
        out.open("thead", &[]);
        out.open("tr", &[]);
        for head in heads {
            match head {
                Head::Text(head) => out.leaf("th", &[("scope", "col"), ("class", "name")], head),
                Head::Number(head) => out.leaf("th", &[("scope", "col")], head),
            }
        }
        out.close("tr");
        out.close("thead");
        out.open("tbody", &[]);
        body(out);
        out.close("tbody");
        out.close("table");
        out.close("div");
    }

    /// Commands, a line each; nothing where there are none.
    pub fn commands(&mut self, commands: &[String]) {
        if commands.is_empty() {
            return;
        }
        self.out.open("pre", &[]);
        for (at, command) in commands.iter().enumerate() {
            if at > 0 {
                self.out.insert("\n");
            }
            self.out.text(command);
        }
        self.out.close("pre");
    }

    /// What things are, with their names.
    pub fn facts(&mut self, facts: impl IntoIterator<Item = (&'static str, String)>) {
        self.out.open("dl", &[]);
        for (name, value) in facts {
            self.out.leaf("dt", &[], name);
            self.out.leaf("dd", &[], &value);
        }
        self.out.close("dl");
    }

    /// All of it.
    pub fn finish(mut self) -> Report {
        self.out.close("body");
        self.out.close("html");
        Report { html: self.out.finish() + "\n", figures: self.figures }
    }
}
