//! What was collected is found, once the index has come to it.

use freehold_core::ProblemCode;
use freehold_engine::SearchQuery;
use freehold_engine::view::SearchPage;

use crate::support::{OWNER, Server};

fn query(text: &str) -> SearchQuery {
    SearchQuery { text: text.to_owned(), ..SearchQuery::default() }
}

/// Searches once nothing waits any more.
fn found(server: &Server, query: &SearchQuery) -> SearchPage {
    let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
    loop {
        let page = server.engine.search(&OWNER, query).expect("searched");
        if page.waiting == 0 {
            return page;
        }
        assert!(std::time::Instant::now() < until, "{} are not searchable", page.waiting);
        std::thread::park_timeout(std::time::Duration::from_millis(10));
    }
}

#[test]
fn what_was_collected_is_found_across_sources_and_gone_with_them() {
    let server = Server::new();
    let details = [("username", "ada"), ("password", "hunter2-hunter2")];
    let add = |name| server.try_add("spec_only", name, &[("note_count", "30")], &details).expect("a source");
    let (one, two) = (add("one"), add("two"));
    server.ended(one.id);
    server.ended(two.id);

    let page = found(&server, &SearchQuery { limit: 50, ..query("\"note 29\"") });
    assert_eq!((page.total, page.more, page.next), (2, false, None));
    assert_eq!(page.hits[0].title, "Note 29");
    assert!(page.hits[0].snippet.iter().any(|part| part.is_hit), "{:?}", page.hits[0].snippet);
    let within = SearchQuery { source: Some(two.id), ..query("\"note 29\"") };
    assert_eq!(found(&server, &within).hits.iter().map(|hit| hit.source).collect::<Vec<_>>(), [two.id]);

    let first = found(&server, &SearchQuery { limit: 40, ..query("note") });
    let rest = found(&server, &SearchQuery { before: first.next, ..query("note") });
    assert_eq!((first.total, first.hits.len(), rest.hits.len(), rest.next), (60, 40, 20, None));

    server.engine.remove_source(&OWNER, two.id, &two.name, false).expect("removed, its records kept");
    assert!(found(&server, &query("\"note 29\"")).hits.iter().any(|hit| hit.removed), "still there to be read");
    server.engine.delete_removed(&OWNER, two.id, &two.name).expect("deleted");
    assert_eq!(found(&server, &query("\"note 29\"")).total, 1);

    let wordless = server.engine.search(&OWNER, &query("***")).map(|page| page.total);
    assert_eq!(
        wordless.map_err(|problem| (problem.code, problem.at)),
        Err((ProblemCode::BadInput, Some("text".to_owned())))
    );
}
