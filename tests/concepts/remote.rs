//! The same suite over a socket: the remote client against the server of this crate.

use proptest::prelude::*;
use sutra_grid_events::Store;
use sutra_grid_events::graph::EmbeddedConcepts;
use sutra_grid_events::remote::server::{Server, ServerConfig};
use sutra_grid_events::remote::{ClientOptions, RemoteConcepts};
use tokio::task::JoinSet;

use crate::{Opened, model, suite};

async fn remote() -> Opened<RemoteConcepts> {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open(directory.path()).expect("opens");
    let config = ServerConfig { port: 0, ..ServerConfig::default() };
    let server = Server::bind(config, EmbeddedConcepts::new(store)).await.expect("listens");
    let endpoint = server.local_address().to_string().parse().expect("an endpoint");
    let mut serving = JoinSet::new();
    serving.spawn(server.serve(std::future::pending()));
    let client = RemoteConcepts::connect(endpoint, ClientOptions::default()).await.expect("connects");
    Opened::new(client, (serving, directory))
}

#[tokio::test]
async fn the_remote_client_passes_the_suite() {
    suite::every_check(remote).await;
}

#[tokio::test]
async fn the_remote_client_finds_by_metadata() {
    suite::metadata_is_found(&remote().await.store).await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 32))]

    #[test]
    fn the_remote_client_does_what_a_plain_model_does(scenario in model::scenario()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async { suite::agrees_with_the_model(&remote().await.store, &scenario).await });
    }
}
