//! The commands of `psa-gateway`.
//!
//! What a program may want to read goes to standard output and nothing else does; explanations, logs and
//! errors go to standard error. Ends with 0 when all went well, with 2 where the command line or the
//! configuration is wrong, and with 1 otherwise.
#![recursion_limit = "256"] // the schema's futures are deep once they are optimized

mod arguments;

use std::{
    io::{IsTerminal as _, Read as _, Write as _},
    net::SocketAddr,
    path::Path,
    process::ExitCode,
};

use anyhow::Context as _;
use clap::Parser as _;
use entity::Timestamp;
use psa_gateway::{
    app,
    audit::{self, verify},
    clock::{Chance, Clock},
    config::{self, Config, ConfigErrors},
    demo,
    doctor::{Report, Verdict, size},
    ground::Ground,
    organizations::{
        organization, permissions,
        relocation::{Pauses, Shard},
        tokens,
        viewer::Viewer,
    },
    sandbox::{
        self,
        frame::{Ground as Outside, Sandbox},
    },
    scanners::{events::event_schema, signature, table},
    telemetry::{self, LogFormat},
};
use secrecy::{ExposeSecret as _, SecretString};

use arguments::{
    Arguments, AuditArguments, AuditCommand, Command, DemoArguments, KeysCommand, NewTokenArguments,
    OrganizationCommand, Settings, SignArguments, TokenCommand,
};

#[tokio::main]
async fn main() -> ExitCode {
    let result = run(Arguments::parse().command).await;
    telemetry::traces::flush();
    let Err(error) = result else { return ExitCode::SUCCESS };
    complain(&error);
    ExitCode::from(if error.is::<ConfigErrors>() { 2 } else { 1 })
}

async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Serve { only, settings } => {
            let config = configured(&settings)?;
            app::run(config, only).await
        }
        Command::Demo(DemoArguments { script, json, listen }) => {
            telemetry::start(LogFormat::Auto, "warn", None)?;
            demo::run(demo::DemoOptions { script, json, listen }).await
        }
        Command::Sandbox { listen, unlimited } => sandbox(listen, unlimited).await,
        Command::Migrate { settings } => {
            let config = configured(&settings)?;
            for shard in app::shards::all(&config, &app::Seams::default()).await? {
                shard.ground.db.close().await?;
                if config.has_shards() {
                    explain(&format!("{} is up to date.\n", shard.name));
                }
            }
            say("The database is up to date.\n")
        }
        Command::Doctor { json, call, settings } => examine(&settings, json, call).await,
        Command::Backup { file, settings } => back_up(&settings, &file).await,
        Command::Restore { file, mark_only: _, settings } => restore(&settings, file.as_deref()).await,
        Command::Schema { events: false } => say(&psa_gateway::graphql::schema::sdl()),
        Command::Schema { events: true } => say(&format!("{:#}\n", event_schema())),
        Command::CheckConfig { print: true, .. } => say(&Config::print_documented()),
        Command::CheckConfig { print: false, settings } => check_config(&settings),
        Command::Roles => say(&permissions::table()),
        Command::Senders => say(&table::table()),
        Command::Audit { command: AuditCommand::Verify(arguments) } => verify_audit(arguments).await,
        Command::Audit { command: AuditCommand::Export(arguments) } => export_audit(arguments).await,
        Command::Organization { command } => organizations(command).await,
        Command::Token { command: TokenCommand::Create(arguments) } => create_token(arguments).await,
        Command::Keys { command } => keys(command).await,
        Command::Sign(arguments) => sign(arguments),
    }
}

/// The configuration, with logs started as it says.
fn configured(settings: &Settings) -> anyhow::Result<Config> {
    let config = Config::load(&settings.overrides())?;
    telemetry::start(config.log_format, &config.log_filter, config.otel.as_ref())?;
    Ok(config)
}

fn check_config(settings: &Settings) -> anyhow::Result<()> {
    let config = Config::load(&settings.overrides())?;
    let mut text = String::from("The configuration is good.\n");
    if config.chosen.is_empty() {
        text.push_str("Every setting has its default (`psa-gateway check-config --print` shows them).\n");
    }
    for chosen in &config.chosen {
        text.extend([chosen.name, " = ", &chosen.value, "  (", &chosen.origin, ")\n"]);
    }
    say(&text)
}

