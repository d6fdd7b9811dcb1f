//! The stand-in server within the process of a bench, for as long as something talks to it.
//!
//! It is no part of `common`, which the benches of the rivals include too.

use std::net::SocketAddr;
use std::thread;

use sutra_grid_events::graph::EmbeddedConcepts;
use sutra_grid_events::remote::server::{Server, ServerConfig};
use sutra_grid_events::{Filter, Store};
use tokio::sync::oneshot;

use crate::common::Outcome;

/// Serves a store over loopback while something talks to it, and then checks that it has so many events.
pub(crate) fn served<T>(store: Store, events: usize, talk: impl FnOnce(SocketAddr) -> Outcome<T>) -> Outcome<T> {
    let concepts = EmbeddedConcepts::new(store.clone());
    let (end, ended) = oneshot::channel::<()>();
    let (send_address, address) = std::sync::mpsc::channel();
    let server = thread::spawn(move || -> Outcome {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            let server = Server::bind(ServerConfig { port: 0, ..ServerConfig::default() }, concepts).await?;
            send_address.send(server.local_address())?;
            server.serve(async { ended.await.unwrap_or_default() }).await?;
            Ok(())
        })
    });
    let told = talk(address.recv()?)?;
    // It ends by itself if it failed, and says why below.
    let _ = end.send(());
    server.join().map_err(|_| "the server panicked")??;
    let stored = store.count(&Filter::All)?;
    if stored != events as u64 {
        return Err(format!("{stored} events are stored, {events} were sent").into());
    }
    store.close()?;
    Ok(told)
}
