//! Elements, attributes and text, escaped: what pages and figures are written with.

use quick_xml::Writer;
use quick_xml::events::{BytesEnd, BytesStart, BytesText, Event};

use crate::text::clean;

/// Markup that is being written. It is well-formed XML, a page as well as a figure.
pub struct Markup {
    out: Writer<Vec<u8>>,
}

/// Names of attributes and their values.
pub type Attributes<'a> = &'a [(&'a str, &'a str)];

impl Markup {
    /// Nothing yet.
    pub fn new() -> Self {
        Self { out: Writer::new(Vec::new()) }
    }

    /// Begins an element.
    pub fn open(&mut self, name: &str, attributes: Attributes<'_>) {
        self.event(Event::Start(start(name, attributes)));
    }

    /// Ends it.
    pub fn close(&mut self, name: &str) {
        self.event(Event::End(BytesEnd::new(name)));
    }

    /// An element without content.
    pub fn empty(&mut self, name: &str, attributes: Attributes<'_>) {
        self.event(Event::Empty(start(name, attributes)));
    }

    /// Text.
    pub fn text(&mut self, text: &str) {
        self.event(Event::Text(BytesText::new(&clean(text))));
    }

    /// An element with text in it.
    pub fn leaf(&mut self, name: &str, attributes: Attributes<'_>, text: &str) {
        self.open(name, attributes);
        self.text(text);
        self.close(name);
    }

    /// Markup that is finished.
    pub fn insert(&mut self, markup: &str) {
        self.out.get_mut().extend_from_slice(markup.as_bytes());
    }

    /// All of it.
    pub fn finish(self) -> String {
        String::from_utf8(self.out.into_inner()).expect("strings were written")
    }

    fn event(&mut self, event: Event<'_>) {
        self.out.write_event(event).expect("a vector takes all");
    }
}

fn start<'a>(name: &'a str, attributes: Attributes<'_>) -> BytesStart<'a> {
    let mut start = BytesStart::new(name);
    for &(name, value) in attributes {
        start.push_attribute((name, &*clean(value)));
    }
    start
}
