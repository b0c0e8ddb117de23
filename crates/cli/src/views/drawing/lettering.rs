//! How wide texts are, how long they may be, and what may stand in them. Widths are estimates: the reader's font is not known here,
//! so they are those of a rather wide sans serif (`Verdana`, `DejaVu Sans`).

/// A face of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::views) enum Face {
    /// Stacks' names: 13 px, semibold.
    Name,
    /// What stands below them, and the legend: 11 px.
    Small,
    /// The estate's name: 20 px, semibold.
    Heading,
}

impl Face {
    /// The width of one em, in pixels, with what bold letters are wider.
    fn em(self) -> f64 {
        match self {
            Self::Name => 13.0 * 1.1,
            Self::Small => 11.0,
            Self::Heading => 20.0 * 1.1,
        }
    }
}

/// The estimated width in pixels.
pub(in crate::views) fn width(text: &str, face: Face) -> f64 {
    text.chars().map(em_share).sum::<f64>() * face.em()
}

/// A character's share of an em.
fn em_share(character: char) -> f64 {
    match character {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' => 0.31,
        'f' | 't' | 'r' | 'I' | '-' | '(' | ')' | '[' | ']' | ' ' | '/' | '\u{b7}' => 0.4,
        'm' | 'w' | 'M' | 'W' | '@' | '%' => 0.9,
        'A'..='Z' => 0.69,
        // From Hangul on, most characters are as wide as high.
        '\u{1100}'.. => 1.0,
        _ => 0.6,
    }
}

/// The text, without its middle where it has more characters than `length_max`.
pub(in crate::views) fn shortened(text: &str, length_max: usize) -> String {
    let length = text.chars().count();
    if length <= length_max {
        return text.to_owned();
    }
    let head = length_max / 2;
    let tail = length_max - head - 1;
    text.chars().take(head).chain(['\u{2026}']).chain(text.chars().skip(length - tail)).collect()
}

/// The text with a space for each character that XML 1.0 does not allow or that has no shape (its production `Char`).
pub(in crate::views) fn legible(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_lose_their_middle() {
        assert_eq!(shortened("aws-network", 11), "aws-network");
        assert_eq!(shortened("aws-network-eu-west-1", 11), "aws-n\u{2026}est-1");
        assert_eq!(shortened("åäöåäöåäöåäö", 5), "åä\u{2026}äö");
    }

    #[test]
    fn wide_characters_are_wide() {
        assert!(width("WWW", Face::Small) > 2.0 * width("iii", Face::Small));
        assert!(width("漢字", Face::Small) > width("ab", Face::Small));
        assert!(width("a", Face::Heading) > width("a", Face::Name));
    }
}
