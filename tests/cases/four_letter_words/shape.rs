//! Answers by their shape: each line is matched, with its numbers masked.

/// Whether a line has a shape. In it `#` stands for a whole number, `%` for a decimal one, `0x@`
/// for a number in hex, and `*` for anything up to what follows.
pub(super) fn has_shape(line: &str, shape: &str) -> bool {
    let Some(mark) = shape.chars().next() else {
        return line.is_empty();
    };
    let rest = &shape[mark.len_utf8()..];
    let take = |allowed: fn(char) -> bool| {
        let end = line.find(|c| !allowed(c)).unwrap_or(line.len());
        end > 0 && has_shape(&line[end..], rest)
    };
    match mark {
        '#' => take(|c| c.is_ascii_digit() || c == '-'),
        '%' => take(|c| c.is_ascii_digit() || c == '.') && line.contains('.'),
        '@' => take(|c| c.is_ascii_hexdigit()),
        '*' => (0..=line.len())
            .filter(|end| line.is_char_boundary(*end))
            .any(|end| has_shape(&line[end..], rest)),
        plain => line.strip_prefix(plain).is_some_and(|line| has_shape(line, rest)),
    }
}

/// Panics unless the answer has exactly these lines and ends with a line end.
pub(super) fn assert_shape(answer: &str, shapes: &[&str]) {
    assert!(answer.ends_with('\n'), "{answer}");
    let lines: Vec<_> = answer.lines().collect();
    assert_eq!(lines.len(), shapes.len(), "{answer}");
    for (line, shape) in lines.iter().zip(shapes) {
        assert!(has_shape(line, shape), "{line:?} is not like {shape:?} in\n{answer}");
    }
}
