//! The structures that messages are made of.

use std::collections::BTreeMap;

use super::fields::{Field, fields_of};
use super::value::Value;
use super::writer::Writer;
use crate::graph::{ConceptMetadata, ConceptType, TERMS_MAX};
use crate::remote::codec::CodecError;
use crate::remote::message::{LearnOptions, MetadataMatch, SemanticFilter, SemanticMatch, SemanticPath, Stats};

/// The types of a concept with their names, in the order of the protocol.
const CONCEPT_TYPES: [(&str, ConceptType); 10] = [
    ("DomainConcept", ConceptType::DomainConcept),
    ("User", ConceptType::User),
    ("Session", ConceptType::Session),
    ("Organization", ConceptType::Organization),
    ("Conversation", ConceptType::Conversation),
    ("Message", ConceptType::Message),
    ("Space", ConceptType::Space),
    ("Permission", ConceptType::Permission),
    ("Role", ConceptType::Role),
    ("AuditLog", ConceptType::AuditLog),
];

pub(super) fn write_concept_type(out: &mut Writer, concept_type: ConceptType) -> &mut Writer {
    let name = CONCEPT_TYPES.iter().find(|(_, known)| *known == concept_type).map_or("", |(name, _)| name);
    out.text(name)
}

pub(super) fn read_concept_type(value: Value<'_>) -> Result<ConceptType, &'static str> {
    let number = value.u64().ok().and_then(|number| usize::try_from(number).ok());
    let known = match number {
        Some(number) => CONCEPT_TYPES.get(number),
        None => value.text().ok().and_then(|name| CONCEPT_TYPES.iter().find(|(known, _)| *known == name)),
    };
    known.map(|(_, concept_type)| *concept_type).ok_or("expected a type of concepts")
}

pub(super) fn write_metadata(out: &mut Writer, metadata: &ConceptMetadata) {
    out.map(7);
    write_concept_type(out.text("concept_type"), metadata.concept_type);
    out.text("organization_id").optional(metadata.organization_id.as_deref(), Writer::text);
    out.text("created_by").optional(metadata.created_by.as_deref(), Writer::text);
    out.text("tags").texts(&metadata.tags);
    write_attributes(out.text("attributes"), &metadata.attributes);
    out.text("deleted").flag(metadata.deleted);
    out.text("schema_version").unsigned(metadata.schema_version.into());
}

pub(super) fn write_attributes(out: &mut Writer, attributes: &BTreeMap<String, String>) {
    out.map(attributes.len());
    for (name, value) in attributes {
        out.text(name).text(value);
    }
}

fn read_metadata(field: Field<'_>) -> Result<ConceptMetadata, CodecError> {
    let names = ["concept_type", "organization_id", "created_by", "tags", "attributes", "deleted", "schema_version"];
    let [concept_type, organization_id, created_by, tags, attributes, deleted, schema_version] =
        fields_of("metadata", Some(field.value()?), names, 0)?;
    Ok(ConceptMetadata {
        concept_type: concept_type.read(read_concept_type)?,
        organization_id: organization_id.optional(Value::string)?,
        created_by: created_by.optional(Value::string)?,
        tags: tags.given().map_or(Ok(Vec::new()), Field::strings)?,
        attributes: attributes.or(BTreeMap::new(), |value| value.map(Value::string))?,
        deleted: deleted.or(false, Value::flag)?,
        schema_version: schema_version.or(0, Value::u32)?,
    })
}

/// The metadata of a concept, which are an extension: whatever else stands under this key, as in messages of programs
/// that use it for something of their own, is passed over like any other key that the protocol does not know.
pub(super) fn read_extra_metadata(field: Field<'_>) -> Result<Option<ConceptMetadata>, CodecError> {
    let says_type = |value: Value<'_>| {
        value.entries().is_some_and(|mut entries| entries.any(|(key, _)| key.text() == Ok("concept_type")))
    };
    match field.given().filter(|field| field.value().is_ok_and(says_type)) {
        Some(field) => read_metadata(field).map(Some),
        None => Ok(None),
    }
}

