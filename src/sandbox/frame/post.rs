//! The post room: sends queued webhooks, one after the other. What is tried again, and when, is the vendor's.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use entity::Timestamp;

use super::world::{REMEMBERED, Shared, World};

/// How long a receiver may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often letters that wait for a later time are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// What becomes of webhooks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mail {
    /// They are sent.
    #[default]
    Send,
    /// Each is sent twice.
    Twice,
    /// They wait until another is set.
    Hold,
    /// They are lost, those that wait included.
    Drop,
}

/// A webhook to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// The vendor's id of the subscription.
    pub subscription: String,
    /// Where it goes; nowhere where it is empty.
    pub url: String,
    /// Headers besides those of HTTP itself.
    pub headers: Vec<(String, String)>,
    /// The bytes.
    pub body: Vec<u8>,
    /// Not before this, by the sandbox's clock.
    pub due: Timestamp,
    /// How often it was tried.
    pub tries: u32,
}

/// What the receiver said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostAnswer {
    /// The status; none where there was no answer.
    pub status: Option<u16>,
    /// The body, or what went wrong.
    pub text: String,
    /// When it was sent, by the sandbox's clock.
    pub at: Timestamp,
}

impl PostAnswer {
    /// A status of 2xx.
    pub fn is_fine(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }
}

/// What waits to be sent.
#[derive(Debug, Default)]
pub struct Post {
    /// Whether letters of one subscription never overtake each other.
    pub is_ordered: bool,
    queue: VecDeque<Letter>,
    in_flight: usize,
    delivered: usize,
    mail: Mail,
}

impl Post {
    /// Queues a letter.
    pub fn put(&mut self, letter: Letter) {
        match self.mail {
            Mail::Drop => {}
            Mail::Twice => self.queue.extend([letter.clone(), letter]),
            Mail::Send | Mail::Hold => self.queue.push_back(letter),
        }
    }

    /// Takes the letters at the front that go to the same subscription: for vendors that send several at
    /// once, in one request.
    pub fn take_more(&mut self, subscription: &str) -> Vec<Letter> {
        let mut more = Vec::new();
        while self.queue.front().is_some_and(|next| next.subscription == subscription) {
            more.extend(self.queue.pop_front());
        }
        more
    }

    pub(super) fn set_mail(&mut self, mail: Mail) {
        self.mail = mail;
        if mail == Mail::Drop {
            self.queue.clear();
        }
    }

    pub(super) fn delivered(&self) -> usize {
        self.delivered
    }

    pub(super) fn pending(&self, now: Timestamp) -> usize {
        let is_sending = matches!(self.mail, Mail::Send | Mail::Twice);
        self.in_flight + if is_sending { self.due(now).count() } else { 0 }
    }

    fn due(&self, now: Timestamp) -> impl Iterator<Item = usize> {
        let goes = move |(at, letter): &(usize, &Letter)| {
            let held_up = self.is_ordered
                && self
                    .queue
                    .iter()
                    .take(*at)
                    .any(|before| before.subscription == letter.subscription && before.due > now);
            letter.due <= now && !held_up
        };
        self.queue.iter().enumerate().filter(goes).map(|(at, _)| at)
    }

    fn take(&mut self, now: Timestamp) -> Option<Letter> {
        if !matches!(self.mail, Mail::Send | Mail::Twice) {
            return None;
        }
        let at = self.due(now).next()?;
        self.in_flight += 1;
        self.queue.remove(at)
    }

    fn settle(&mut self, again: Option<Letter>) {
        self.in_flight -= 1;
        self.delivered += 1;
        if self.mail != Mail::Drop {
            // At the front: in order it comes before what was written later.
            self.queue.extend(again);
            self.queue.make_contiguous().sort_by_key(|letter| std::cmp::Reverse(letter.tries));
        }
    }
}

/// Sends what is queued for as long as the sandbox lives.
pub(super) async fn run<W: World>(shared: Arc<Shared<W>>) {
    let client = client();
    loop {
        let woken = shared.letters.notified();
        let next = shared.with(|inside| {
            let now = inside.ground.clock.now();
            let mut letter = if inside.down { None } else { inside.world.post().take(now) }?;
            inside.world.dress(&mut letter);
            Some(letter)
        });
        let Some(mut letter) = next else {
            drop(tokio::time::timeout(LOOK_EVERY, woken).await);
            continue;
        };
        let at = shared.with(|inside| inside.ground.clock.now());
        let (status, text) = match &client {
            Some(client) if !letter.url.is_empty() => send(client, &letter).await,
            _ => (None, "nobody to send it to".to_owned()),
        };
        letter.tries += 1;
        shared.with(|inside| {
            if inside.letters.len() >= REMEMBERED {
                inside.letters.pop_front();
            }
            inside.letters.push_back(letter.clone());
            let again = inside.world.posted(letter, &PostAnswer { status, text, at });
            inside.world.post().settle(again);
        });
    }
}

#[expect(clippy::disallowed_methods, reason = "the sandbox is an outside world with its own client")]
fn client() -> Option<reqwest::Client> {
    // Plain HTTP needs no provider, but the builder does; one that is installed already stays.
    drop(rustls::crypto::ring::default_provider().install_default());
    let builder =
        reqwest::Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none()).no_proxy();
    builder.build().inspect_err(|error| tracing::error!(%error, "a sandbox cannot send webhooks")).ok()
}

async fn send(client: &reqwest::Client, letter: &Letter) -> (Option<u16>, String) {
    let mut request = client.post(&letter.url).body(letter.body.clone());
    for (name, value) in &letter.headers {
        request = request.header(name, value);
    }
    match request.send().await {
        Ok(answer) => (Some(answer.status().as_u16()), answer.text().await.unwrap_or_default()),
        Err(error) => (None, error.to_string()),
    }
}
