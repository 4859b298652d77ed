//! A source's last runs at a glance: what became of each, and how much it brought.

use freehold_core::Timestamp;
use freehold_engine::view::RunView;

use super::chart::Percent;
use super::text::{count, counted};
use crate::status::Sign;

/// Runs shown: as many as there is room for on a phone.
pub(super) const RUNS: usize = 30;
/// Of fewer runs there is nothing to be seen that the list does not show.
const FEWEST: usize = 4;
/// From the top of the tallest bar to the base, in pixels.
const HEIGHT: u64 = 48;
/// Of a run's share of the width, what its bar takes.
const FILLED: f64 = 0.62;

/// The last runs, the oldest first.
pub(super) struct RunChart {
    pub(super) title: String,
    /// How many ended in each way, the most frequent first.
    pub(super) outcomes: Vec<(Sign, String)>,
    pub(super) marks: Vec<Mark>,
}

/// A run. Across, in hundredths of the width; down, in pixels.
pub(super) struct Mark {
    pub(super) url: String,
    pub(super) sign: Sign,
    /// When it was, what became of it, and what it brought.
    pub(super) words: String,
    /// Its share of the width, for the pointer.
    pub(super) slot: (Percent, Percent),
    pub(super) middle: Percent,
    pub(super) x: Percent,
    pub(super) width: Percent,
    pub(super) y: u64,
    pub(super) height: u64,
}

/// What is drawn of a run.
pub(super) struct Drawn {
    pub(super) url: String,
    pub(super) at: Timestamp,
    pub(super) sign: Sign,
    /// Records that were new or changed.
    pub(super) brought: u64,
}

impl RunChart {
    /// Of a source's runs, the newest first. None if they are few.
    pub(super) fn of(runs: &[RunView]) -> Option<Self> {
        let drawn = |run: &RunView| Drawn {
            url: format!("/sources/{}/runs/{}", run.source, run.id),
            at: run.created_at,
            sign: super::run::sign(run),
            brought: run.counts.added + run.counts.changed,
        };
        Self::draw(runs.iter().take(RUNS).map(drawn).collect())
    }

    pub(super) fn draw(runs: Vec<Drawn>) -> Option<Self> {
        if runs.len() < FEWEST {
            return None;
        }
        let most = runs.iter().map(|run| run.brought).max().unwrap_or(0).max(1);
        let mark = |(place, run): (usize, &Drawn)| {
            let share = 100.0 / RUNS as f64;
            let (x, height) = (share * place as f64, (run.brought * HEIGHT).div_ceil(most));
            let when = run.at.strftime("%-d %b %Y, %H:%M");
            Mark {
                url: run.url.clone(),
                words: format!(
                    "{when} UTC: {}, {} new or changed",
                    run.sign.word,
                    counted(run.brought, "record", "records")
                ),
                sign: run.sign,
                slot: (Percent(x), Percent(share)),
                middle: Percent(x + share / 2.0),
                x: Percent(x + share * (1.0 - FILLED) / 2.0),
                width: Percent(share * FILLED),
                y: HEIGHT - height,
                height,
            }
        };
        Some(Self {
            title: format!("The last {} runs", runs.len()),
            outcomes: outcomes(&runs),
            marks: runs.iter().rev().enumerate().map(mark).collect(),
        })
    }
}

fn outcomes(runs: &[Drawn]) -> Vec<(Sign, String)> {
    let mut found: Vec<(Sign, u64)> = Vec::new();
    for Drawn { sign, .. } in runs {
        match found.iter_mut().find(|(known, _)| known == sign) {
            Some((_, number)) => *number += 1,
            None => found.push((*sign, 1)),
        }
    }
    found.sort_by_key(|(_, number)| std::cmp::Reverse(*number));
    found.into_iter().map(|(sign, number)| (sign, count(number))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_run_is_first_and_each_outcome_is_counted() {
        let run = |n: i64, word, brought| Drawn {
            url: format!("/runs/{n}"),
            at: Timestamp::from_second(n * 86_400).expect("in range"),
            sign: Sign { word, shape: "fresh" },
            brought,
        };
        let newest_first =
            || vec![run(4, "Failed", 0), run(3, "Succeeded", 12), run(2, "Succeeded", 1), run(1, "Succeeded", 6)];
        let chart = RunChart::draw(newest_first()).expect("a chart");
        let marks: Vec<_> = chart.marks.iter().map(|mark| (mark.url.as_str(), mark.y, mark.height)).collect();
        assert_eq!(marks, [("/runs/1", 24, 24), ("/runs/2", 44, 4), ("/runs/3", 0, 48), ("/runs/4", 48, 0)]);
        assert_eq!(chart.marks[1].words, "3 Jan 1970, 00:00 UTC: Succeeded, 1 record new or changed");
        let outcomes: Vec<_> = chart.outcomes.iter().map(|(sign, number)| (sign.word, number.as_str())).collect();
        assert_eq!(outcomes, [("Succeeded", "3"), ("Failed", "1")]);
        assert!(RunChart::draw(newest_first().split_off(1)).is_none());
    }
}
