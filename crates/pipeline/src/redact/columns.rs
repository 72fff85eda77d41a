//! From rules to columns: which dictionary values change, and the batch with new dictionaries.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, DictionaryArray, Int8Array, Int32Array, ListArray, RecordBatch,
    StringArray, StringBuilder, StringDictionaryBuilder, StructArray,
};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, Int8Type, Int32Type};
use columnar::{
    Column, Interner, LogColumn, Signal, ValueType, attribute_fields, resource_from_json,
    value_to_text,
};
use hashbrown::HashMap;
use model::AnyValue;

use super::hits::Hits;
use super::redactor::{LabelledHit, Outcome, Redactor, UnknownSchema, parse};
use super::rule::{Effect, LOG_BODY_KEY, Place};

type Texts = DictionaryArray<Int32Type>;

/// See [`Redactor::redact`].
pub(super) fn redact(
    redactor: &Redactor,
    batch: RecordBatch,
) -> Result<(RecordBatch, Hits), UnknownSchema> {
    let signal = Signal::of(batch.schema_ref()).ok_or(UnknownSchema)?;
    let mut pass = Pass {
        redactor,
        hits: Hits::default(),
    };
    let changes = match signal {
        Signal::Spans => pass.changed_span_columns(&batch),
        Signal::Logs => pass.changed_log_columns(&batch),
    };
    if changes.is_empty() {
        return Ok((batch, pass.hits));
    }
    let schema = batch.schema();
    let mut columns = batch.columns().to_vec();
    for (column, array) in changes {
        columns[column] = array;
    }
    let batch = RecordBatch::try_new(schema, columns);
    let batch = batch.expect("changed columns keep their type and length");
    Ok((batch, pass.hits))
}

/// One batch's way through the redactor.
struct Pass<'r> {
    redactor: &'r Redactor,
    hits: Hits,
}

