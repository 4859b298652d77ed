//! The manifest's own JSON Schema: its shape, and for each part the sentence that says what to write there.

use std::sync::LazyLock;

use jsonschema::Validator;
use jsonschema::error::ValidationErrorKind;
use serde_json::Value;

use super::problem::ManifestProblem;

/// The schema, as shipped to authors.
pub(crate) const TEXT: &str = include_str!("manifest.schema.json");

static SCHEMA: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(TEXT).expect("the shipped schema is JSON"));
static VALIDATOR: LazyLock<Validator> =
    LazyLock::new(|| jsonschema::validator_for(&SCHEMA).expect("the shipped schema is a schema"));

/// Every place where `document` has not the shape of a manifest.
pub(crate) fn shape_problems(document: &Value) -> Vec<ManifestProblem> {
    VALIDATOR
        .iter_errors(document)
        .map(|error| {
            let pointer = error.instance_path().to_string();
            let (pointer, what) = match error.kind() {
                ValidationErrorKind::Required { property } => {
                    (format!("{pointer}/{}", escaped(property.as_str().unwrap_or_default())), "it is missing".to_owned())
                }
                _ => (pointer, error.masked_with("this value").to_string()),
            };
            let fix = node(&pointer).and_then(|node| node.get("description")).and_then(Value::as_str);
            let fix = fix.unwrap_or("See the manifest's schema").to_owned();
            ManifestProblem { pointer, problem: what, fix }
        })
        .collect()
}

/// Fields that Freehold does not know, in the sections that are its own. The profile's sections may hold anything.
pub(crate) fn unknown_fields(document: &Value) -> Vec<ManifestProblem> {
    let mut warnings = Vec::new();
    walk(document, &SCHEMA, &mut String::new(), &mut warnings);
    warnings
}

fn walk(value: &Value, schema: &Value, pointer: &mut String, warnings: &mut Vec<ManifestProblem>) {
    let schema = resolved(schema);
    let length = pointer.len();
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                pointer.push('/');
                pointer.push_str(&escaped(name));
                if let Some(known) = schema.get("properties").and_then(|all| all.get(name)) {
                    walk(field, known, pointer, warnings);
                } else if schema.get("x-freehold").is_some() {
                    let known: Vec<&str> =
                        schema["properties"].as_object().into_iter().flatten().map(|(n, _)| &**n).collect();
                    let fix = format!("Known here are {}; remove it, or correct its spelling", known.join(", "));
                    warnings.push(ManifestProblem::new(pointer.clone(), "Freehold does not know this field", fix));
                }
                pointer.truncate(length);
            }
        }
        Value::Array(items) => {
            let Some(item_schema) = schema.get("items") else { return };
            for (index, item) in items.iter().enumerate() {
                pointer.push_str(&format!("/{index}"));
                walk(item, item_schema, pointer, warnings);
                pointer.truncate(length);
            }
        }
        _ => {}
    }
}

/// The schema's node for a place in the document.
fn node(pointer: &str) -> Option<&'static Value> {
    let mut node: &'static Value = &SCHEMA;
    for step in pointer.split('/').skip(1) {
        let step = step.replace("~1", "/").replace("~0", "~");
        let here = resolved(node);
        let found = here.get("properties").and_then(|all| all.get(&step));
        node = found.or_else(|| here.get("items")).or_else(|| here.get("additionalProperties")).unwrap_or(here);
    }
    Some(resolved(node))
}

fn resolved<'s>(schema: &'s Value) -> &'s Value
where
    'static: 's,
{
    let target = schema.get("$ref").and_then(Value::as_str).and_then(|reference| reference.strip_prefix('#'));
    target.and_then(|pointer| SCHEMA.pointer(pointer)).unwrap_or(schema)
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