pub(super) fn write_options(out: &mut Writer, options: &LearnOptions) {
    out.map(7);
    out.text("generate_embedding").flag(options.generate_embedding);
    out.text("embedding_model").optional(options.embedding_model.as_deref(), Writer::text);
    out.text("extract_associations").flag(options.extract_associations);
    out.text("min_association_confidence").float(options.min_association_confidence);
    out.text("max_associations_per_concept").unsigned(options.max_associations_per_concept);
    out.text("strength").float(options.strength);
    out.text("confidence").float(options.confidence);
}

/// What is not given has its default.
pub(super) fn read_options(field: Field<'_>) -> Result<LearnOptions, CodecError> {
    let names = [
        "generate_embedding",
        "embedding_model",
        "extract_associations",
        "min_association_confidence",
        "max_associations_per_concept",
        "strength",
        "confidence",
    ];
    let Some(field) = field.given() else { return Ok(LearnOptions::default()) };
    let [generate, model, extract, min_confidence, max_associations, strength, confidence] =
        fields_of("options", Some(field.value()?), names, 0)?;
    let default = LearnOptions::default();
    Ok(LearnOptions {
        generate_embedding: generate.or(default.generate_embedding, Value::flag)?,
        embedding_model: model.optional(Value::string)?,
        extract_associations: extract.or(default.extract_associations, Value::flag)?,
        min_association_confidence: min_confidence.or(default.min_association_confidence, Value::f32)?,
        max_associations_per_concept: max_associations.or(default.max_associations_per_concept, Value::u64)?,
        strength: strength.or(default.strength, Value::f32)?,
        confidence: confidence.or(default.confidence, Value::f32)?,
    })
}

pub(super) fn write_filter(out: &mut Writer, filter: &SemanticFilter) {
    out.map(7);
    out.text("semantic_type").optional(filter.semantic_type.as_deref(), Writer::text);
    out.text("domain_context").optional(filter.domain_context.as_deref(), Writer::text);
    out.text("temporal_after").optional(filter.temporal_after, Writer::signed);
    out.text("temporal_before").optional(filter.temporal_before, Writer::signed);
    out.text("has_causal_relation").flag(filter.has_causal_relation);
    out.text("min_confidence").float(filter.min_confidence);
    out.text("required_terms").texts(&filter.required_terms);
}

/// What is not given does not narrow.
pub(super) fn read_filter(field: Field<'_>) -> Result<SemanticFilter, CodecError> {
    let names = [
        "semantic_type",
        "domain_context",
        "temporal_after",
        "temporal_before",
        "has_causal_relation",
        "min_confidence",
        "required_terms",
    ];
    let Some(field) = field.given() else { return Ok(SemanticFilter::default()) };
    let [semantic_type, domain_context, after, before, has_causal_relation, min_confidence, terms] =
        fields_of("filter", Some(field.value()?), names, 0)?;
    Ok(SemanticFilter {
        semantic_type: semantic_type.optional(Value::string)?,
        domain_context: domain_context.optional(Value::string)?,
        temporal_after: after.optional(Value::i64)?,
        temporal_before: before.optional(Value::i64)?,
        has_causal_relation: has_causal_relation.or(false, Value::flag)?,
        min_confidence: min_confidence.or(0.0, Value::f32)?,
        required_terms: terms
            .given()
            .map_or(Ok(Vec::new()), |terms| terms.strings_up_to(TERMS_MAX, "Too many terms"))?,
    })
}

pub(super) fn write_metadata_match(out: &mut Writer, found: &MetadataMatch) {
    out.map(5);
    out.text("concept_id").text(&found.concept_id);
    out.text("content_preview").text(&found.content_preview);
    write_metadata(out.text("metadata"), &found.metadata);
    out.text("created").unsigned(found.created);
    out.text("last_accessed").unsigned(found.last_accessed);
}

pub(super) fn read_metadata_match(value: Value<'_>) -> Result<MetadataMatch, CodecError> {
    let names = ["concept_id", "content_preview", "metadata", "created", "last_accessed"];
    let [concept_id, content_preview, metadata, created, last_accessed] =
        fields_of("a concept", Some(value), names, 0)?;
    Ok(MetadataMatch {
        concept_id: concept_id.string()?,
        content_preview: content_preview.string()?,
        metadata: read_metadata(metadata)?,
        created: created.read(Value::u64)?,
        last_accessed: last_accessed.read(Value::u64)?,
    })
}