impl Pass<'_> {
    /// Positions of columns and what they become.
    fn changed_span_columns(&mut self, batch: &RecordBatch) -> Vec<(usize, ArrayRef)> {
        let mut changes = Vec::new();
        let column = |column: Column| batch.column(column as usize);
        for (at, place) in [
            (Column::Name, Place::Name),
            (Column::StatusMessage, Place::Status),
            (Column::TraceState, Place::TraceState),
        ] {
            let texts = self.field(place, column(at).as_dictionary());
            changes.extend(texts.map(|texts| (at as usize, Arc::new(texts) as ArrayRef)));
        }
        let origins = [Column::Resource, Column::ServiceName, Column::Scope];
        changes.extend(self.origins(batch, origins.map(|column| column as usize)));
        let attributes = self.attributes(Place::Span, column(Column::Attributes).as_list());
        changes.extend(attributes.map(|a| (Column::Attributes as usize, Arc::new(a) as ArrayRef)));
        // Fields of events: time, name, attributes, dropped; of links: ids, trace state, flags, attributes, dropped.
        let events = column(Column::Events).as_list();
        let events = self.items(events, (1, Place::EventName), (2, Place::Event));
        changes.extend(events.map(|e| (Column::Events as usize, Arc::new(e) as ArrayRef)));
        let links = column(Column::Links).as_list();
        let links = self.items(links, (2, Place::LinkTraceState), (4, Place::Link));
        changes.extend(links.map(|l| (Column::Links as usize, Arc::new(l) as ArrayRef)));
        changes
    }

    fn changed_log_columns(&mut self, batch: &RecordBatch) -> Vec<(usize, ArrayRef)> {
        let mut changes = Vec::new();
        let column = |column: LogColumn| batch.column(column as usize);
        for (at, place) in [
            (LogColumn::SeverityText, Place::SeverityText),
            (LogColumn::EventName, Place::LogEventName),
        ] {
            let texts = self.field(place, column(at).as_dictionary());
            changes.extend(texts.map(|texts| (at as usize, Arc::new(texts) as ArrayRef)));
        }
        let origins = [
            LogColumn::Resource,
            LogColumn::ServiceName,
            LogColumn::Scope,
        ];
        changes.extend(self.origins(batch, origins.map(|column| column as usize)));
        let attributes = self.attributes(Place::Log, column(LogColumn::Attributes).as_list());
        let at = LogColumn::Attributes as usize;
        changes.extend(attributes.map(|a| (at, Arc::new(a) as ArrayRef)));
        let (types, bodies) = (column(LogColumn::BodyType), column(LogColumn::Body));
        let bodies = bodies_as_attributes(types.as_primitive(), bodies.as_dictionary());
        if let Some(redacted) = self.attributes(Place::LogBody, &bodies) {
            let (types, bodies) = attributes_as_bodies(&redacted);
            changes.push((LogColumn::BodyType as usize, types));
            changes.push((LogColumn::Body as usize, bodies));
        }
        changes
    }

    /// What the columns of resource, service and scope become, which stand at these positions.
    fn origins(
        &mut self,
        batch: &RecordBatch,
        [resource, service, scope]: [usize; 3],
    ) -> Vec<(usize, ArrayRef)> {
        let mut changes: Vec<(usize, ArrayRef)> = Vec::new();
        let texts = |at: usize| batch.column(at).as_dictionary();
        if let Some((resources, services)) = self.resources(texts(resource), texts(service)) {
            changes.push((resource, Arc::new(resources)));
            changes.push((service, Arc::new(services)));
        }
        let redactor = self.redactor;
        if let Some(scopes) = self.json(texts(scope), |json| redactor.scope(json)) {
            changes.push((scope, Arc::new(scopes)));
        }
        changes
    }

    /// A field's column with its texts redacted; `None` when nothing changes.
    fn field(&mut self, place: Place, column: &Texts) -> Option<Texts> {
        let values = values_of(column);
        let mut redacted = HashMap::new();
        for value in marked(&self.redactor.suspects(place, values)) {
            let outcome = self.redactor.field(place, values.value(value));
            let text = match outcome.effect {
                Effect::Keep => continue,
                Effect::Set(text) => text,
                Effect::Drop => String::new(),
            };
            redacted.insert(value, (text, outcome.rules));
        }
        if redacted.is_empty() {
            return None;
        }
        for &key in column.keys().values() {
            if let Some((_, rules)) = redacted.get(&(key as usize)) {
                self.count(rules, place.field_label());
            }
        }
        let texts = (0..values.len()).map(|value| match redacted.get(&value) {
            Some((text, _)) => text.as_str(),
            None => values.value(value),
        });
        Some(with_values(column, texts))
    }

    /// Resources redacted, and the services that they name.
    fn resources(&mut self, resources: &Texts, services: &Texts) -> Option<(Texts, Texts)> {
        let redactor = self.redactor;
        let redacted = self.json(resources, |json| redactor.resource(json));
        let resources = match redacted {
            Some(resources) => resources,
            // A service without its resource is a helper's leftover; it is derived anew if anything is found in it.
            None if self.is_suspect(services) => resources.clone(),
            None => return None,
        };
        let names = values_of(&resources).iter().map(|json| {
            let resource = resource_from_json(json.unwrap_or_default());
            resource.map_or_else(String::new, |r| r.service_name().to_owned())
        });
        let services = with_values(&resources, names);
        Some((resources, services))
    }

    fn is_suspect(&self, services: &Texts) -> bool {
        let values = values_of(services);
        let suspects = self.redactor.suspects(Place::Resource, values);
        marked(&suspects).any(|value| {
            let name = AnyValue::from(values.value(value));
            let outcome = self
                .redactor
                .value(Place::Resource, Some("service.name"), name);
            outcome.effect != Effect::Keep
        })
    }

    /// A column of JSON texts, each redacted by `f`; `None` when nothing changes.
    fn json(
        &mut self,
        column: &Texts,
        f: impl Fn(&str) -> Option<(String, Vec<LabelledHit>)>,
    ) -> Option<Texts> {
        let values = values_of(column);
        let redacted: Vec<_> = (0..values.len()).map(|v| f(values.value(v))).collect();
        if redacted.iter().all(Option::is_none) {
            return None;
        }
        for (rule, label) in redacted.iter().flatten().flat_map(|(_, hits)| hits) {
            self.count(&[*rule], label);
        }
        let texts = redacted
            .iter()
            .enumerate()
            .map(|(value, redacted)| match redacted {
                Some((json, _)) => json.as_str(),
                None => values.value(value),
            });
        Some(with_values(column, texts))
    }

    /// Events or links with the given text field and attributes redacted; `None` when nothing changes.
    fn items(
        &mut self,
        list: &ListArray,
        (text, text_place): (usize, Place),
        (attributes, place): (usize, Place),
    ) -> Option<ListArray> {
        let items = list.values().as_struct();
        let texts = self.field(text_place, items.column(text).as_dictionary());
        let redacted = self.attributes(place, items.column(attributes).as_list());
        if texts.is_none() && redacted.is_none() {
            return None;
        }
        let mut columns = items.columns().to_vec();
        if let Some(texts) = texts {
            columns[text] = Arc::new(texts);
        }
        if let Some(redacted) = redacted {
            columns[attributes] = Arc::new(redacted);
        }
        Some(with_items(list, list.offsets().clone(), columns))
    }

    /// Attributes with keys and values redacted; `None` when nothing changes.
    fn attributes(&mut self, place: Place, list: &ListArray) -> Option<ListArray> {
        let attributes = Slots::of(list);
        let mut plan = Plan::new(self.redactor, place, &attributes);
        let changes = plan.changes(self.redactor, place, &attributes);
        if changes.is_empty() && plan.keys.is_empty() && !attributes.has_unused_values() {
            return None;
        }
        for (slot, change) in &changes {
            let key = attributes.keys.keys().values()[*slot] as usize;
            let label = plan.label(&attributes, key);
            self.count(&plan.outcomes[*change].rules, label);
        }
        for &key in attributes.keys.keys().values() {
            if let Some(outcome) = plan.keys.get(&(key as usize)) {
                let label = plan.label(&attributes, key as usize);
                self.count(&outcome.rules, label);
            }
        }
        Some(rebuild(list, &attributes, &plan, &changes))
    }

    fn count(&mut self, rules: &[usize], label: &str) {
        for &rule in rules {
            self.hits.add(self.redactor.rule_name(rule), label, 1);
        }
    }
}

