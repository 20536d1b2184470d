//! The real program, killed in the middle of its work.

use std::process::{Child, Command, Stdio};

use psa_gateway::sandbox::halo::{Fault, FaultKind};

use crate::support::{TestApp, finding, wait_until};

/// A gateway in a process of its own.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn serve(app: &TestApp, port: u16) -> Process {
    let child = Command::new(env!("CARGO_BIN_EXE_psa-gateway"))
        .args(["serve", "--listen", &format!("127.0.0.1:{port}")])
        .env("PSA_GATEWAY_DATA_DIR", app.place.dir())
        .env("DATABASE_URL", app.place.url())
        .env("PSA_GATEWAY_PSA_PRIVATE_ADDRESSES", "*")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    Process(child)
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address").port()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_killed_between_the_psas_create_and_our_record_makes_no_second_ticket() {
    let app = TestApp::start_on_the_real_clock().await;
    let acme = app.msp("acme").await.ready().await;
    let port = free_port();
    let url = acme.webhook_url().replace(&app.app.address().to_string(), &format!("127.0.0.1:{port}"));
    // Halo creates the ticket at once and takes its time to say so.
    app.halo.fault(Fault::once("POST /api/Tickets", FaultKind::DelayAnswer { ms: 120_000 }));

    let doomed = serve(&app, port);
    wait_until("the program answers", || async {
        app.http
            .get(format!("http://127.0.0.1:{port}/health/ready"))
            .send()
            .await
            .is_ok_and(|a| a.status().is_success())
    })
    .await;
    acme.posts_to(&url, &finding("CVE-2024-3094").now()).await.is_accepted();
    wait_until("Halo has the ticket", || async { !app.halo.ledger().is_empty() }).await;
    drop(doomed); // SIGKILL

    let _second = serve(&app, port);
    wait_until("the ticket is known", || async {
        acme.tickets().await.first().is_some_and(|t| t["state"] == "OPEN")
    })
    .await;
    assert_eq!(app.halo.ledger().len(), 1);
    assert_eq!(acme.tickets().await[0]["externalId"], app.halo.ledger()[0].id.to_string());
}
