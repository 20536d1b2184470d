//! The command line.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use entity::Role;
use psa_gateway::config::{Only, Overrides};

/// Turns signed webhooks of security products into exactly one ticket in an MSP's PSA.
#[derive(Debug, Parser)]
#[command(name = "psa-gateway", version, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the gateway
    Serve {
        /// Do only one part; other processes on the same database do the other
        #[arg(long)]
        only: Option<Only>,
        #[command(flatten)]
        settings: Settings,
    },
    /// Try it: a gateway, sandbox PSAs and a sample organization, on a fresh database
    Demo(DemoArguments),
    /// Run the sandbox PSAs alone
    Sandbox {
        /// Where the first listens, the others on the ports after it; port 0 takes free ones
        #[arg(long, default_value = "127.0.0.1:8091")]
        listen: SocketAddr,
        /// Take as many calls as come, for load tests: the vendors' limits do not hold
        #[arg(long)]
        unlimited: bool,
    },
    /// Bring the database's tables up to date
    Migrate {
        #[command(flatten)]
        settings: Settings,
    },
    /// Look at everything a gateway needs, and say what is wrong, where, and what to do; ends with 1 where
    /// something is bad
    Doctor {
        /// Print one JSON document, for programs
        #[arg(long)]
        json: bool,
        /// Also call every PSA, as psaConnectionVerify does
        #[arg(long)]
        call: bool,
        #[command(flatten)]
        settings: Settings,
    },
    /// Copy the SQLite database while the gateway runs
    ///
    /// The copy holds everything but the master key: keep a copy of that apart. PostgreSQL has its own tools.
    Backup {
        /// The file to be made; it must not be there
        file: PathBuf,
        #[command(flatten)]
        settings: Settings,
    },
    /// Put a copy in the SQLite database's place, while no gateway runs
    ///
    /// What stands there is kept under another name. Tickets that were made after the copy are looked for in the PSAs
    /// before anything is made again, for 35 days.
    Restore {
        /// A copy made by `psa-gateway backup`
        #[arg(required_unless_present = "mark_only")]
        file: Option<PathBuf>,
        /// The database was put back by other means (pg_restore, a snapshot): only mark it as put back
        #[arg(long, conflicts_with = "file")]
        mark_only: bool,
        #[command(flatten)]
        settings: Settings,
    },
    /// Print the GraphQL schema
    Schema {
        /// Print the JSON Schema of the gateway's own event format instead
        #[arg(long)]
        events: bool,
    },
    /// Check the configuration, and show what is not as by default
    CheckConfig {
        /// Print every setting with its default instead, as a file to copy from
        #[arg(long)]
        print: bool,
        #[command(flatten)]
        settings: Settings,
    },
    /// Print who may do what, as a table for the README
    Roles,
    /// Print which senders are known, as a table for the README
    Senders,
    /// Who changed what
    Audit {
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Organizations, and the databases that they live in
    Organization {
        #[command(subcommand)]
        command: OrganizationCommand,
    },
    /// Access tokens for the API
    Token {
        #[command(subcommand)]
        command: TokenCommand,
    },
    /// The keys that secrets are sealed under: which are in use, and rotating them
    Keys {
        #[command(subcommand)]
        command: KeysCommand,
    },
    /// Sign a webhook's body (Standard Webhooks), and print the headers for curl
    ///
    /// For example:
    ///
    ///   psa-gateway sign --secret whsec_… --file event.json |
    ///     curl -H @- -H 'content-type: application/json' --data-binary @event.json ADDRESS
    #[command(verbatim_doc_comment)]
    Sign(SignArguments),
}