/// Each body as the one attribute of its row, so that rules treat it as such.
fn bodies_as_attributes(types: &Int8Array, bodies: &Texts) -> ListArray {
    let n = bodies.len();
    let key = Arc::new(StringArray::from(vec![LOG_BODY_KEY]));
    let keys = DictionaryArray::<Int32Type>::new(Int32Array::from(vec![0; n]), key);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(keys),
        Arc::new(types.clone()),
        Arc::new(bodies.clone()),
    ];
    let items = StructArray::new(attribute_fields(), columns, None);
    let item = Field::new("item", items.data_type().clone(), false);
    let offsets = OffsetBuffer::from_lengths(vec![1; n]);
    ListArray::new(Arc::new(item), offsets, Arc::new(items), None)
}

/// The columns of types and texts; a row whose attribute was dropped has an empty body.
fn attributes_as_bodies(list: &ListArray) -> (ArrayRef, ArrayRef) {
    let slots = Slots::of(list);
    let mut types = Vec::with_capacity(list.len());
    let mut texts = StringDictionaryBuilder::<Int32Type>::new();
    for offsets in list.value_offsets().windows(2) {
        let slot = (offsets[0] < offsets[1]).then_some(offsets[0] as usize);
        types.push(slot.map_or(ValueType::Empty as i8, |slot| slots.types.value(slot)));
        texts.append_value(slot.map_or("", |slot| {
            let key = slots.values.keys().value(slot) as usize;
            values_of(slots.values).value(key)
        }));
    }
    (Arc::new(Int8Array::from(types)), Arc::new(texts.finish()))
}

/// The columns of a list of attributes.
struct Slots<'a> {
    keys: &'a Texts,
    types: &'a Int8Array,
    values: &'a Texts,
}

impl<'a> Slots<'a> {
    fn of(list: &'a ListArray) -> Self {
        let slots = list.values().as_struct();
        Self {
            keys: slots.column(0).as_dictionary(),
            types: slots.column(1).as_primitive::<Int8Type>(),
            values: slots.column(2).as_dictionary(),
        }
    }

    /// Whether the dictionary holds a value of no slot. Such a value has neither type nor key by which to judge it, so it has to go.
    fn has_unused_values(&self) -> bool {
        let n = self.values.values().len();
        let mut used = vec![false; n];
        let mut n_used = 0;
        for &value in self.values.keys().values() {
            let used = &mut used[value as usize];
            n_used += usize::from(!*used);
            *used = true;
        }
        n_used < n
    }
}

/// A value of an attribute as columns write it.
type Written = (ValueType, String);

