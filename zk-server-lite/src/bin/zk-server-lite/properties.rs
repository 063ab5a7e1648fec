//! The syntax of a configuration file: that of Java's `Properties`, which `zoo.cfg` is written in.

/// One setting in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Property {
    /// The line it begins on, from 1.
    pub(crate) line: usize,
    pub(crate) key: String,
    pub(crate) value: String,
}

/// All settings of a text, in its order.
///
/// A key ends at `=`, `:` or a blank. `#` and `!` begin a comment if nothing but blanks is before
/// them. A line that ends with a backslash goes on in the next one. As ZooKeeper does, blanks
/// around a value are dropped.
pub(crate) fn parse(text: &str) -> Vec<Property> {
    let mut properties = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((index, first)) = lines.next() {
        let first = first.trim_start_matches(BLANKS);
        if first.is_empty() || first.starts_with(['#', '!']) {
            continue;
        }
        let mut logical = String::new();
        let mut part = first;
        while let Some(head) = without_continuation(part) {
            logical.push_str(head);
            part = lines.next().map_or("", |(_, line)| line.trim_start_matches(BLANKS));
        }
        logical.push_str(part);
        let (key, value) = split(&logical);
        let value = unescape(value).trim().to_owned();
        properties.push(Property { line: index + 1, key: unescape(key), value });
    }
    properties
}

/// The line without the backslash that joins it to the next; `None` when nothing joins them. Two
/// backslashes are a backslash.
fn without_continuation(line: &str) -> Option<&str> {
    let backslashes = line.len() - line.trim_end_matches('\\').len();
    if backslashes % 2 == 1 { line.strip_suffix('\\') } else { None }
}

/// Key and value, both still escaped.
fn split(line: &str) -> (&str, &str) {
    let mut escaped = false;
    let ends_key = |c: char| {
        if escaped || c == '\\' {
            escaped = !escaped;
            return false;
        }
        c == '=' || c == ':' || BLANKS.contains(&c)
    };
    let Some(end) = line.find(ends_key) else {
        return (line, "");
    };
    let (key, rest) = line.split_at(end);
    let rest = rest.trim_start_matches(BLANKS);
    let value = rest.strip_prefix(['=', ':']).unwrap_or(rest);
    (key, value.trim_start_matches(BLANKS))
}

fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            plain.push(c);
            continue;
        }
        match rest.next() {
            Some('t') => plain.push('\t'),
            Some('n') => plain.push('\n'),
            Some('r') => plain.push('\r'),
            Some('f') => plain.push('\u{c}'),
            Some('u') => {
                let digits: String = rest.by_ref().take(4).collect();
                let code = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32);
                plain.push(code.unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            Some(other) => plain.push(other),
            None => {}
        }
    }
    plain
}

const BLANKS: [char; 3] = [' ', '\t', '\u{c}'];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(usize, &str, &str)]) {
        let found = parse(text);
        let found: Vec<_> = found.iter().map(|p| (p.line, &*p.key, &*p.value)).collect();
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn a_setting_is_a_key_and_a_value_on_a_line() {
        check("tickTime=2000\n", &[(1, "tickTime", "2000")]);
        check("tickTime = 2000  ", &[(1, "tickTime", "2000")]);
        check("  tickTime:2000", &[(1, "tickTime", "2000")]);
        check("tickTime 2000", &[(1, "tickTime", "2000")]);
        check("tickTime\t=\t2000\r\nb=1\r\n", &[(1, "tickTime", "2000"), (2, "b", "1")]);
        check("server.1=a:2888:3888;2181", &[(1, "server.1", "a:2888:3888;2181")]);
        check("digest=super:aGk=", &[(1, "digest", "super:aGk=")]);
        check("empty=", &[(1, "empty", "")]);
        check("alone", &[(1, "alone", "")]);
        check("=nothing", &[(1, "", "nothing")]);
    }

    #[test]
    fn comments_and_empty_lines_are_passed_over_and_counted() {
        check("# one\n\n  ! two\n \t\na=1 # not a comment", &[(5, "a", "1 # not a comment")]);
        check("", &[]);
    }

    #[test]
    fn a_backslash_joins_lines_and_a_line_keeps_the_number_it_begins_on() {
        check("a=1,\\\n   2,\\\n 3\nb=4", &[(1, "a", "1,2,3"), (4, "b", "4")]);
        check("a=c:\\\\\nb=1", &[(1, "a", "c:\\"), (2, "b", "1")]);
        check("a=1\\", &[(1, "a", "1")]);
    }

    #[test]
    fn escapes_stand_for_characters() {
        check(r"a\=b\:c\ d=e", &[(1, "a=b:c d", "e")]);
        check(r"a=\u0041\t\q\uzz", &[(1, "a", "A\tq\u{fffd}")]);
    }

    #[test]
    fn what_comes_twice_is_given_twice() {
        check("a=1\na=2", &[(1, "a", "1"), (2, "a", "2")]);
    }
}
