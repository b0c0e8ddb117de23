//! Changes a text by replacing ranges of it, so that everything else stays as it was written, byte for byte. Owns also what belongs to a piece of
//! code beside itself: the comments above it, and the rest of its line.

use std::ops::Range;

/// Replacements in one text.
#[derive(Debug, Clone, Default)]
pub(super) struct Splices(Vec<(Range<usize>, String)>);

impl Splices {
    /// Puts `text` in the place of a range. Of two that overlap, the one that begins first counts, and of these the longer; what both take out
    /// goes.
    pub(super) fn replace(&mut self, range: Range<usize>, text: impl Into<String>) {
        self.0.push((range, text.into()));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text with all replacements.
    pub(super) fn apply(&self, text: &str) -> String {
        self.within(text, 0..text.len())
    }

    /// A part of the text with the replacements in it.
    pub(super) fn within(&self, text: &str, part: Range<usize>) -> String {
        let mut inside: Vec<_> =
            self.0.iter().filter(|(range, _)| part.start <= range.start && range.end <= part.end).collect();
        // Insertions at one place keep their sequence.
        inside.sort_by_key(|(range, _)| (range.start, std::cmp::Reverse(range.end)));
        let (mut done, mut at) = (String::with_capacity(part.len()), part.start);
        for (range, new) in inside {
            if range.start < at {
                // What is taken out reaches further than what was taken out before it.
                at = if new.is_empty() { at.max(range.end) } else { at };
                continue;
            }
            done.push_str(&text[at..range.start]);
            done.push_str(new);
            at = range.end;
        }
        done.push_str(&text[at..part.end]);
        done
    }
}

/// A piece of code with the comments right above it and the rest of its last line, line break included.
pub(super) fn with_surroundings(text: &str, piece: &Range<usize>) -> Range<usize> {
    let line = |at: usize| text[..at].rfind('\n').map_or(0, |end| end + 1);
    let mut start = line(piece.start);
    if text[start..piece.start].trim().is_empty() {
        while let Some(above) = comment_above(text, start) {
            start = above;
        }
    } else {
        // Something else stands before it on its line.
        start = piece.start;
    }
    let end = text[piece.end..].find('\n').map_or(text.len(), |at| piece.end + at + 1);
    let rest = text[piece.end..end].trim();
    let is_comment = rest.is_empty()
        || rest.starts_with('#')
        || rest.starts_with("//")
        || rest.starts_with("/*") && rest.ends_with("*/");
    start..if is_comment { end } else { piece.end }
}

/// Where the comment begins that ends on the line before `start`.
fn comment_above(text: &str, start: usize) -> Option<usize> {
    let before = text[..start].strip_suffix('\n')?;
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    let line = before[line_start..].trim();
    if line.starts_with('#') || line.starts_with("//") || line.starts_with("/*") && line.ends_with("*/") {
        return Some(line_start);
    }
    if !line.ends_with("*/") || line.contains("/*") {
        return None;
    }
    let open = before.rfind("/*")?;
    let open_line = before[..open].rfind('\n').map_or(0, |end| end + 1);
    before[open_line..open].trim().is_empty().then_some(open_line)
}

/// A range that is taken out, with one of the blank lines around it, so that none are left doubled.
pub(super) fn with_gap(text: &str, range: &Range<usize>) -> Range<usize> {
    let begins = range.start == 0 || text[..range.start].ends_with("\n\n") || text[..range.start].ends_with("{\n");
    let after = &text[range.end..];
    if begins && after.starts_with('\n') {
        return range.start..range.end + 1;
    }
    if text[..range.start].ends_with("\n\n") && (after.is_empty() || after.trim_start_matches(' ').starts_with('}')) {
        return range.start - 1..range.end;
    }
    range.clone()
}

/// The text with a piece at its end, a blank line before it.
pub(super) fn appended(text: &str, piece: &str) -> String {
    let gap = if text.is_empty() || text.ends_with("\n\n") {
        ""
    } else if text.ends_with('\n') {
        "\n"
    } else {
        "\n\n"
    };
    let end = if piece.ends_with('\n') { "" } else { "\n" };
    format!("{text}{gap}{piece}{end}")
}

/// The ends of lines that a text has.
pub(super) fn in_line_ends_of(text: &str, piece: &str) -> String {
    let plain = piece.replace("\r\n", "\n");
    if text.contains("\r\n") { plain.replace('\n', "\r\n") } else { plain }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_above_and_the_rest_of_the_line_belong_to_a_piece() {
        let text = "a {}\n\n# one\n/* two\n   lines */\n// three\nb {} # end\nc {}\n";
        let at = text.find("b {}").unwrap();
        assert_eq!(&text[with_surroundings(text, &(at..at + 4))], "# one\n/* two\n   lines */\n// three\nb {} # end\n");
        let at = text.find("c {}").unwrap();
        assert_eq!(&text[with_surroundings(text, &(at..at + 4))], "c {}\n");
        assert_eq!(with_surroundings("x = 1", &(0..5)), 0..5);
    }

    #[test]
    fn what_is_not_replaced_stays_byte_for_byte() {
        let text = "a\r\n\tb  c\n";
        let mut splices = Splices::default();
        assert!(splices.is_empty());
        splices.replace(4..5, "X");
        splices.replace(4..5, "never");
        splices.replace(0..0, "1");
        splices.replace(0..0, "2");
        assert_eq!(splices.apply(text), "12a\r\n\tX  c\n");
        assert_eq!(splices.within(text, 3..5), "\tX");
        let mut cuts = Splices::default();
        cuts.replace(1..4, "");
        cuts.replace(3..6, "");
        assert_eq!(cuts.apply("abcdefg"), "ag");
    }

    #[test]
    fn a_piece_leaves_no_doubled_gap() {
        let cut = |text: &str, piece: &str| {
            let at = text.find(piece).unwrap();
            let range = with_gap(text, &(at..at + piece.len()));
            format!("{}{}", &text[..range.start], &text[range.end..])
        };
        assert_eq!(cut("a\n\nb\n\nc\n", "b\n"), "a\n\nc\n");
        assert_eq!(cut("a\n\nb\n", "b\n"), "a\n");
        assert_eq!(cut("b\n\nc\n", "b\n"), "c\n");
        assert_eq!(cut("a\nb\nc\n", "b\n"), "a\nc\n");
    }

    #[test]
    fn pieces_are_appended_in_the_texts_own_line_ends() {
        assert_eq!(appended("", "x\n"), "x\n");
        assert_eq!(appended("a\n", "x"), "a\n\nx\n");
        assert_eq!(appended("a", "x"), "a\n\nx\n");
        assert_eq!(in_line_ends_of("a\r\n", "x\ny\r\n"), "x\r\ny\r\n");
    }
}
