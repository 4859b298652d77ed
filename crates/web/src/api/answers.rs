//! Questions to the owner, and their answers.

use std::collections::BTreeMap;

use axum::Json;
use freehold_core::{InteractionId, ProblemCode};
use freehold_engine::Answer as Reply;
use freehold_engine::view::InteractionView;
use serde::Deserialize;

use super::{Answer, Named};
use crate::admit::Visitor;
use crate::body::{JsonBody, Secret, secrets};
use crate::refused::Refused;

/// Exactly one of the three.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Given {
    #[serde(default)]
    fields: Option<BTreeMap<String, Secret>>,
    #[serde(default)]
    yes: bool,
    #[serde(default)]
    no: bool,
}

impl Given {
    fn into_reply(self) -> Result<Reply, Refused> {
        match (self.fields, self.yes, self.no) {
            (Some(fields), false, false) => Ok(Reply::Fields(secrets(fields))),
            (None, true, false) => Ok(Reply::Yes),
            (None, false, true) => Ok(Reply::No),
            _ => Err(Refused::new(
                ProblemCode::BadInput,
                "An answer is one thing: fields, yes or no.",
                "Send {\"fields\": {…}}, {\"yes\": true} or {\"no\": true}.",
            )),
        }
    }
}

pub(crate) async fn list(visitor: Visitor) -> Answer<Vec<InteractionView>> {
    Ok(Json(visitor.ask(|engine, caller| engine.interactions(caller)).await?))
}

pub(crate) async fn show(visitor: Visitor, Named(id): Named<InteractionId>) -> Answer<InteractionView> {
    Ok(Json(visitor.ask(move |engine, caller| engine.interaction(caller, id)).await?))
}

pub(crate) async fn answer(
    visitor: Visitor,
    Named(id): Named<InteractionId>,
    JsonBody(given): JsonBody<Given>,
) -> Answer<InteractionView> {
    let reply = given.into_reply()?;
    Ok(Json(visitor.ask(move |engine, caller| engine.answer(caller, id, reply)).await?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_exactly_one_thing() {
        let reply = |text: &str| serde_json::from_str::<Given>(text).map(Given::into_reply);
        assert!(matches!(reply(r#"{"yes": true}"#), Ok(Ok(Reply::Yes))));
        assert!(matches!(reply(r#"{"no": true}"#), Ok(Ok(Reply::No))));
        assert!(matches!(reply(r#"{"fields": {"code": "123456"}}"#), Ok(Ok(Reply::Fields(_)))));
        for none_or_two in ["{}", r#"{"yes": false}"#, r#"{"yes": true, "no": true}"#, r#"{"fields": {}, "yes": true}"#] {
            assert!(matches!(reply(none_or_two), Ok(Err(_))), "{none_or_two}");
        }
    }
}