async fn examine(settings: &Settings, as_json: bool, with_calls: bool) -> anyhow::Result<()> {
    let config = configured(settings)?;
    let seams = app::Seams::default();
    let mut report = Report::default();
    for config in config.of_each_shard() {
        let looked = app::doctor::examine(&config, &seams, with_calls).await?;
        report.add(config.main_database_url().map(|_| config.shard_name()), looked);
    }
    say(&app::doctor::shown(&report, &seams.clock, as_json))?;
    anyhow::ensure!(report.verdict() < Verdict::Bad, "something is bad; the lines above say what to do");
    Ok(())
}

async fn back_up(settings: &Settings, file: &Path) -> anyhow::Result<()> {
    let made = app::backup::back_up(&configured(settings)?, file).await?;
    say(&format!(
        "{} was copied to {}: {} in {:.1} s, every page checked. Only its owner can read it.\n\
         It holds everything but the master key ({}), without which its secrets do not open: keep a copy of that \
         apart.\n",
        made.of.display(),
        file.display(),
        size(made.bytes),
        made.took.as_secs_f64(),
        made.key
    ))
}

async fn restore(settings: &Settings, file: Option<&Path>) -> anyhow::Result<()> {
    let (config, seams) = (configured(settings)?, app::Seams::default());
    let marked = if let Some(file) = file {
        let done = app::backup::restore(&config, &seams, file).await?;
        say(&format!("{} is now what {} was.\n", done.to.display(), file.display()))?;
        if let Some(kept) = done.kept {
            say(&format!("What stood there is kept at {}.\n", kept.display()))?;
        }
        done.marked
    } else {
        app::backup::mark_only(&config, &seams).await?
    };
    say(&format!(
        "It knows everything up to {}. What was done after that is not in it:\n\
         - {} operations that waited then are of unknown fate, and for 35 days every new ticket is looked for in its \
         PSA before it is made;\n\
         - access tokens and members are those of then: withdraw again what was withdrawn since.\n\
         Start the gateway, and let scanners send again what they sent since.\n",
        marked.state_of, marked.operations
    ))
}

async fn create_token(arguments: NewTokenArguments) -> anyhow::Result<()> {
    let config = configured(&arguments.settings)?;
    let shards = app::shards::all(&config, &app::Seams::default()).await?;
    // Operators of the installation are known in its first database.
    let shard = match &arguments.organization {
        Some(slug) => Some(app::shards::home_of(&shards, slug).await?),
        None => shards.first(),
    };
    let ground = &shard.context("there is no database")?.ground;
    let viewer = Viewer::gateway();
    let organization_id = match &arguments.organization {
        Some(slug) => Some(
            organization::by_slug(&viewer, ground, slug)
                .await
                .with_context(|| {
                    format!("no token for `{slug}`; give an organization's slug, or --installation")
                })?
                .id,
        ),
        None => None,
    };
    let days = |days: u32| ground.clock.now().plus_secs(i64::from(days) * 86_400);
    let new = tokens::NewToken {
        expires_at: arguments.expires_in_days.map(days),
        ..tokens::NewToken::plain(organization_id, &arguments.name, arguments.role.into())
    };
    let (row, token) = tokens::create(&viewer, ground, new).await?;
    close(shards).await?;
    explain(&format!("Access token `{}`, shown only now:\n", row.name));
    say(&format!("{}\n", token.expose_secret()))
}

async fn organizations(command: OrganizationCommand) -> anyhow::Result<()> {
    match command {
        OrganizationCommand::Move { organization, to, settings } => {
            let (config, seams) = (configured(&settings)?, app::Seams::default());
            let tell = &mut |line| explain(&format!("{line}\n"));
            app::shards::relocate(&config, &seams, (&organization, &to), Pauses::default(), tell).await?;
            say(&format!("{organization} lives in {to}.\n"))
        }
        OrganizationCommand::List { settings } => {
            let shards = app::shards::all(&configured(&settings)?, &app::Seams::default()).await?;
            let text = app::shards::table(&shards).await?;
            close(shards).await?;
            say(&text)
        }
    }
}