#[derive(Debug, Args)]
pub(crate) struct DemoArguments {
    /// Play the story, tell what happened at each step, and end
    #[arg(long)]
    pub(crate) script: bool,
    /// Print one line of JSON when ready, for programs
    #[arg(long)]
    pub(crate) json: bool,
    /// Where the gateway listens
    #[arg(long)]
    pub(crate) listen: Option<SocketAddr>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Show which master keys are in use, and which can be removed
    List {
        #[command(flatten)]
        settings: Settings,
    },
    /// Make a file with a new master key, which only its owner may read
    New {
        /// The file; it must not be there
        file: PathBuf,
    },
    /// Wrap every data key under the current master key, while gateways run
    ///
    /// 1. psa-gateway keys new NEW-FILE
    /// 2. Restart every gateway with NEW-FILE among PSA_GATEWAY_MASTER_KEY_PREVIOUS_FILES, so that all of
    ///    them can open what is wrapped by it. (Leave this out where there is one gateway.)
    /// 3. Restart every gateway with PSA_GATEWAY_MASTER_KEY_FILE=NEW-FILE, and the old file among
    ///    PSA_GATEWAY_MASTER_KEY_PREVIOUS_FILES.
    /// 4. With the same settings: psa-gateway keys rotate
    /// 5. Remove the old file from the settings.
    ///
    /// It can be stopped and run again at any time.
    #[command(verbatim_doc_comment)]
    Rotate {
        /// Also give every organization a new data key, and seal its secrets anew
        #[arg(long)]
        data_keys: bool,
        #[command(flatten)]
        settings: Settings,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum OrganizationCommand {
    /// Bring an organization to another PostgreSQL database of this installation, while gateways run
    ///
    /// For some seconds, and as long as its rows take, nobody serves it: senders are told to come again, and its work
    /// waits. Nothing of it is lost or done twice. Where it breaks off, run it again.
    Move {
        /// Slug of the organization
        organization: String,
        /// Name of the shard that it is to live in; `main` is the first database
        #[arg(long, value_name = "SHARD")]
        to: String,
        #[command(flatten)]
        settings: Settings,
    },
    /// Print which organization lives in which database
    List {
        #[command(flatten)]
        settings: Settings,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token; it is printed once and not kept
    Create(NewTokenArguments),
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Look whether the audit logs are as they were written; ends with 1 where one is not
    ///
    /// Keep the numbers and hashes it prints somewhere else: a log that was put back to an earlier state as a whole
    /// shows by them alone.
    Verify(AuditArguments),
    /// Print the audit logs, an entry a line, as JSON
    Export(AuditArguments),
}

#[derive(Debug, Args)]
pub(crate) struct AuditArguments {
    /// Slug of the organization whose log is meant; all of them, and the installation's own, where none is given
    #[arg(long, value_name = "SLUG")]
    pub(crate) organization: Option<String>,
    #[command(flatten)]
    pub(crate) settings: Settings,
}

#[derive(Debug, Args)]
pub(crate) struct NewTokenArguments {
    /// Slug of the organization that it opens
    #[arg(long, value_name = "SLUG", required_unless_present = "installation")]
    pub(crate) organization: Option<String>,
    /// It opens every organization of this installation
    #[arg(long, conflicts_with = "organization")]
    pub(crate) installation: bool,
    /// What it may do
    #[arg(long)]
    pub(crate) role: RoleName,
    /// What it is for
    #[arg(long, default_value = "made on the command line")]
    pub(crate) name: String,
    /// After how many days it stops working; never, where nothing is said
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub(crate) expires_in_days: Option<u32>,
    #[command(flatten)]
    pub(crate) settings: Settings,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum RoleName {
    /// Everything, and says who else is an owner
    Owner,
    /// Everything but saying who is an owner
    Administrator,
    /// Connections, companies, mappings, profiles and what is billed
    Billing,
    /// Works on tickets: redrives, retries, links, tests
    Technician,
    /// Reads, also payloads and the schema itself
    Developer,
    /// Reads
    Viewer,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Owner => Self::Owner,
            RoleName::Administrator => Self::Administrator,
            RoleName::Billing => Self::Billing,
            RoleName::Technician => Self::Technician,
            RoleName::Developer => Self::Developer,
            RoleName::Viewer => Self::Viewer,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct SignArguments {
    /// The endpoint's secret (whsec_…) or a private key (whsk_…). Others on this machine can see it: prefer
    /// a file, or PSA_GATEWAY_SIGNING_SECRET
    #[arg(long, conflicts_with = "secret_file")]
    pub(crate) secret: Option<String>,
    /// File that holds the secret
    #[arg(long, value_name = "FILE")]
    pub(crate) secret_file: Option<PathBuf>,
    /// File that holds the body; standard input where nothing is said
    #[arg(long)]
    pub(crate) file: Option<PathBuf>,
    /// The message's id; a new one where nothing is said. The same id again is a repetition
    #[arg(long)]
    pub(crate) id: Option<String>,
    /// When it is signed, in seconds since 1970; now where nothing is said
    #[arg(long, value_name = "SECONDS")]
    pub(crate) at: Option<i64>,
}

/// Settings that are common enough to be flags. The others are set in the environment or the file.
#[derive(Debug, Args)]
#[command(next_help_heading = "Settings (all of them: psa-gateway check-config --print)")]
pub(crate) struct Settings {
    /// File of settings [default: psa-gateway.toml, where it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where HTTP is served [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Address under which others reach the gateway [default: http:// and where it listens]
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Folder for the gateway's own files [default: psa-gateway-data]
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<String>,
    /// The database, sqlite:// or postgres:// [default: gateway.db in the folder]. For an address with a
    /// password prefer DATABASE_URL
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// PSAs in private networks that may be called: hosts, networks, or * [default: none]
    #[arg(long, value_name = "LIST")]
    psa_private_addresses: Option<String>,
    /// Serve the GraphiQL page to browsers
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    graphiql: Option<String>,
    /// How logs are written: auto, human, json [default: auto]
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
    /// What is logged [default: info]
    #[arg(long, value_name = "FILTER")]
    log_filter: Option<String>,
}

impl Settings {
    /// What was given.
    pub(crate) fn overrides(&self) -> Overrides {
        let flags = [
            ("listen", &self.listen),
            ("public_url", &self.public_url),
            ("data_dir", &self.data_dir),
            ("database_url", &self.database_url),
            ("psa_private_addresses", &self.psa_private_addresses),
            ("graphiql", &self.graphiql),
            ("log_format", &self.log_format),
            ("log_filter", &self.log_filter),
        ];
        let given = flags.into_iter().filter_map(|(name, value)| Some((name, value.clone()?)));
        Overrides { file: self.config.clone(), settings: given.collect() }
    }
}