/// What is to be done with which keys and values of one list of attributes.
struct Plan {
    /// By key: whether a rule selects it among others.
    special: Vec<bool>,
    /// By key: keys that change themselves.
    keys: HashMap<usize, Outcome<String>>,
    /// By value: what rules on all keys make of it as a plain text.
    plain: HashMap<usize, usize>,
    outcomes: Vec<Outcome<Written>>,
}

impl Plan {
    fn new(redactor: &Redactor, place: Place, slots: &Slots<'_>) -> Self {
        let keys = values_of(slots.keys);
        let special = (0..keys.len()).map(|k| redactor.is_special(place, keys.value(k)));
        let mut plan = Self {
            special: special.collect(),
            keys: HashMap::new(),
            plain: HashMap::new(),
            outcomes: Vec::new(),
        };
        for key in marked(&redactor.suspects(place, keys)) {
            let outcome = redactor.key(place, keys.value(key));
            if outcome.effect != Effect::Keep {
                plan.keys.insert(key, outcome);
            }
        }
        let values = values_of(slots.values);
        for value in marked(&redactor.suspects(place, values)) {
            let text = AnyValue::from(values.value(value));
            if let Some(outcome) = plan.add(redactor.value(place, None, text)) {
                plan.plain.insert(value, outcome);
            }
        }
        plan
    }

    /// The slots whose value changes, in order, each with its outcome.
    fn changes(
        &mut self,
        redactor: &Redactor,
        place: Place,
        slots: &Slots<'_>,
    ) -> Vec<(usize, usize)> {
        let types = slots.types.values();
        let is_complex = |t: i8| t >= ValueType::Array as i8;
        let nothing_to_do = self.plain.is_empty()
            && !self.special.contains(&true)
            && !types.iter().any(|t| is_complex(*t));
        if nothing_to_do {
            return Vec::new();
        }
        let (keys, values) = (slots.keys.keys().values(), slots.values.keys().values());
        // By key (or -1 where no rule selects it), type and value.
        let mut known: HashMap<(i32, i8, i32), Option<usize>> = HashMap::new();
        let mut changes = Vec::new();
        for (slot, ((&key, &kind), &value)) in keys.iter().zip(types).zip(values).enumerate() {
            let special = self.special[key as usize];
            let outcome = if special || is_complex(kind) {
                let question = (if special { key } else { -1 }, kind, value);
                *known.entry(question).or_insert_with(|| {
                    let key = special.then(|| values_of(slots.keys).value(key as usize));
                    let kind = ValueType::from_number(kind).unwrap_or(ValueType::Empty);
                    let text = values_of(slots.values).value(value as usize);
                    let value = parse(kind, text);
                    let outcome = redactor.value(place, key, value.clone());
                    self.add(written_anew(kind, text, value, outcome))
                })
            } else if kind == ValueType::Empty as i8 {
                None
            } else {
                self.plain.get(&(value as usize)).copied()
            };
            changes.extend(outcome.map(|outcome| (slot, outcome)));
        }
        changes
    }

    /// Keeps `outcome` if it changes anything.
    fn add(&mut self, outcome: Outcome<AnyValue>) -> Option<usize> {
        let effect = match outcome.effect {
            Effect::Keep => return None,
            Effect::Set(value) => Effect::Set(value_to_text(&value)),
            Effect::Drop => Effect::Drop,
        };
        self.outcomes.push(Outcome {
            effect,
            rules: outcome.rules,
        });
        Some(self.outcomes.len() - 1)
    }

    /// The key as it may be shown.
    fn label<'a>(&'a self, slots: &Slots<'a>, key: usize) -> &'a str {
        match self.keys.get(&key).map(|outcome| &outcome.effect) {
            None | Some(Effect::Keep) => values_of(slots.keys).value(key),
            Some(Effect::Set(key)) => key,
            Some(Effect::Drop) => "",
        }
    }
}

/// `outcome`, or, where it keeps a text with parts that no reader looks at, the text without them: nothing in it was left unseen.
fn written_anew(
    kind: ValueType,
    text: &str,
    value: AnyValue,
    mut outcome: Outcome<AnyValue>,
) -> Outcome<AnyValue> {
    let is_nested = matches!(value, AnyValue::Array(_) | AnyValue::KvList(_));
    if outcome.effect == Effect::Keep
        && is_nested
        && value_to_text(&value) != (kind, text.to_owned())
    {
        outcome.effect = Effect::Set(value);
    }
    outcome
}

