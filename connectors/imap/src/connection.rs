//! One IMAP connection: commands out, responses in, each response bounded in memory (RFC 3501 section 2.2).

use std::io::{self, BufRead, BufReader, Read, Write};

use imap_proto::{Response, Status};

use crate::failure::Failure;
use crate::transport::Transport;

/// A response without literals may be this long: a search result of about two million messages.
const LINE_LIMIT: usize = 16 << 20;

/// How a command ended: its status, and the server's words with any response code in them.
#[derive(Debug)]
pub(crate) struct Completion {
    pub(crate) status: Status,
    pub(crate) text: String,
}

impl Completion {
    /// The response code in brackets, in capitals (`AUTHENTICATIONFAILED`), or nothing.
    pub(crate) fn code(&self) -> String {
        let code = self.text.strip_prefix('[').and_then(|rest| rest.split([']', ' ']).next());
        code.unwrap_or_default().to_ascii_uppercase()
    }

    /// Nothing if the command succeeded; its failure otherwise.
    pub(crate) fn accepted(self, command: &'static str) -> Result<(), Failure> {
        match self.status {
            Status::Ok => Ok(()),
            _ if is_temporary(&self.code()) => Err(Failure::Unavailable { text: self.text }),
            _ => Err(Failure::Unexpected { command, text: self.text }),
        }
    }
}

/// Response codes by which a server says "not now" (RFC 5530 section 3).
pub(crate) fn is_temporary(code: &str) -> bool {
    matches!(code, "UNAVAILABLE" | "INUSE" | "LIMIT" | "SERVERBUG" | "OVERQUOTA" | "THROTTLED")
}

/// An open connection.
pub(crate) struct Connection {
    stream: BufReader<Transport>,
    last_tag: u32,
    response: Vec<u8>,
    goodbye: Option<String>,
}

impl Connection {
    pub(crate) fn new(transport: Transport) -> Self {
        Self { stream: BufReader::with_capacity(64 << 10, transport), last_tag: 0, response: Vec::new(), goodbye: None }
    }

    /// The transport, once the server has nothing more to say: text that came unencrypted before STARTTLS must not be read as if
    /// it had come encrypted.
    pub(crate) fn into_transport(self) -> Result<Transport, Failure> {
        if self.stream.buffer().is_empty() {
            Ok(self.stream.into_inner())
        } else {
            Err(Failure::Unexpected { command: "STARTTLS", text: "it went on unencrypted".to_owned() })
        }
    }

