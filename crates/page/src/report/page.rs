//! The page of a report, piece by piece: HTML without a script, which needs nothing from elsewhere.

use std::fmt::Write as _;
use std::path::Path;
use std::time::SystemTime;

use pictures::figures::escaped;

use super::error::ReportError;
use super::target::{HEAD, Target};

const STYLE: &str = include_str!("report.css");
/// Sources from which a browser may load: pictures beside the page, or in it.
const POLICY: &str = "default-src 'none'; img-src 'self' file: data:; style-src 'unsafe-inline'";

/// Page while it is made.
pub(super) struct Page {
    target: Target,
    html: String,
}

impl Page {
    pub(super) fn new(target: Target) -> Self {
        Self { target, html: String::new() }
    }

    /// Writes the head of the page, and links to its chapters.
    pub(super) fn begin(&mut self, folder: &Path) {
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let (name, place) =
            (folder.file_name().unwrap_or_default().to_string_lossy(), escaped(&folder.to_string_lossy()));
        let (name, version) = (escaped(&name), env!("CARGO_PKG_VERSION"));
        let now = humantime::format_rfc3339_seconds(SystemTime::now());
        let chapters = [
            ("overview", "Overview"),
            ("noise", "Under noise"),
            ("cost", "Speed and cost"),
            ("groups", "Groups"),
            ("origin", "Origin"),
            ("cite", "How to cite"),
        ];
        let mut links = String::new();
        for (id, title) in chapters {
            let _ = writeln!(links, "<a href=\"#{id}\">{title}</a>");
        }
        let _ = write!(
            self.html,
            "{HEAD}<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
             <title>Report: {name}</title><style>{STYLE}</style></head>\n<body>\n\
             <a class=\"skip\" href=\"#main\">to the report</a>\n\
             <header><h1>Attribution maps: {name}</h1><p>{place}; report of {now}, attrisweep {version}</p>\n\
             <nav aria-label=\"chapters\">{links}</nav></header>\n<main id=\"main\">\n"
        );
    }

    pub(super) fn open_chapter(&mut self, id: &str, title: &str) {
        let _ = writeln!(self.html, "<section id=\"{id}\"><h2>{}</h2>", escaped(title));
    }

    pub(super) fn close_chapter(&mut self) {
        self.html.push_str("</section>\n");
    }

    /// Opens a part of a chapter that can be folded.
    pub(super) fn open_part(&mut self, id: &str, title: &str, open: bool) {
        let open = if open { " open" } else { "" };
        let _ = writeln!(self.html, "<details id=\"{id}\"{open}><summary><h3>{}</h3></summary>", escaped(title));
    }

    pub(super) fn close_part(&mut self) {
        self.html.push_str("</details>\n");
    }

    pub(super) fn title(&mut self, title: &str) {
        let _ = writeln!(self.html, "<h4>{}</h4>", escaped(title));
    }

    pub(super) fn text(&mut self, text: &str) {
        let _ = writeln!(self.html, "<p>{}</p>", escaped(text));
    }

    /// Writes a sentence on something that is wrong or missing.
    pub(super) fn warning(&mut self, text: &str) {
        let _ = writeln!(self.html, "<p class=\"warning\">⚠ {}</p>", escaped(text));
    }

    pub(super) fn code(&mut self, text: &str) {
        let _ = writeln!(self.html, "<pre tabindex=\"0\">{}</pre>", escaped(text));
    }

    /// Writes a table; a name in the first column that begins with `#` and a space is a link to that part of the page.
    pub(super) fn table(&mut self, caption: &str, head: &[&str], rows: &[Vec<String>]) {
        let caption = escaped(caption);
        let mut cells = String::new();
        for cell in head {
            let _ = write!(cells, "<th scope=\"col\">{}</th>", escaped(cell));
        }
        let _ = writeln!(
            self.html,
            "<div class=\"wide\" role=\"region\" tabindex=\"0\" aria-label=\"{caption}\"><table><caption>{caption}</caption>\
             <thead><tr>{cells}</tr></thead><tbody>"
        );
        for row in rows {
            self.html.push_str("<tr>");
            for (at, cell) in row.iter().enumerate() {
                let text = match cell.strip_prefix('#').and_then(|link| link.split_once(' ')) {
                    Some((id, name)) if at == 0 => format!("<a href=\"#{}\">{}</a>", escaped(id), escaped(name)),
                    _ => escaped(cell),
                };
                let tag = if at == 0 { "th scope=\"row\"" } else { "td" };
                let _ = write!(self.html, "<{tag}>{text}</{}>", &tag[..2]);
            }
            self.html.push_str("</tr>\n");
        }
        self.html.push_str("</tbody></table></div>\n");
    }

    /// Adds a figure, which a browser loads when it is near, and below it links to the figure and to the table behind it.
    pub(super) fn figure(
        &mut self,
        name: &str,
        caption: &str,
        svg: &str,
        csv: Option<&str>,
    ) -> Result<(), ReportError> {
        let source = self.target.add(&format!("figures/{name}.svg"), "image/svg+xml", svg.as_bytes())?;
        let (caption, [width, height]) = (escaped(caption), size(svg));
        let _ = write!(
            self.html,
            "<figure><div tabindex=\"0\" role=\"group\" aria-label=\"figure\"><img loading=\"lazy\" width=\"{width}\" height=\"{height}\" alt=\"{caption}\" src=\"{source}\"></div>\
             <figcaption>{caption} <a href=\"{source}\" download=\"{name}.svg\">SVG</a>"
        );
        if let Some(csv) = csv {
            let source = self.target.add(&format!("tables/{name}.csv"), "text/csv", csv.as_bytes())?;
            let _ = write!(self.html, " <a href=\"{source}\" download=\"{name}.csv\">CSV</a>");
        }
        self.html.push_str("</figcaption></figure>\n");
        Ok(())
    }

    /// Adds a table as a file, and a link to it.
    pub(super) fn table_file(&mut self, file: &str, words: &str, csv: &str) -> Result<(), ReportError> {
        let source = self.target.add(file, "text/csv", csv.as_bytes())?;
        let name = file.rsplit('/').next().unwrap_or(file);
        let _ = writeln!(self.html, "<p>{}: <a href=\"{source}\" download=\"{name}\">CSV</a></p>", escaped(words));
        Ok(())
    }

    /// Ends the page, and puts the report in place. Returns the number of bytes.
    pub(super) fn finish(mut self, facts: &str) -> Result<u64, ReportError> {
        self.html.push_str("</main></body></html>\n");
        self.target.finish(&self.html, facts)
    }
}

/// Width and height that an SVG of ours says.
fn size(svg: &str) -> [&str; 2] {
    [" width=\"", " height=\""].map(|name| {
        let value = svg.split_once(name).map(|(_, rest)| rest);
        value.and_then(|rest| rest.split('"').next()).unwrap_or("0")
    })
}
