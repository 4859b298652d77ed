//! Connectors: the kinds of account that can be collected here.

use askama::Template;
use freehold_engine::view::ConnectorView;

use super::{Filter, Section};
use crate::admit::Visitor;
use crate::api::Asked;
use crate::page::{Frame, Page, show};

#[derive(Template)]
#[template(path = "settings/connectors.html")]
pub(in crate::page) struct ConnectorsPage {
    frame: Frame,
    text: String,
    total: usize,
    connectors: Vec<ConnectorView>,
}

pub(crate) async fn show_page(visitor: Visitor, Asked(filter): Asked<Filter>) -> Page {
    let connectors = visitor.ask(|engine, _| Ok(engine.connectors())).await?;
    Ok(show(&page(connectors, filter)))
}

pub(in crate::page) fn page(mut connectors: Vec<ConnectorView>, filter: Filter) -> ConnectorsPage {
    let total = connectors.len();
    connectors.retain(|connector| filter.fits(&[&connector.display_name, connector.name.as_str(), &connector.description]));
    ConnectorsPage { frame: Frame::of_settings(Section::Connectors), total, connectors, text: filter.text }
}