async fn keys(command: KeysCommand) -> anyhow::Result<()> {
    match command {
        KeysCommand::New { file } => {
            let id = app::keys::new_file(&file)?;
            explain(&format!(
                "A new master key is in {}; keep a copy apart from the database. It is called:\n",
                file.display()
            ));
            say(&format!("{id}\n"))
        }
        KeysCommand::List { settings } => {
            for config in configured(&settings)?.of_each_shard() {
                say(&app::keys::list(&config)
                    .await
                    .with_context(|| format!("database {}", config.shard_name()))?)?;
            }
            Ok(())
        }
        KeysCommand::Rotate { data_keys, settings } => {
            for config in configured(&settings)?.of_each_shard() {
                app::keys::rotate(&config, data_keys, &mut |line| explain(&format!("{line}\n")))
                    .await
                    .with_context(|| format!("database {}", config.shard_name()))?;
            }
            Ok(())
        }
    }
}

async fn close(shards: Vec<Shard>) -> anyhow::Result<()> {
    for shard in shards {
        shard.ground.db.close().await?;
    }
    Ok(())
}

/// The logs meant, and where they are: an organization's, or every one there is.
async fn logs<'a>(
    shards: &'a [Shard],
    organization: Option<&str>,
) -> anyhow::Result<Vec<(&'a Ground, uuid::Uuid)>> {
    let viewer = Viewer::gateway();
    if let Some(slug) = organization {
        let ground = &app::shards::home_of(shards, slug).await?.ground;
        return Ok(vec![(ground, organization::by_slug(&viewer, ground, slug).await?.id)]);
    }
    let mut all = Vec::new();
    for shard in shards {
        let ground = &shard.ground;
        let mut ids = verify::headless(&viewer, ground).await?;
        let mut last = None;
        loop {
            let more = verify::logs(&viewer, ground, last).await?;
            let Some(end) = more.last() else { break };
            last = Some(*end);
            ids.extend(more);
        }
        all.extend(ids.into_iter().map(|id| (ground, id)));
    }
    Ok(all)
}

async fn verify_audit(arguments: AuditArguments) -> anyhow::Result<()> {
    let config = configured(&arguments.settings)?;
    let shards = app::shards::all(&config, &app::Seams::default()).await?;
    let viewer = Viewer::gateway();
    let (mut entries, mut broken) = (0, 0);
    for (ground, id) in logs(&shards, arguments.organization.as_deref()).await? {
        let whose = match organization::by_id(&viewer, ground, id).await {
            Ok(row) => row.slug,
            Err(_) if id == audit::INSTALLATION => "the installation".to_owned(),
            Err(_) => id.to_string(),
        };
        let checked = verify::verify(&viewer, ground, id).await?;
        entries += checked.sound;
        match checked.flaw {
            None => {
                say(&format!(
                    "{whose}: {} entries, as written; ends with {}\n",
                    checked.sound, checked.hash
                ))?;
            }
            Some(flaw) => {
                broken += 1;
                say(&format!("{whose}: BROKEN after {} entries: {flaw}\n", checked.sound))?;
            }
        }
    }
    close(shards).await?;
    say(&format!("{entries} entries are as they were written.\n"))?;
    anyhow::ensure!(
        broken == 0,
        "{broken} audit log(s) were changed by somebody else than the gateway; compare them with a copy"
    );
    Ok(())
}

async fn export_audit(arguments: AuditArguments) -> anyhow::Result<()> {
    let config = configured(&arguments.settings)?;
    let shards = app::shards::all(&config, &app::Seams::default()).await?;
    let viewer = Viewer::gateway();
    for (ground, id) in logs(&shards, arguments.organization.as_deref()).await? {
        let mut last = 0;
        loop {
            let page = verify::entries(&viewer, ground, id, last).await?;
            let Some(end) = page.last() else { break };
            last = end.number;
            for entry in &page {
                say(&format!("{}\n", verify::exported(entry)))?;
            }
        }
    }
    close(shards).await
}

