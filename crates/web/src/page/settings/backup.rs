//! Backups: made now, made by the clock, and how they are restored.

use askama::Template;
use axum::http::StatusCode;
use freehold_core::{Problem, ProblemCode};
use freehold_engine::{BackupCause, BackupOutcome, BackupPlan, BackupProgress, BackupView, BackupsView, Every};

use super::{Section, about_input};
use crate::admit::Visitor;
use crate::body::FormBody;
use crate::done::Done;
use crate::page::details::give_passphrase;
use crate::page::text::{When, bytes, counted};
use crate::page::{Frame, Page, go_to_saying, show_with};
use crate::status::Sign;

#[derive(Template)]
#[template(path = "settings/backup.html")]
pub(in crate::page) struct BackupPage {
    frame: Frame,
    under_way: Option<UnderWay>,
    backups: Vec<Row>,
    has_plan: bool,
    next: Option<When>,
    form: PlanForm,
    has_passphrase: bool,
    asks_passphrase: bool,
    problem: Option<Problem>,
}

/// How far the one under way is.
struct UnderWay {
    words: String,
    done: u64,
    all: u64,
}

/// One that ended.
struct Row {
    made: When,
    cause: &'static str,
    sign: Sign,
    /// What is in it, or why there is none.
    what: String,
    /// Where its file is.
    path: Option<String>,
    /// Where it can be had, as long as its file is there.
    url: Option<String>,
}

/// The plan as it is typed.
struct PlanForm {
    folder: String,
    weekly: bool,
    hour: String,
    zone: String,
    keep: String,
}

pub(crate) async fn show_page(visitor: Visitor) -> Page {
    again(&visitor, None, None).await
}

pub(crate) async fn begin(mut visitor: Visitor, mut body: FormBody) -> Page {
    let begun = match give_passphrase(&mut visitor, &mut body).await {
        Ok(()) => visitor.ask(|engine, caller| engine.back_up(caller)).await,
        Err(refused) => Err(refused),
    };
    match begun {
        Ok(_) => go_to_saying(Done::BackupBegun, Section::Backup.path()),
        Err(refused) => again(&visitor, None, Some(about_input(refused)?)).await,
    }
}

pub(crate) async fn plan(mut visitor: Visitor, mut body: FormBody) -> Page {
    let text = |name: &str| body.text(name).unwrap_or_default().trim().to_owned();
    let form = PlanForm {
        folder: text("folder"),
        weekly: text("every") == "week",
        hour: text("hour"),
        zone: text("zone"),
        keep: text("keep"),
    };
    let planned = match form.read() {
        Ok(plan) => match give_passphrase(&mut visitor, &mut body).await {
            Ok(()) => visitor.ask(move |engine, caller| engine.set_backup_plan(caller, Some(plan))).await,
            Err(refused) => Err(refused),
        },
        Err(problem) => Err(crate::refused::Refused(problem)),
    };
    match planned {
        Ok(_) => go_to_saying(Done::BackupsPlanned, Section::Backup.path()),
        Err(refused) => again(&visitor, Some(form), Some(about_input(refused)?)).await,
    }
}

pub(crate) async fn end_plan(mut visitor: Visitor, mut body: FormBody) -> Page {
    let ended = match give_passphrase(&mut visitor, &mut body).await {
        Ok(()) => visitor.ask(|engine, caller| engine.set_backup_plan(caller, None)).await,
        Err(refused) => Err(refused),
    };
    match ended {
        Ok(_) => go_to_saying(Done::BackupsUnplanned, Section::Backup.path()),
        Err(refused) => again(&visitor, None, Some(about_input(refused)?)).await,
    }
}

async fn again(visitor: &Visitor, typed: Option<PlanForm>, problem: Option<Problem>) -> Page {
    let backups = visitor.ask(|engine, caller| engine.backups(caller)).await?;
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let mut page = with(backups, typed, !visitor.is_reauthenticated(), problem);
    page.frame.tell(visitor);
    Ok(show_with(status, &page))
}

#[cfg(test)]
pub(in crate::page) fn page(backups: BackupsView, asks_passphrase: bool, problem: Option<Problem>) -> BackupPage {
    with(backups, None, asks_passphrase, problem)
}

fn with(view: BackupsView, typed: Option<PlanForm>, asks_passphrase: bool, problem: Option<Problem>) -> BackupPage {
    BackupPage {
        frame: Frame::of_settings(Section::Backup),
        has_plan: view.plan.is_some(),
        next: view.next_due_at.map(When),
        form: typed.unwrap_or_else(|| PlanForm::of(view.plan.as_ref(), &view.zone)),
        has_passphrase: view.opened_by.iter().any(|kind| kind == "passphrase"),
        under_way: view.under_way.as_ref().map(under_way),
        backups: view.backups.into_iter().map(row).collect(),
        asks_passphrase,
        problem,
    }
}

fn under_way(now: &BackupProgress) -> UnderWay {
    let words = match now.all {
        0 => now.stage.to_owned(),
        all => format!("{} · {} of {}", now.stage, bytes(now.done), bytes(all)),
    };
    UnderWay { words, done: now.done, all: now.all }
}

fn row(backup: BackupView) -> Row {
    let made = When(backup.made_at);
    let cause = match backup.cause {
        BackupCause::Owner => "You asked for it",
        BackupCause::Schedule => "By the plan",
    };
    let sign = |word, shape| Sign { word, shape };
    match backup.outcome {
        BackupOutcome::Made { path, size, files, damaged } => {
            let all = format!("{}, with {} of records", bytes(size), counted(files, "file", "files"));
            let (sign, what) = match (backup.is_there, damaged) {
                (false, _) => (sign("Not there", "due"), "Its file is not where it was written.".to_owned()),
                (true, 0) => (sign("Made", "fresh"), all),
                (true, damaged) => {
                    let those = counted(damaged, "file of a record is", "files of records are");
                    (sign("Made", "needs_owner"), format!("{all}; {those} damaged on this disk, and not whole in it"))
                }
            };
            let url = backup.is_there.then(|| format!("{}/{}/file", Section::Backup.path(), backup.id));
            Row { made, cause, sign, what, path: Some(path.display().to_string()), url }
        }
        BackupOutcome::Failed { problem } => Row {
            made,
            cause,
            sign: sign("Failed", "broken"),
            what: format!("{} {}", problem.what, problem.next),
            path: problem.at,
            url: None,
        },
    }
}

impl PlanForm {
    fn of(plan: Option<&BackupPlan>, zone: &str) -> Self {
        match plan {
            Some(plan) => Self {
                folder: plan.folder.display().to_string(),
                weekly: plan.every == Every::Week,
                hour: plan.hour.to_string(),
                zone: plan.zone.clone(),
                keep: plan.keep.to_string(),
            },
            None => Self {
                folder: String::new(),
                weekly: false,
                hour: "3".to_owned(),
                zone: zone.to_owned(),
                keep: "7".to_owned(),
            },
        }
    }

    fn read(&self) -> Result<BackupPlan, Problem> {
        let not_a_number =
            |at: &str| Problem::new(ProblemCode::BadInput, "This is not a number.", "Write it in digits.").at(at);
        Ok(BackupPlan {
            folder: self.folder.clone().into(),
            every: if self.weekly { Every::Week } else { Every::Day },
            hour: self.hour.parse().map_err(|_| not_a_number("hour"))?,
            zone: self.zone.clone(),
            keep: self.keep.parse().map_err(|_| not_a_number("keep"))?,
        })
    }
}