/// The list with `changes` made, dropped attributes left out, and dictionaries of nothing but what its slots hold.
fn rebuild(
    list: &ListArray,
    slots: &Slots<'_>,
    plan: &Plan,
    changes: &[(usize, usize)],
) -> ListArray {
    let n = slots.types.len();
    let mut changes = changes.iter().peekable();
    let mut keys = Rewriter::new(slots.keys);
    let mut values = Rewriter::new(slots.values);
    let mut types = Vec::with_capacity(n);
    // How many slots are kept before each.
    let mut kept = Vec::with_capacity(n + 1);
    for slot in 0..n {
        kept.push(types.len() as i32);
        let change = changes.next_if(|(at, _)| *at == slot);
        let value = change.map(|(_, outcome)| &plan.outcomes[*outcome].effect);
        let key_id = slots.keys.keys().values()[slot] as usize;
        let key = plan.keys.get(&key_id).map(|outcome| &outcome.effect);
        if matches!(value, Some(Effect::Drop)) || matches!(key, Some(Effect::Drop)) {
            continue;
        }
        match key {
            Some(Effect::Set(key)) => keys.push_text(key),
            _ => keys.push_old(key_id),
        }
        match value {
            Some(Effect::Set((kind, text))) => {
                types.push(*kind as i8);
                values.push_text(text);
            }
            _ => {
                types.push(slots.types.value(slot));
                values.push_old(slots.values.keys().values()[slot] as usize);
            }
        }
    }
    kept.push(types.len() as i32);
    let offsets: Vec<i32> = list.offsets().iter().map(|&o| kept[o as usize]).collect();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(keys.finish()),
        Arc::new(Int8Array::from(types)),
        Arc::new(values.finish()),
    ];
    with_items(
        list,
        OffsetBuffer::new(ScalarBuffer::from(offsets)),
        columns,
    )
}

/// Writes a dictionary column anew, with the texts that are pushed and no others.
struct Rewriter<'a> {
    old: &'a StringArray,
    /// By old key: the new one, or -1.
    moved: Vec<i32>,
    interner: Interner,
    texts: StringBuilder,
    keys: Vec<i32>,
}

impl<'a> Rewriter<'a> {
    fn new(column: &'a Texts) -> Self {
        let old = values_of(column);
        Self {
            old,
            moved: vec![-1; old.len()],
            interner: Interner::default(),
            texts: StringBuilder::new(),
            keys: Vec::with_capacity(column.len()),
        }
    }

    fn push_old(&mut self, key: usize) {
        if self.moved[key] < 0 {
            self.moved[key] = self.intern(self.old.value(key));
        }
        self.keys.push(self.moved[key]);
    }

    fn push_text(&mut self, text: &str) {
        let key = self.intern(text);
        self.keys.push(key);
    }

    fn intern(&mut self, text: &str) -> i32 {
        let n = self.interner.len();
        let key = self.interner.intern(text);
        if key as usize == n {
            self.texts.append_value(text);
        }
        key
    }

    fn finish(mut self) -> Texts {
        let texts = Arc::new(self.texts.finish());
        DictionaryArray::new(Int32Array::from(self.keys), texts)
    }
}

/// `column` with other values under the same keys.
fn with_values<T: AsRef<str>>(column: &Texts, values: impl Iterator<Item = T>) -> Texts {
    let values = StringArray::from_iter_values(values);
    DictionaryArray::new(column.keys().clone(), Arc::new(values))
}

/// `list` with other offsets and columns of its items.
fn with_items(list: &ListArray, offsets: OffsetBuffer<i32>, columns: Vec<ArrayRef>) -> ListArray {
    let (DataType::List(item), DataType::Struct(fields)) = (list.data_type(), list.value_type())
    else {
        unreachable!("the schema was checked: these are lists of structs");
    };
    let items = StructArray::new(fields, columns, None);
    ListArray::new(item.clone(), offsets, Arc::new(items), None)
}

fn values_of(column: &Texts) -> &StringArray {
    column.values().as_string()
}

fn marked(marks: &[bool]) -> impl Iterator<Item = usize> + '_ {
    let marks = marks.iter().enumerate();
    marks.filter(|(_, mark)| **mark).map(|(i, _)| i)
}