fn sign(arguments: SignArguments) -> anyhow::Result<()> {
    let secret: SecretString = match (arguments.secret, arguments.secret_file) {
        (Some(secret), _) => secret.into(),
        (None, Some(path)) => config::secret_in_file(&path).map_err(anyhow::Error::msg)?,
        (None, None) => config::signing_secret().map_err(anyhow::Error::msg)?.context(
            "there is no secret to sign with; give --secret or --secret-file, or set PSA_GATEWAY_SIGNING_SECRET",
        )?,
    };
    let body = if let Some(path) = &arguments.file {
        std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?
    } else {
        let mut input = std::io::stdin().lock();
        if input.is_terminal() {
            explain("Reading the body from the terminal; end it with Ctrl-D, or give --file.\n");
        }
        let mut body = Vec::new();
        input.read_to_end(&mut body).context("standard input cannot be read")?;
        body
    };
    let id = arguments.id.unwrap_or_else(|| format!("msg_{}", Chance::system().alphanumeric(24)));
    let at = arguments.at.map_or_else(|| Clock::system().now(), Timestamp::from_secs);
    let headers = signature::sign(secret.expose_secret(), &id, at, &body)?;
    say(&headers.pairs().map(|(name, value)| format!("{name}: {value}\n")).concat())
}

/// Every sandbox on a port of its own, counted up from the first.
async fn sandbox(first: SocketAddr, unlimited: bool) -> anyhow::Result<()> {
    telemetry::start(LogFormat::Auto, "info", None)?;
    let ground = Outside { clock: Clock::system(), chance: Chance::system() };
    let mut running: Vec<Box<dyn Sandbox>> = Vec::new();
    for (kind, offset) in sandbox::kinds().iter().zip(0_u16..) {
        let port = if first.port() == 0 { 0 } else { first.port().saturating_add(offset) };
        let bind = SocketAddr::new(first.ip(), port).to_string();
        let started = (kind.start)(ground.clone(), bind.clone())
            .await
            .with_context(|| format!("cannot listen on {bind}; is another program there? (--listen)"))?;
        if unlimited {
            started.lift_limits();
        }
        say(&format!("{} (platform {}): {}\n", kind.label, kind.key, started.url()))?;
        for (key, value) in started.credentials() {
            say(&format!("  {key:<18} {value}\n"))?;
        }
        running.push(started);
    }
    let stopped = app::stopped()?;
    let url = running.first().map(|sandbox| sandbox.url()).unwrap_or_default();
    let create = running.first().map(|sandbox| sandbox.calls().create).unwrap_or_default();
    say(&format!(
        "\nThese are the values of `credentials` in psaConnectionCreate. A gateway may call the sandboxes with\n\
         --psa-private-addresses '*' (or PSA_GATEWAY_PSA_PRIVATE_ADDRESSES='*'); ConnectWise also wants\n\
         PSA_GATEWAY_CONNECTWISE_CLIENT_ID, any GUID.\n\
         \n\
         # every ticket, in the order of creation\n\
         curl -s {url}/_ledger/tickets\n\
         # the next creation of a ticket is carried out, but its answer is lost\n\
         curl -s {url}/_faults -H 'content-type: application/json' \\\n\
         \x20   -d '{{\"on\":\"{create}\",\"kind\":\"drop_after_commit\"}}'\n\
         \n\
         Ctrl-C ends them; nothing is kept.\n",
    ))?;
    stopped.await;
    Ok(())
}

/// Writes to standard output; a reader that has seen enough is no error.
fn say(text: &str) -> anyhow::Result<()> {
    let mut output = std::io::stdout().lock();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error).context("standard output"),
        _ => Ok(()),
    }
}

/// Writes for a person, who may not be there.
fn explain(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// What went wrong, then its causes, each on a line of its own.
fn complain(error: &anyhow::Error) {
    let mut text = format!("error: {error}\n");
    let mut before = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        // Some errors repeat their cause's words.
        if !before.contains(&cause) {
            text.extend(["  because: ", &cause, "\n"]);
        }
        before = cause;
    }
    explain(&text);
}