    /// Reads the greeting and gives it to `on_response`.
    pub(crate) fn greeting(&mut self, mut on_response: impl FnMut(&Response<'_>)) -> Result<(), Failure> {
        self.read_response("waiting for the greeting", LINE_LIMIT)?;
        match parse(&self.response) {
            Some(Response::Data { status: Status::Bye, outcome }) => {
                Err(Failure::Unavailable { text: outcome.information.unwrap_or_default().into_owned() })
            }
            Some(response) => {
                on_response(&response);
                Ok(())
            }
            None => Err(Failure::Unexpected { command: "the connection", text: "it is not an IMAP server".to_owned() }),
        }
    }

    /// Sends a command and hands every untagged response to `on_response`, one at a time; one that cannot be parsed is passed
    /// over, and who asked notices what is missing.
    pub(crate) fn command(
        &mut self,
        command: &str,
        on_response: impl FnMut(&Response<'_>) -> Result<(), Failure>,
    ) -> Result<Completion, Failure> {
        self.bounded_command(command, LINE_LIMIT, on_response)
    }

    /// As [`Connection::command`]; a response whose literals would make it longer than `limit` bytes is read past, not held.
    pub(crate) fn bounded_command(
        &mut self,
        command: &str,
        limit: usize,
        mut on_response: impl FnMut(&Response<'_>) -> Result<(), Failure>,
    ) -> Result<Completion, Failure> {
        let tag = self.send(command.as_bytes())?;
        loop {
            let complete = self.read_response("waiting for an answer", limit)?;
            if let Some(completion) = self.completion(&tag) {
                return Ok(completion);
            }
            if !complete {
                continue;
            }
            match parse(&self.response) {
                Some(Response::Data { status: Status::Bye, outcome }) => {
                    self.goodbye = Some(outcome.information.unwrap_or_default().into_owned());
                }
                Some(response) => on_response(&response)?,
                None => {}
            }
        }
    }

    /// Sends a command that carries secrets in `parts`, waiting for the server's `+` before each part. The parts are wiped by
    /// their owner; nothing of them is kept here.
    pub(crate) fn secret_command(&mut self, command: &str, parts: &[&[u8]]) -> Result<Completion, Failure> {
        let tag = self.send(command.as_bytes())?;
        let mut parts = parts.iter();
        loop {
            self.read_response("signing in", LINE_LIMIT)?;
            if let Some(completion) = self.completion(&tag) {
                return Ok(completion);
            }
            match parse(&self.response) {
                Some(Response::Data { status: Status::Bye, outcome }) => {
                    self.goodbye = Some(outcome.information.unwrap_or_default().into_owned());
                }
                Some(Response::Continue(_)) => {
                    // A server that asks on after the last part gets the cancellation of RFC 3501 section 6.2.2.
                    let part = parts.next().copied().unwrap_or(b"*");
                    self.write(&[part, b"\r\n"])?;
                }
                _ => {}
            }
        }
    }

    fn send(&mut self, command: &[u8]) -> Result<String, Failure> {
        self.last_tag += 1;
        let tag = format!("f{}", self.last_tag);
        self.write(&[tag.as_bytes(), b" ", command, b"\r\n"])?;
        Ok(tag)
    }

    fn write(&mut self, parts: &[&[u8]]) -> Result<(), Failure> {
        let stream = self.stream.get_mut();
        let written = parts.iter().try_for_each(|part| stream.write_all(part)).and_then(|()| stream.flush());
        written.map_err(|source| self.broken("sending a command", source))
    }

    fn completion(&self, tag: &str) -> Option<Completion> {
        let rest = self.response.strip_prefix(tag.as_bytes())?.strip_prefix(b" ")?;
        let line = String::from_utf8_lossy(rest.trim_ascii_end()).into_owned();
        let (word, text) = line.split_once(' ').unwrap_or((&line, ""));
        let status = match word.to_ascii_uppercase().as_str() {
            "OK" => Status::Ok,
            "NO" => Status::No,
            _ => Status::Bad,
        };
        Some(Completion { status, text: text.to_owned() })
    }

    /// Reads one response with its literals into `self.response`; false if it was longer than `limit` and was dropped.
    fn read_response(&mut self, doing: &'static str, limit: usize) -> Result<bool, Failure> {
        self.response.clear();
        match read_bounded(&mut self.stream, &mut self.response, limit) {
            Ok(complete) => Ok(complete),
            Err(source) => Err(self.broken(doing, source)),
        }
    }

    fn broken(&mut self, doing: &'static str, source: io::Error) -> Failure {
        match self.goodbye.take() {
            Some(text) => Failure::Unavailable { text },
            None => Failure::Broken { doing, source },
        }
    }
}

fn parse(response: &[u8]) -> Option<Response<'_>> {
    Response::parse(response).ok().map(|(_, response)| response)
}

/// Reads a line and, while it ends by announcing a literal (`{123}`), that literal and the next line.
fn read_bounded(stream: &mut impl BufRead, into: &mut Vec<u8>, limit: usize) -> io::Result<bool> {
    let mut complete = true;
    loop {
        let start = into.len();
        let read = stream.by_ref().take(LINE_LIMIT as u64).read_until(b'\n', into)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if into.last() != Some(&b'\n') {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a line longer than any answer"));
        }
        let Some(literal) = announced_literal(&into[start..]) else { return Ok(complete) };
        if complete && into.len() as u64 + literal <= limit as u64 {
            let read = stream.by_ref().take(literal).read_to_end(into)?;
            if (read as u64) < literal {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        } else {
            complete = false;
            io::copy(&mut stream.by_ref().take(literal), &mut io::sink())?;
            // Only the end of the response is still wanted, to see where it ends.
            into.clear();
        }
    }
}

fn announced_literal(line: &[u8]) -> Option<u64> {
    let line = line.strip_suffix(b"\r\n").or_else(|| line.strip_suffix(b"\n"))?.strip_suffix(b"}")?;
    let digits = &line[line.iter().rposition(|byte| *byte == b'{')? + 1..];
    let digits = digits.strip_suffix(b"+").unwrap_or(digits);
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(input: &[u8], limit: usize) -> (bool, Vec<u8>, Vec<u8>) {
        let mut stream = BufReader::with_capacity(7, input);
        let mut out = Vec::new();
        let complete = read_bounded(&mut stream, &mut out, limit).unwrap();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap();
        (complete, out, rest)
    }

    #[test]
    fn a_response_ends_after_its_last_literal() {
        let (complete, response, rest) = read(b"* 1 FETCH (A {3}\r\nx\r\n B {1}\r\ny)\r\nf1 OK\r\n", 1000);
        assert!(complete);
        assert_eq!(response, b"* 1 FETCH (A {3}\r\nx\r\n B {1}\r\ny)\r\n");
        assert_eq!(rest, b"f1 OK\r\n");
    }

    #[test]
    fn a_literal_over_the_limit_is_passed_over_without_being_held() {
        let mut input = b"* 1 FETCH (BODY[] {5000}\r\n".to_vec();
        input.extend(std::iter::repeat_n(b'x', 5000));
        input.extend(b" UID 4)\r\nf1 OK\r\n");
        let (complete, response, rest) = read(&input, 100);
        assert!(!complete);
        assert!(response.capacity() < 1000);
        assert_eq!(rest, b"f1 OK\r\n");
    }

    #[test]
    fn an_endless_line_and_a_cut_literal_are_errors() {
        let mut out = Vec::new();
        assert!(read_bounded(&mut &vec![b'x'; LINE_LIMIT + 1][..], &mut out, 100).is_err());
        assert!(read_bounded(&mut &b"* 1 FETCH (A {30}\r\nxy"[..], &mut out, 100).is_err());
    }

    #[test]
    fn a_response_code_is_read_from_the_text() {
        let completion = |text: &str| Completion { status: Status::No, text: text.to_owned() };
        assert_eq!(completion("[unavailable] later").code(), "UNAVAILABLE");
        assert_eq!(completion("[REFERRAL imap://x] there").code(), "REFERRAL");
        assert_eq!(completion("no [code] here").code(), "");
    }
}
