//! Any few changes to the files of a store: it opens or says why not, and salvage brings back what was there and
//! nothing else.

use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;
use sutra_grid_events::forensics::{SalvageError, SalvageOptions, salvage};
use sutra_grid_events::query::Query;
use sutra_grid_events::{Filter, Store};

use crate::harness::{EVENTS, Example, change, scan};

#[derive(Debug, Clone)]
enum Mutation {
    Flip(usize, u32, u8),
    Truncate(usize, u32),
    Zero(usize, u32, u16),
    Append(usize, Vec<u8>),
    Swap(usize, usize),
    Duplicate(usize, u8),
    Delete(usize),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let file = any::<usize>;
    prop_oneof![
        (file(), any::<u32>(), 1u8..).prop_map(|(file, at, bits)| Mutation::Flip(file, at, bits)),
        (file(), any::<u32>()).prop_map(|(file, at)| Mutation::Truncate(file, at)),
        (file(), any::<u32>(), any::<u16>()).prop_map(|(file, at, length)| Mutation::Zero(file, at, length)),
        (file(), prop::collection::vec(any::<u8>(), 1..40)).prop_map(|(file, bytes)| Mutation::Append(file, bytes)),
        (file(), file()).prop_map(|(a, b)| Mutation::Swap(a, b)),
        (file(), any::<u8>()).prop_map(|(file, id)| Mutation::Duplicate(file, id)),
        file().prop_map(Mutation::Delete),
    ]
}

fn apply(example: &Example, mutation: &Mutation) {
    let mut files: Vec<PathBuf> = Vec::new();
    for directory in ["", "segments", "tail"] {
        let entries = fs::read_dir(example.store().join(directory)).expect("there").filter_map(Result::ok);
        files.extend(entries.map(|entry| entry.path()).filter(|path| path.is_file()));
    }
    files.sort();
    if files.is_empty() {
        return;
    }
    let file = |number: &usize| &files[number % files.len()];
    let place = |at: &u32, bytes: &Vec<u8>| *at as usize % bytes.len().max(1);
    match mutation {
        Mutation::Flip(number, at, bits) => change(file(number), |bytes| {
            let at = place(at, bytes);
            bytes.get_mut(at).into_iter().for_each(|byte| *byte ^= bits);
        }),
        Mutation::Truncate(number, at) => change(file(number), |bytes| bytes.truncate(place(at, bytes))),
        Mutation::Zero(number, at, length) => change(file(number), |bytes| {
            let at = place(at, bytes);
            bytes.iter_mut().skip(at).take(usize::from(*length)).for_each(|byte| *byte = 0);
        }),
        Mutation::Append(number, more) => change(file(number), |bytes| bytes.extend_from_slice(more)),
        Mutation::Swap(a, b) => {
            let aside = example.store().join("aside");
            fs::rename(file(a), &aside).expect("ours");
            if file(a) != file(b) {
                fs::rename(file(b), file(a)).expect("ours");
            }
            fs::rename(&aside, file(b)).expect("ours");
        }
        Mutation::Duplicate(number, id) => {
            let source = file(number);
            let ending = source.extension().unwrap_or_default().to_string_lossy().into_owned();
            let copy = source.with_file_name(format!("{:020}.{ending}", u64::from(*id) % 9));
            if copy != *source {
                fs::copy(source, copy).expect("ours");
            }
        }
        Mutation::Delete(number) => fs::remove_file(file(number)).expect("ours"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases * 3 / 16))]

    #[test]
    fn what_comes_back_is_what_was_there(
        with_logs: bool,
        mutations in prop::collection::vec(mutation(), 1..6),
    ) {
        let example = Example::new(with_logs);
        mutations.iter().for_each(|mutation| apply(&example, mutation));
        if let Ok(store) = Store::open_read_only(example.store()) {
            let _ = store.query(&Query::new(Filter::entity("node-1")));
            let _ = store.count(&Filter::event_type("step_done"));
            let _ = store.stats();
            let _ = store.scan(0, &mut |stored| {
                assert_eq!(Some(&stored), example.events.get(&stored.sequence));
                std::ops::ControlFlow::Continue(())
            });
        }
        let target = example.root.path().join("healthy");
        match salvage(&example.store(), &target, &SalvageOptions::default(), &mut |_| {}) {
            Err(SalvageError::Nothing { .. }) => {}
            Err(error) => panic!("{error}"),
            Ok(report) => {
                let store = Store::open_read_only(&target).expect("a store");
                prop_assert!(store.problems().is_empty(), "{:?}", store.problems());
                let there = scan(&store);
                for (sequence, stored) in &there {
                    prop_assert_eq!(Some(stored), example.events.get(sequence));
                }
                if report.losses.is_empty() {
                    // Of what was cut off at the end, nothing may tell.
                    prop_assert_eq!(there.len() as u64, report.last_sequence, "{:?}", report);
                    prop_assert!(report.last_sequence <= EVENTS);
                }
                drop(store);
                let store = Store::open(&target).expect("can be written");
                prop_assert!(store.sequence() >= there.keys().last().copied().unwrap_or(0));
            }
        }
    }
}
