//! A disk as the assumptions about media in `docs/format.md` allow it to be: what was synced is there, of everything
//! else any part. It is told the changes of a journal one by one, and makes images of what a crash may leave.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::journal::Entry;

/// The unit that a disk writes, in bytes.
const SECTOR: usize = 512;

/// Small random numbers from a seed (SplitMix64).
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound.max(1)
    }

    pub(super) fn chance(&mut self, of: u64) -> bool {
        self.below(of) == 0
    }
}

/// Whether a crash can undo something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Until the next sync.
    Pending,
    /// For ever, since a sync of it failed.
    Doubtful,
    /// Not any more.
    Durable,
}

#[derive(Debug, Clone)]
enum Data {
    Write(usize, Arc<[u8]>),
    Length(usize),
}

/// What a name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    File(usize),
    Directory(PathBuf),
}

#[derive(Debug, Clone)]
enum Naming {
    Put(OsString, Node),
    Rename(OsString, OsString, Node),
    Remove(OsString),
}

/// What a crash makes of what is not durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Crash {
    /// The process dies: the system has everything, and writes it in time.
    Process,
    /// The power goes, and nothing was written that did not have to be.
    PowerAtOnce,
    /// The power goes, and any part was written.
    Power,
}

#[derive(Debug, Clone, Default)]
struct Directory {
    now: HashMap<OsString, Node>,
    namings: Vec<(Naming, Fate)>,
}

/// The state of the disk after some changes.
#[derive(Clone, Default)]
pub(super) struct Disk {
    files: Vec<Vec<(Data, Fate)>>,
    directories: HashMap<PathBuf, Directory>,
}

fn settle<T>(operations: &mut [(T, Fate)], fate: Fate) {
    operations.iter_mut().filter(|(_, known)| *known == Fate::Pending).for_each(|(_, known)| *known = fate);
}

fn fate_of_sync(succeeded: bool) -> Fate {
    if succeeded { Fate::Durable } else { Fate::Doubtful }
}

impl Disk {
    fn place(&mut self, path: &Path) -> (&mut Directory, OsString) {
        let parent = path.parent().expect("below the root").to_owned();
        (self.directories.entry(parent).or_default(), path.file_name().expect("a name").to_owned())
    }

    fn file(&mut self, path: &Path) -> Option<&mut Vec<(Data, Fate)>> {
        let (directory, name) = self.place(path);
        match directory.now.get(&name) {
            Some(&Node::File(number)) => Some(&mut self.files[number]),
            _ => None,
        }
    }

    /// Makes a change.
    pub(super) fn make(&mut self, entry: &Entry) {
        match entry {
            Entry::CreateDirectory(path) => {
                let node = Node::Directory(path.clone());
                let (directory, name) = self.place(path);
                directory.now.insert(name.clone(), node.clone());
                directory.namings.push((Naming::Put(name, node), Fate::Pending));
            }
            Entry::Create { path, emptied } => match self.file(path) {
                Some(file) if *emptied => file.push((Data::Length(0), Fate::Pending)),
                Some(_) => {}
                None => {
                    let node = Node::File(self.files.len());
                    self.files.push(Vec::new());
                    let (directory, name) = self.place(path);
                    directory.now.insert(name.clone(), node.clone());
                    directory.namings.push((Naming::Put(name, node), Fate::Pending));
                }
            },
            // A log may be written to after it was removed; nobody sees that.
            Entry::Write { path, offset, bytes } => {
                let write = Data::Write(usize::try_from(*offset).expect("small"), Arc::clone(bytes));
                self.file(path).into_iter().for_each(|file| file.push((write.clone(), Fate::Pending)));
            }
            Entry::SetLength { path, length } => {
                let length = Data::Length(usize::try_from(*length).expect("small"));
                self.file(path).into_iter().for_each(|file| file.push((length.clone(), Fate::Pending)));
            }
            Entry::Sync { path, succeeded } => {
                self.file(path).into_iter().for_each(|file| settle(file, fate_of_sync(*succeeded)));
            }
            Entry::SyncDirectory { path, succeeded } => {
                let directory = self.directories.entry(path.clone()).or_default();
                // Names are kept in a journal: a sync that succeeds covers them, whatever failed before.
                if *succeeded {
                    settle(&mut directory.namings, Fate::Durable);
                }
            }
            Entry::Rename { from, to } => {
                let (directory, from) = self.place(from);
                let to = to.file_name().expect("a name").to_owned();
                let node = directory.now.remove(&from).expect("it was created");
                directory.now.insert(to.clone(), node.clone());
                directory.namings.push((Naming::Rename(from, to, node), Fate::Pending));
            }
            Entry::Remove(path) => {
                let (directory, name) = self.place(path);
                directory.now.remove(&name);
                directory.namings.push((Naming::Remove(name), Fate::Pending));
            }
            Entry::Sealed { .. } | Entry::Promised(_) => {}
        }
    }

