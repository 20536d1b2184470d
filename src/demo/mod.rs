//! Everything at once, to be tried: a gateway on a fresh database, a sandbox of every PSA beside it, and a sample
//! organization set up through the public API, as a user would.

mod asker;
mod set_up;
mod story;

use std::{net::SocketAddr, path::PathBuf};

use anyhow::Context as _;
use futures_util::future::BoxFuture;
use secrecy::ExposeSecret as _;
use serde_json::json;

use crate::{
    app::{self, App, Seams},
    config::Config,
    organizations::tokens,
    sandbox::{
        self,
        frame::{self, Sandbox},
    },
};

use asker::Asker;
use set_up::Sample;

/// How the demo runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct DemoOptions {
    /// Play the story and end.
    pub script: bool,
    /// Print one line of JSON when ready.
    pub json: bool,
    /// Where to listen; a free port of this machine where the usual one is taken.
    pub listen: Option<SocketAddr>,
}

/// Runs the demo: until it is told to stop, or to the end of the story.
pub fn run(options: DemoOptions) -> BoxFuture<'static, anyhow::Result<()>> {
    Box::pin(play(options))
}

async fn play(options: DemoOptions) -> anyhow::Result<()> {
    let dir = std::env::temp_dir().join(format!("psa-gateway-demo-{}", std::process::id()));
    std::fs::create_dir_all(&dir).with_context(|| format!("{} cannot be made", dir.display()))?;
    let outcome = in_folder(options, dir.clone()).await;
    if let Err(error) = std::fs::remove_dir_all(&dir) {
        tracing::debug!(error = %error, "the demo's folder stays behind");
    }
    outcome
}

async fn in_folder(options: DemoOptions, dir: PathBuf) -> anyhow::Result<()> {
    let seams = Seams::default();
    let ground = frame::Ground { clock: seams.clock.clone(), chance: seams.chance.clone() };
    let mut psas: Vec<Box<dyn Sandbox>> = Vec::new();
    for kind in sandbox::kinds() {
        let started = (kind.start)(ground.clone(), "127.0.0.1:0".to_owned()).await;
        psas.push(started.with_context(|| format!("the sandbox {} cannot start", kind.label))?);
    }
    let app = start(&options, &dir, seams).await?;
    let token = tokens::first_administrator(&app.ground).await?.context("the database is not fresh")?;
    let asker = Asker::new(&format!("http://{}", app.address()), token.expose_secret())?;
    let sample =
        set_up::set_up(&asker, &psas).await.context("the sample organization could not be set up")?;
    if options.script {
        let played = story::play_all(&asker, &psas, &sample).await;
        app.stop().await;
        for psa in psas {
            psa.stop().await;
        }
        return played;
    }
    let stopped = app::stopped()?;
    let bodies = story::write_bodies(&dir)?;
    if options.json {
        print_json(&asker, &psas, &sample);
    } else {
        print_words(&asker, &psas, &sample, &bodies);
    }
    stopped.await;
    app.stop().await;
    for psa in psas {
        psa.stop().await;
    }
    Ok(())
}

/// On the address asked for, else on the usual one, else on any free port.
async fn start(options: &DemoOptions, dir: &std::path::Path, seams: Seams) -> anyhow::Result<App> {
    let config = |listen: &str| {
        Config::from_pairs(vec![
            ("listen", listen.to_owned()),
            ("data_dir", dir.display().to_string()),
            ("graphiql", "true".to_owned()),
            ("introspection", "true".to_owned()),
            ("psa_private_addresses", "*".to_owned()),
            ("psa_poll_interval_secs", "10".to_owned()),
            // Any will do for the sandbox.
            ("connectwise_client_id", "00000000-0000-4000-8000-000000000000".to_owned()),
        ])
    };
    if let Some(listen) = options.listen {
        return App::start(&config(&listen.to_string())?, None, seams).await;
    }
    match App::start(&config("127.0.0.1:8080")?, None, seams.clone()).await {
        Ok(app) => Ok(app),
        Err(_) => App::start(&config("127.0.0.1:0")?, None, seams).await,
    }
}

#[expect(clippy::print_stdout, reason = "the demo talks to the person who started it")]
fn print_json(asker: &Asker, psas: &[Box<dyn Sandbox>], sample: &Sample) {
    let sandboxes: serde_json::Map<_, _> =
        psas.iter().map(|psa| (psa.key().to_owned(), json!({ "url": psa.url() }))).collect();
    let customers = set_up::CUSTOMERS.iter().map(|customer| {
        json!({ "name": customer.name(), "clientRef": customer.alias, "platform": customer.platform })
    });
    println!(
        "{}",
        json!({
            "graphql": asker.graphql_url(),
            "token": asker.token(),
            "organization": sample.organization,
            "webhook": { "url": sample.webhook_url, "secret": sample.webhook_secret },
            "sandbox": sandboxes,
            "customers": customers.collect::<Vec<_>>(),
        })
    );
}

#[expect(clippy::print_stdout, reason = "the demo talks to the person who started it")]
fn print_words(asker: &Asker, psas: &[Box<dyn Sandbox>], sample: &Sample, bodies: &[PathBuf; 3]) {
    let program =
        std::env::current_exe().map_or_else(|_| "psa-gateway".to_owned(), |path| path.display().to_string());
    println!("PSA Gateway's demo is ready. Everything in it goes when it is stopped (Ctrl-C).\n");
    println!("  GraphiQL   {}", asker.graphql_url());
    println!("  token      {}", asker.token());
    println!("  webhook    {}", sample.webhook_url);
    println!("  secret     {}", sample.webhook_secret);
    println!("\nThe sandbox PSAs, and which customers of the sample scanner (client_ref) are in them:");
    for psa in psas {
        let customers: Vec<_> = set_up::CUSTOMERS
            .iter()
            .filter(|customer| customer.platform == psa.key())
            .map(|customer| customer.alias)
            .collect();
        println!("  {:<12} {}   {}", psa.key(), psa.url(), customers.join(", "));
    }
    let steps = [
        "opens a ticket",
        "reports it again: a note on the same ticket",
        "resolves it: the ticket is closed",
    ];
    println!("\nIn another terminal:");
    for (what, body) in steps.iter().zip(bodies) {
        println!("\n# {what}");
        println!(
            "{program} sign --secret {} --file {file} | curl -sS {} -H @- -H 'content-type: application/json' --data-binary @{file}",
            sample.webhook_secret,
            sample.webhook_url,
            file = body.display(),
        );
    }
    let url = psas.iter().find(|psa| psa.key() == set_up::FIRST_PSA).map(|psa| psa.url()).unwrap_or_default();
    println!("\n# what HaloPSA has; the other PSAs answer the same\ncurl -sS {url}/_ledger/tickets");
    println!("\n# a technician closes the first ticket in HaloPSA");
    println!(
        "curl -sS {url}/_technician/tickets/{} -H 'content-type: application/json' -d '{{\"do\":\"close\",\"who\":\"Dana Smith\"}}'",
        set_up::FIRST_TICKET
    );
    println!("\n# what the dashboard sees: paste into GraphiQL, with the token in its headers");
    println!("{}\n", story::DASHBOARD_QUERY);
}
