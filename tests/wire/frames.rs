//! Frames over a connection in memory, which gives its bytes in pieces.

use std::io::ErrorKind;

use proptest::prelude::*;
use sutra_grid_events::remote::{FrameError, read_frame, write_frame};
use tokio::io::AsyncWriteExt;

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn framed(payload: &[u8]) -> Vec<u8> {
    [&(payload.len() as u32).to_be_bytes()[..], payload].concat()
}

#[test]
fn a_frame_is_its_length_and_its_payload() {
    let mut written = Vec::new();
    block_on(write_frame(&mut written, b"abc")).unwrap();
    assert_eq!(written, [0, 0, 0, 3, b'a', b'b', b'c']);
}

#[test]
fn the_end_of_a_connection_is_told_from_a_torn_frame() {
    let read = |bytes: &'static [u8]| {
        let mut buffer = b"what was before".to_vec();
        block_on(read_frame(&mut &bytes[..], 16, &mut buffer)).map(|more| more.then_some(buffer))
    };
    assert_eq!(read(&[]).unwrap(), None);
    assert_eq!(read(&[0, 0, 0, 0]).unwrap(), Some(vec![]));
    assert_eq!(read(&[0, 0, 0, 1, 9, 9]).unwrap(), Some(vec![9]));
    assert!(matches!(read(&[0, 0]).unwrap_err(), FrameError::Truncated { bytes: 2 }));
    assert!(matches!(read(&[0, 0, 0, 3, 1]).unwrap_err(), FrameError::Truncated { bytes: 2 }));
    assert!(matches!(read(&[0, 0, 0, 17]).unwrap_err(), FrameError::TooLarge { bytes: 17, bytes_max: 16 }));
}

#[test]
fn room_is_made_for_what_arrived_not_for_what_was_announced() {
    let announced = (100u32 << 20).to_be_bytes();
    let mut buffer = Vec::new();
    let torn = [&announced[..], &[7; 1000]].concat();
    let error = block_on(read_frame(&mut &torn[..], 100 << 20, &mut buffer)).unwrap_err();
    assert!(matches!(error, FrameError::Truncated { .. }));
    assert!(buffer.capacity() < 1 << 20, "{} bytes", buffer.capacity());
}

#[test]
fn what_a_large_frame_took_is_given_back() {
    let stream = [framed(&vec![1; 8 << 20]), framed(&[2])].concat();
    let (mut reader, mut buffer) = (&stream[..], Vec::new());
    assert!(block_on(read_frame(&mut reader, 16 << 20, &mut buffer)).unwrap());
    assert_eq!(buffer, vec![1; 8 << 20]);
    assert!(block_on(read_frame(&mut reader, 16 << 20, &mut buffer)).unwrap());
    assert_eq!(buffer, [2]);
    assert!(buffer.capacity() < 1 << 20, "{} bytes", buffer.capacity());
}

#[test]
fn a_failing_connection_is_reported() {
    block_on(async {
        let (mut ours, theirs) = tokio::io::duplex(16);
        drop(theirs);
        let error = write_frame(&mut ours, b"abc").await.unwrap_err();
        assert!(matches!(&error, FrameError::Io(cause) if cause.kind() == ErrorKind::BrokenPipe), "{error}");
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn frames_come_back_whatever_the_pieces(
        payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..3000), 0..8),
        piece in 1usize..600,
    ) {
        block_on(async {
            let (mut ours, mut theirs) = tokio::io::duplex(piece);
            let sent = payloads.clone();
            let sender = async move {
                for payload in sent {
                    write_frame(&mut ours, &payload).await.unwrap();
                }
                ours.shutdown().await.unwrap();
            };
            let receiver = async {
                let (mut received, mut buffer) = (Vec::new(), Vec::new());
                while read_frame(&mut theirs, 3000, &mut buffer).await.unwrap() {
                    received.push(buffer.clone());
                }
                received
            };
            let ((), received) = tokio::join!(sender, receiver);
            assert_eq!(received, payloads);
        });
    }
}
