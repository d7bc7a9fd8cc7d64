//! What a room is called and how it is kept, after steps of which some did not see each other.
//!
//! Owns the rule that a step sets only what its author made otherwise. It holds all settings, so taken whole
//! the later one of two that did not see each other would undo the other: a room renamed would be open again.

use std::collections::BTreeSet;

use kinmesh_proto::{Control, RoomSettings};

use super::graph::Graph;

/// The settings that a step names, and those that its author had seen.
struct Word<'l> {
    step: usize,
    said: &'l RoomSettings,
    /// `None` of the step that founds the room.
    seen: Option<RoomSettings>,
}

impl Word<'_> {
    /// Sets each field that the author made otherwise than they had seen it.
    fn set(&self, settings: &mut RoomSettings) {
        let Some(seen) = &self.seen else { return settings.clone_from(self.said) };
        let RoomSettings { name, topic, past, door, slow_ms, keep_days } = settings;
        set(name, &self.said.name, &seen.name);
        set(topic, &self.said.topic, &seen.topic);
        set(past, &self.said.past, &seen.past);
        set(door, &self.said.door, &seen.door);
        set(slow_ms, &self.said.slow_ms, &seen.slow_ms);
        set(keep_days, &self.said.keep_days, &seen.keep_days);
    }
}

fn set<T: Clone + PartialEq>(field: &mut T, said: &T, seen: &T) {
    if said != seen {
        field.clone_from(said);
    }
}

/// The settings after each standing step that names some, in the log's order.
pub(super) fn over_time(graph: &Graph, standing: &BTreeSet<usize>) -> Vec<(usize, RoomSettings)> {
    let mut words: Vec<Word<'_>> = Vec::new();
    for step in standing.iter().copied() {
        if let Control::Create { settings: said, .. } | Control::SetSettings(said) = &graph.step(step).control
        {
            let seen = after(words.iter().filter(|word| graph.is_before(word.step, step)));
            words.push(Word { step, said, seen });
        }
    }
    let mut settings: Option<RoomSettings> = None;
    let mut over_time = Vec::with_capacity(words.len());
    for word in &words {
        let now = settings.get_or_insert_with(|| word.said.clone());
        word.set(now);
        over_time.push((word.step, now.clone()));
    }
    over_time
}

/// The settings after these words; `None` before the first.
fn after<'w>(mut words: impl Iterator<Item = &'w Word<'w>>) -> Option<RoomSettings> {
    let mut settings = words.next()?.said.clone();
    words.for_each(|word| word.set(&mut settings));
    Some(settings)
}
