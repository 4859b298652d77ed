//! A connector that emits records as fast as they can be read: the load of the ingest benchmark. Each line is about 300 bytes.
//! It has no dependency, so that what is measured is Freehold.

use std::io::{BufRead, BufWriter, Read, Write};

/// Enough that a write to the pipe is rare beside making its content.
const BUFFER: usize = 1 << 20;

fn main() -> std::io::Result<()> {
    #[expect(clippy::disallowed_methods, reason = "a connector's settings come in the variables its manifest names")]
    let records: u64 = std::env::var("GENERATOR_RECORDS").ok().and_then(|text| text.parse().ok()).unwrap_or(1000);
    let mut input = std::io::stdin().lock();
    input.read_line(&mut String::new())?;

    let mut output = BufWriter::with_capacity(BUFFER, std::io::stdout().lock());
    for number in 0..records {
        // A multiplicative hash (Knuth), cut to what every JSON reader takes for an exact integer: values in no order.
        let value = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11;
        writeln!(
            output,
            "{{\"type\":\"RECORD\",\"stream\":\"events\",\"key\":\"e{number:09}\",\"data\":{{\"id\":\"e{number:09}\",\"title\":\"Event \
             number {number}\",\"value\":{value},\"tags\":[\"a{}\",\"b{}\"],\"text\":\"{value:020} and some more words, as a short \
             note would have, to make it the usual size\"}},\"emitted_at\":\"2026-01-01T00:00:{:02}.{:06}Z\"}}",
            value % 97,
            value % 89,
            number / 1_000_000 % 60,
            number % 1_000_000,
        )?;
    }
    writeln!(output, "{{\"type\":\"DONE\",\"status\":\"succeeded\",\"records_emitted\":{records}}}")?;
    output.flush()?;
    // Everything is durable once the other side closes this.
    input.read_to_end(&mut Vec::new()).map(drop)
}