pub(super) fn write_path(out: &mut Writer, path: &SemanticPath) {
    out.map(5);
    out.text("concepts").texts(&path.concepts);
    out.text("confidence").float(path.confidence);
    out.text("type_distribution").map(path.type_distribution.len());
    for (name, count) in &path.type_distribution {
        out.text(name).unsigned(*count);
    }
    out.text("domains").texts(&path.domains);
    out.text("is_temporally_ordered").flag(path.is_temporally_ordered);
}

pub(super) fn read_path(value: Value<'_>) -> Result<SemanticPath, CodecError> {
    let names = ["concepts", "confidence", "type_distribution", "domains", "is_temporally_ordered"];
    let [concepts, confidence, type_distribution, domains, is_temporally_ordered] =
        fields_of("a path", Some(value), names, 0)?;
    Ok(SemanticPath {
        concepts: concepts.strings()?,
        confidence: confidence.read(Value::f32)?,
        type_distribution: type_distribution.read(|value| value.map(Value::u64))?,
        domains: domains.strings()?,
        is_temporally_ordered: is_temporally_ordered.read(Value::flag)?,
    })
}

pub(super) fn write_semantic_match(out: &mut Writer, found: &SemanticMatch) {
    out.map(5);
    out.text("concept_id").text(&found.concept_id);
    out.text("content").text(&found.content);
    out.text("semantic_type").text(&found.semantic_type);
    out.text("domain").text(&found.domain);
    out.text("confidence").float(found.confidence);
}

pub(super) fn read_semantic_match(value: Value<'_>) -> Result<SemanticMatch, CodecError> {
    let names = ["concept_id", "content", "semantic_type", "domain", "confidence"];
    let [concept_id, content, semantic_type, domain, confidence] = fields_of("a concept", Some(value), names, 0)?;
    Ok(SemanticMatch {
        concept_id: concept_id.string()?,
        content: content.string()?,
        semantic_type: semantic_type.string()?,
        domain: domain.string()?,
        confidence: confidence.read(Value::f32)?,
    })
}

/// A list, since the Python client reads these by their places, where it expects no vectors. These come last, so that
/// the list has as many numbers as clients in Rust expect. That it is not in the order of the protocol is told from its
/// last number, which is always written in eight bytes: no writer does that to a number which is not huge.
pub(super) fn write_stats(out: &mut Writer, stats: &Stats) {
    out.list(8).unsigned(stats.concepts).unsigned(stats.edges).unsigned(stats.written).unsigned(stats.dropped);
    out.unsigned(stats.pending).unsigned(stats.reconciliations).unsigned(stats.uptime_seconds);
    out.unsigned_in_eight_bytes(stats.vectors);
}

/// A map; or a list of seven, without vectors; or one of eight, in the order of [`write_stats`] or of the protocol.
pub(super) fn read_stats(of: &'static str, fields: Option<Value<'_>>) -> Result<Stats, CodecError> {
    let items = fields.and_then(Value::items);
    let without_vectors = items.as_ref().is_some_and(|items| items.len() == 7);
    let in_order_of_protocol =
        items.and_then(|items| items.skip(7).last()).is_some_and(|last| !last.is_in_eight_bytes());
    let [concepts, edges, written, dropped, pending, reconciliations, uptime, vectors] = if in_order_of_protocol {
        let names =
            ["concepts", "edges", "vectors", "written", "dropped", "pending", "reconciliations", "uptime_seconds"];
        let [concepts, edges, vectors, rest @ ..] = fields_of(of, fields, names, 0)?;
        let [written, dropped, pending, reconciliations, uptime] = rest;
        [concepts, edges, written, dropped, pending, reconciliations, uptime, vectors]
    } else {
        let names =
            ["concepts", "edges", "written", "dropped", "pending", "reconciliations", "uptime_seconds", "vectors"];
        fields_of(of, fields, names, usize::from(without_vectors))?
    };
    Ok(Stats {
        concepts: concepts.read(Value::u64)?,
        edges: edges.read(Value::u64)?,
        vectors: vectors.or(0, Value::u64)?,
        written: written.read(Value::u64)?,
        dropped: dropped.read(Value::u64)?,
        pending: pending.read(Value::u64)?,
        reconciliations: reconciliations.read(Value::u64)?,
        uptime_seconds: uptime.read(Value::u64)?,
    })
}