    /// Writes the image of a directory that a crash now may leave. The outermost is the empty path.
    pub(super) fn image(&self, of: &Path, to: &Path, crash: Crash, random: &mut Random) {
        std::fs::create_dir_all(to).expect("creatable");
        let Some(directory) = self.directories.get(of) else { return };
        let mut names: BTreeMap<OsString, Node> = BTreeMap::new();
        for (naming, fate) in &directory.namings {
            if !happened(*fate, crash, random) {
                continue;
            }
            match naming.clone() {
                Naming::Put(name, node) => drop(names.insert(name, node)),
                Naming::Remove(name) => drop(names.remove(&name)),
                Naming::Rename(from, to, node) => {
                    names.remove(&from);
                    names.insert(to, node);
                }
            }
        }
        for (name, node) in names {
            match node {
                Node::Directory(path) => self.image(&path, &to.join(name), crash, random),
                Node::File(number) => {
                    std::fs::write(to.join(name), content(&self.files[number], crash, random)).expect("writable");
                }
            }
        }
    }
}

fn happened(fate: Fate, crash: Crash, random: &mut Random) -> bool {
    match crash {
        Crash::Process => true,
        Crash::PowerAtOnce => fate == Fate::Durable,
        Crash::Power => fate == Fate::Durable || random.chance(2),
    }
}

/// The bytes of a file after a crash.
fn content(operations: &[(Data, Fate)], crash: Crash, random: &mut Random) -> Vec<u8> {
    let mut content = Vec::new();
    for (data, fate) in operations {
        let whole = *fate == Fate::Durable || crash == Crash::Process;
        match data {
            _ if !whole && crash == Crash::PowerAtOnce => {}
            Data::Length(length) if whole || random.chance(2) => content.resize(*length, 0),
            Data::Length(_) => {}
            Data::Write(at, bytes) if whole => put(&mut content, *at, bytes),
            Data::Write(at, bytes) => match random.below(6) {
                0 => {}
                1 | 2 => put(&mut content, *at, bytes),
                // Torn at a byte.
                3 => put(&mut content, *at, &bytes[..random.below(bytes.len() as u64 + 1) as usize]),
                // Any sectors of it, zeros or what was there before for the others.
                4 => {
                    let mut start = *at;
                    while start < at + bytes.len() {
                        let end = (start / SECTOR + 1) * SECTOR;
                        let end = end.min(at + bytes.len());
                        if random.chance(2) {
                            put(&mut content, start, &bytes[start - at..end - at]);
                        }
                        start = end;
                    }
                }
                // The file became longer and nothing else.
                _ => {
                    let length = content.len().max(at + bytes.len());
                    content.resize(length, 0);
                }
            },
        }
    }
    content
}

fn put(content: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    if bytes.is_empty() {
        return;
    }
    let length = content.len().max(at + bytes.len());
    content.resize(length, 0);
    content[at..at + bytes.len()].copy_from_slice(bytes);
}
