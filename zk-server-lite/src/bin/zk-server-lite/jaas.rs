//! Users of SASL from a JAAS file, as `java.security.auth.login.config` names it for ZooKeeper.
//!
//! ```text
//! Server {
//!     org.apache.zookeeper.server.auth.DigestLoginModule required
//!     user_bob="secret"
//!     user_eve="secret";
//! };
//! ```

use thiserror::Error;

/// A user and a password.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) password: String,
}

/// Why a file has no users.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum JaasError {
    #[error("line {line}: expected {expected}")]
    Syntax { line: usize, expected: &'static str },
    #[error("there is no section {SECTION:?}")]
    NoSection,
    #[error("line {line}: {module} is not there, only {DIGEST} is")]
    OtherModule { line: usize, module: String },
    #[error("the section {SECTION:?} has no users: they are options like user_bob=\"secret\"")]
    NoUsers,
}

/// The users of the section for servers.
pub(crate) fn users(text: &str) -> Result<Vec<User>, JaasError> {
    let mut tokens = Tokens { rest: text, line: 1 };
    let mut found = None;
    while let Some(token) = tokens.next()? {
        let Token::Text(section) = token else {
            return Err(tokens.expected("the name of a section"));
        };
        tokens.expect(&Token::Symbol('{'), "a brace")?;
        let users = modules(&mut tokens, section == SECTION)?;
        if section == SECTION {
            found.get_or_insert(users);
        }
    }
    match found {
        None => Err(JaasError::NoSection),
        Some(users) if users.is_empty() => Err(JaasError::NoUsers),
        Some(users) => Ok(users),
    }
}

/// What is between the braces of a section, and the semicolon behind it.
fn modules(tokens: &mut Tokens<'_>, wanted: bool) -> Result<Vec<User>, JaasError> {
    let mut users = Vec::new();
    loop {
        match tokens.next()? {
            Some(Token::Symbol('}')) => break,
            Some(Token::Text(module)) if wanted && module != DIGEST => {
                return Err(JaasError::OtherModule { line: tokens.line, module });
            }
            Some(Token::Text(_)) => {}
            _ => return Err(tokens.expected("the class of a login module")),
        }
        let Some(Token::Text(_)) = tokens.next()? else {
            return Err(tokens.expected("required, or another flag"));
        };
        options(tokens, &mut users)?;
    }
    tokens.expect(&Token::Symbol(';'), "a semicolon")?;
    Ok(users)
}

/// The options of a module, up to their semicolon.
fn options(tokens: &mut Tokens<'_>, users: &mut Vec<User>) -> Result<(), JaasError> {
    loop {
        let option = match tokens.next()? {
            Some(Token::Symbol(';')) => return Ok(()),
            Some(Token::Text(option)) => option,
            _ => return Err(tokens.expected("an option, or a semicolon")),
        };
        tokens.expect(&Token::Symbol('='), "an equals sign")?;
        let Some(Token::Text(value)) = tokens.next()? else {
            return Err(tokens.expected("a value"));
        };
        if let Some(name) = option.strip_prefix(USER) {
            users.push(User { name: name.to_owned(), password: value });
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Token {
    /// A word, or what stands between quotes.
    Text(String),
    Symbol(char),
}

struct Tokens<'a> {
    rest: &'a str,
    line: usize,
}

impl Tokens<'_> {
    const fn expected(&self, expected: &'static str) -> JaasError {
        JaasError::Syntax { line: self.line, expected }
    }

    fn expect(&mut self, token: &Token, expected: &'static str) -> Result<(), JaasError> {
        if self.next()?.as_ref() == Some(token) { Ok(()) } else { Err(self.expected(expected)) }
    }

    fn next(&mut self) -> Result<Option<Token>, JaasError> {
        self.skip_blanks_and_comments();
        let Some(first) = self.rest.chars().next() else {
            return Ok(None);
        };
        if SYMBOLS.contains(&first) {
            self.skip(1);
            return Ok(Some(Token::Symbol(first)));
        }
        if first == '"' {
            return self.quoted().map(Some);
        }
        let ends = |c: char| c.is_whitespace() || c == '"' || SYMBOLS.contains(&c);
        let length = self.rest.find(ends).unwrap_or(self.rest.len());
        let word = self.rest.get(..length).unwrap_or_default().to_owned();
        self.skip(length);
        Ok(Some(Token::Text(word)))
    }

    /// With Java's escapes, as far as anybody uses them here.
    fn quoted(&mut self) -> Result<Token, JaasError> {
        let mut text = String::new();
        let mut chars = self.rest.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.skip(at + 1);
                    return Ok(Token::Text(text));
                }
                '\n' => break,
                '\\' => match chars.next() {
                    Some((_, 'n')) => text.push('\n'),
                    Some((_, 't')) => text.push('\t'),
                    Some((_, other)) => text.push(other),
                    None => break,
                },
                other => text.push(other),
            }
        }
        Err(self.expected("a quote at the end of the text"))
    }

    fn skip_blanks_and_comments(&mut self) {
        loop {
            self.skip(self.rest.len() - self.rest.trim_start().len());
            let length = if self.rest.starts_with("/*") {
                self.rest.find("*/").map_or(self.rest.len(), |at| at + 2)
            } else if self.rest.starts_with("//") || self.rest.starts_with('#') {
                self.rest.find('\n').unwrap_or(self.rest.len())
            } else {
                return;
            };
            self.skip(length);
        }
    }

    fn skip(&mut self, length: usize) {
        let (skipped, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, ""));
        self.line += skipped.matches('\n').count();
        self.rest = rest;
    }
}

const SECTION: &str = "Server";
const DIGEST: &str = "org.apache.zookeeper.server.auth.DigestLoginModule";
const USER: &str = "user_";
const SYMBOLS: [char; 4] = ['{', '}', ';', '='];

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(String, String)>, String> {
        let users = users(text).map_err(|error| error.to_string())?;
        Ok(users.into_iter().map(|User { name, password }| (name, password)).collect())
    }

    #[test]
    fn users_are_options_of_the_section_for_servers() {
        let text = "// one\n/* two\n */ Client { any.Module required user_no=\"x\"; };\n\
                    # three\nServer {\n  org.apache.zookeeper.server.auth.DigestLoginModule required\n\
                    debug=true user_bob=\"s e\\\"c;ret\"\n    user_zoë=plain;\n};\n";
        let expected = [("bob", "s e\"c;ret"), ("zoë", "plain")];
        let expected = expected.map(|(name, password)| (name.to_owned(), password.to_owned()));
        assert_eq!(read(text), Ok(expected.to_vec()));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line_and_without_passwords() {
        for (text, error) in [
            ("", "there is no section \"Server\""),
            ("Client { a required; };", "there is no section \"Server\""),
            ("Server", "line 1: expected a brace"),
            ("Server {\n};", "the section \"Server\" has no users"),
            ("Server {\n}", "line 2: expected a semicolon"),
            ("\nServer { com.sun.security.auth.module.Krb5LoginModule required; };", "line 2: com"),
            ("Client { a required user_a=\"hush\n\"; };", "line 1: expected a quote"),
            ("Client { a required user_a \"hush\"; };", "line 1: expected an equals sign"),
            ("Client { a; };", "line 1: expected required"),
            ("Client { a required user_a=; };", "line 1: expected a value"),
        ] {
            let said = read(text).unwrap_err();
            assert!(said.starts_with(error), "{text}: {said}");
            assert!(!said.contains("hush"), "{said}");
        }
    }
}
