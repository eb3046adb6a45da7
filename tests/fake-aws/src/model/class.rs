//! The patterns of the models: one character class, possibly preceded by another, each once or
//! repeated.

/// Whether the whole text matches the pattern. Patterns of another form match all texts: the
/// operation checks them itself.
pub(super) fn holds(pattern: &str, text: &str) -> bool {
    let inner = pattern.trim_start_matches(['^', '(']).trim_end_matches(['$', ')']);
    let Some(parts) = parts(inner) else { return true };
    let mut rest = text.chars().peekable();
    for part in parts {
        let mut taken = 0;
        while taken < part.most && rest.next_if(|character| part.class.has(*character)).is_some() {
            taken += 1;
        }
        if taken < part.least {
            return false;
        }
    }
    rest.peek().is_none()
}

struct Part {
    class: Class,
    least: usize,
    most: usize,
}

#[derive(Default)]
struct Class {
    ranges: Vec<(char, char)>,
    not: bool,
}

impl Class {
    fn has(&self, character: char) -> bool {
        self.not != self.ranges.iter().any(|(low, high)| (*low..=*high).contains(&character))
            && (character != '\n' || !self.not)
    }
}

/// `None` if the pattern is more than consecutive classes.
fn parts(pattern: &str) -> Option<Vec<Part>> {
    let mut rest = pattern.chars().peekable();
    let mut parts = Vec::new();
    while let Some(first) = rest.next() {
        let class = match first {
            '[' => class(&mut rest)?,
            '.' => Class { ranges: vec![('\n', '\n')], not: true },
            _ => return None,
        };
        let (least, most) = match rest.peek() {
            Some('*') => (0, usize::MAX),
            Some('+') => (1, usize::MAX),
            _ => (1, 1),
        };
        if most > 1 {
            rest.next();
        }
        parts.push(Part { class, least, most });
    }
    Some(parts)
}

fn class(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<Class> {
    let mut class = Class { not: rest.next_if_eq(&'^').is_some(), ..Class::default() };
    loop {
        let low = match rest.next()? {
            ']' => return Some(class),
            '\\' => match rest.next()? {
                'w' => {
                    class.ranges.extend([('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')]);
                    continue;
                }
                'd' => {
                    class.ranges.push(('0', '9'));
                    continue;
                }
                // \p{L}, \p{Z} and \p{N}: letters, blanks and digits of all scripts, which are not
                // distinguished here.
                'p' => {
                    while rest.next()? != '}' {}
                    class.ranges.extend([
                        (' ', ' '),
                        ('0', '9'),
                        ('A', 'Z'),
                        ('a', 'z'),
                        ('\u{A0}', char::MAX),
                    ]);
                    continue;
                }
                'u' => hexadecimal(rest)?,
                other => other,
            },
            other => other,
        };
        let mut ahead = rest.clone();
        if ahead.next() == Some('-') && ahead.peek().is_some_and(|next| *next != ']') {
            rest.next();
            let high = match rest.next()? {
                '\\' => match rest.next()? {
                    'u' => hexadecimal(rest)?,
                    other => other,
                },
                other => other,
            };
            class.ranges.push((low, high));
        } else {
            class.ranges.push((low, low));
        }
    }
}

/// Java writes characters beyond U+FFFF with more than four digits.
fn hexadecimal(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<char> {
    let mut digits = String::new();
    while digits.len() < 6 && rest.peek().is_some_and(char::is_ascii_hexdigit) {
        digits.extend(rest.next());
    }
    char::from_u32(u32::from_str_radix(&digits, 16).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_the_patterns_in_use() {
        let arn =
            "[\\u0009\\u000A\\u000D\\u0020-\\u007E\\u0085\\u00A0-\\uD7FF\\uE000-\\uFFFD\\u10000-\\u10FFFF]+";
        for (pattern, text, expected) in [
            ("[\\w+=,.@-]*", "a_+=,.@-9", true),
            ("[\\w+=,.@-]*", "", true),
            ("[\\w+=,.@-]*", "a b", false),
            ("[\\w+=,.@:\\/-]*", "a/b:c", true),
            ("[\\d]*", "12a", false),
            ("^[0-9A-Za-z][A-Za-z0-9\\-_]*", "shop-1_b", true),
            ("^[0-9A-Za-z][A-Za-z0-9\\-_]*", "-shop", false),
            ("^[0-9A-Za-z][A-Za-z0-9\\-_]*", "shop/1", false),
            ("([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*)", "größe 1_.:/=+-@", true),
            ("([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*)", "a<b", false),
            ("[^:].*", "AWS/ECS", true),
            ("[^:].*", ":AWS", false),
            ("[^:].*", "a\nb", false),
            (arn, "arn:aws:iam::1:role/x", true),
            (arn, "arn\u{7}", false),
            ("arn:[^:]+:(s3|s3express):.*", "anything", true),
        ] {
            assert_eq!(holds(pattern, text), expected, "{pattern} {text}");
        }
    }
}
