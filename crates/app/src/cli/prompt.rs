//! Asking the person at the terminal: on `/dev/tty`, so that standard input and output stay free for data.

use std::fs::File;
use std::io::{Read, Write};

use freehold_core::{Problem, ProblemCode, SecretBytes};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use super::terminal::printable;

const INTERRUPT: u8 = 3;
const END: u8 = 4;
const ERASE: [u8; 2] = [8, 127];
const ERASE_LINE: u8 = 21;
const ESCAPE: u8 = 27;
const ERASED: &str = "\x08 \x08";

/// The person at the terminal.
pub(crate) struct Prompt {
    tty: File,
}

impl Prompt {
    /// The terminal of this process. `instead` says how to do without one.
    ///
    /// # Errors
    /// Says so if there is none, as under a service manager.
    pub(crate) fn open(instead: &str) -> Result<Self, Problem> {
        let tty = File::options().read(true).write(true).open("/dev/tty");
        tty.map(|tty| Self { tty })
            .map_err(|_| Problem::new(ProblemCode::BadInput, "There is no terminal to ask on.", instead))
    }

    /// Says something.
    pub(crate) fn say(&self, text: &str) -> Result<(), Problem> {
        let lines: String = text.split('\n').map(|line| format!("{}\n", printable(line))).collect();
        self.write(&lines)
    }

    /// A line of text. Empty if the person just pressed enter.
    pub(crate) fn line(&self, label: &str) -> Result<String, Problem> {
        self.write(&format!("{}: ", printable(label)))?;
        let typed = self.read_line(true)?;
        String::from_utf8(typed).map(|text| text.trim().to_owned()).map_err(|_| not_text())
    }

    /// Something that is not shown while it is typed.
    pub(crate) fn secret(&self, label: &str) -> Result<SecretBytes, Problem> {
        self.write(&format!("{} (not shown): ", printable(label)))?;
        Ok(SecretBytes::new(self.read_line(false)?))
    }

    /// Several lines, up to an empty one.
    pub(crate) fn text(&self, label: &str) -> Result<String, Problem> {
        self.say(&format!("{label}; end with an empty line:"))?;
        let mut lines = Vec::new();
        loop {
            let line = String::from_utf8(self.read_line(true)?).map_err(|_| not_text())?;
            if line.trim().is_empty() {
                return Ok(lines.join("\n"));
            }
            lines.push(line);
        }
    }

    /// Yes or no; no unless the person says yes.
    pub(crate) fn confirm(&self, question: &str) -> Result<bool, Problem> {
        self.confirm_or(question, false)
    }

    /// Yes or no; `standard` if the person just presses enter.
    pub(crate) fn confirm_or(&self, question: &str, standard: bool) -> Result<bool, Problem> {
        let answer = self.line(&format!("{question} [{}]", if standard { "Y/n" } else { "y/N" }))?;
        Ok(match answer.to_lowercase().as_str() {
            "" => standard,
            answer => matches!(answer, "y" | "yes"),
        })
    }

    /// One of several, by its number. There is no default: the person has to choose.
    pub(crate) fn choose(&self, question: &str, options: &[String]) -> Result<usize, Problem> {
        self.choose_or(question, options, None)
    }

    /// The same, with what is meant by just pressing enter.
    pub(crate) fn choose_or(&self, question: &str, options: &[String], standard: Option<usize>) -> Result<usize, Problem> {
        self.say(question)?;
        for (index, option) in options.iter().enumerate() {
            self.say(&format!("  {}. {option}", index + 1))?;
        }
        let label = match standard {
            Some(standard) => format!("Your choice, 1 to {} [{}]", options.len(), standard + 1),
            None => format!("Your choice, 1 to {}", options.len()),
        };
        loop {
            let typed = self.line(&label)?;
            match (typed.parse::<usize>(), standard) {
                (Ok(number), _) if (1..=options.len()).contains(&number) => return Ok(number - 1),
                (_, Some(standard)) if typed.is_empty() => return Ok(standard),
                _ => self.say("Type one of the numbers.")?,
            }
        }
    }

    fn write(&self, text: &str) -> Result<(), Problem> {
        (&self.tty).write_all(text.as_bytes()).map_err(failed)
    }

    /// Reads up to the end of the line, byte by byte with signals off, so that an interrupt is an answer too and can never leave the
    /// terminal silent.
    fn read_line(&self, shown: bool) -> Result<Vec<u8>, Problem> {
        let _silence = Silence::begin(&self.tty)?;
        // Room enough that a secret is not moved, which would leave a copy behind.
        let mut typed = Vec::with_capacity(4096);
        loop {
            match self.read_byte()? {
                INTERRUPT => return self.write("\n").and(Err(cancelled())),
                END if typed.is_empty() => return self.write("\n").and(Err(cancelled())),
                b'\n' | b'\r' => break,
                ESCAPE => self.skip_key()?,
                ERASE_LINE => {
                    while erase(&mut typed) {
                        self.write(if shown { ERASED } else { "" })?;
                    }
                }
                byte if ERASE.contains(&byte) => {
                    if erase(&mut typed) {
                        self.write(if shown { ERASED } else { "" })?;
                    }
                }
                byte if byte.is_ascii_control() => {}
                byte => {
                    typed.push(byte);
                    if shown {
                        (&self.tty).write_all(&[byte]).map_err(failed)?;
                    }
                }
            }
        }
        self.write("\n")?;
        Ok(typed)
    }

    fn read_byte(&self) -> Result<u8, Problem> {
        let mut byte = [0];
        match (&self.tty).read(&mut byte).map_err(failed)? {
            0 => Err(cancelled()),
            _ => Ok(byte[0]),
        }
    }

    /// An arrow or another key that is no text: ESC, `[`, parameters, one final byte (ECMA-48, section 5.4).
    fn skip_key(&self) -> Result<(), Problem> {
        if self.read_byte()? == b'[' {
            while !(0x40..=0x7e).contains(&self.read_byte()?) {}
        }
        Ok(())
    }
}

/// Removes the last character; false if there is none.
fn erase(typed: &mut Vec<u8>) -> bool {
    let was_empty = typed.is_empty();
    while typed.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
    !was_empty
}

/// While it lives, the terminal shows nothing of what is typed.
struct Silence<'a> {
    tty: &'a File,
    before: Termios,
}

impl<'a> Silence<'a> {
    fn begin(tty: &'a File) -> Result<Self, Problem> {
        let before = tcgetattr(tty).map_err(|error| failed(error.into()))?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        tcsetattr(tty, OptionalActions::Flush, &silent).map_err(|error| failed(error.into()))?;
        Ok(Self { tty, before })
    }
}

impl Drop for Silence<'_> {
    fn drop(&mut self) {
        // If the terminal is gone there is nothing to restore.
        let _ = tcsetattr(self.tty, OptionalActions::Now, &self.before);
    }
}

fn failed(error: std::io::Error) -> Problem {
    Problem::new(ProblemCode::Internal, format!("The terminal failed: {error}."), "Try again in another terminal.")
}

fn cancelled() -> Problem {
    Problem::new(
        ProblemCode::BadInput,
        "You stopped before giving an answer.",
        "Nothing was changed; run the command again when you like.",
    )
}

fn not_text() -> Problem {
    Problem::new(ProblemCode::BadInput, "What was typed is not UTF-8 text.", "Type it again.")
}
