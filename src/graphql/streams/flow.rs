//! How much may be on its way to a WebSocket client that has not taken it yet.
//!
//! What is handed to the operating system is out of sight. So behind what is sent goes a ping, and its pong
//! says that everything before it has arrived. A client that reads slowly is sent no more than a window
//! holds; what it has asked for waits where it is made, and a subscription that waits too long ends.

use std::time::{Duration, Instant};

/// How many bytes may be on their way.
const WINDOW_BYTES: usize = 1024 * 1024;
/// How many messages.
const WINDOW_MESSAGES: usize = 16;
/// After how long without a ping the next one is sent: proxies close what is silent.
const KEEP_ALIVE: Duration = Duration::from_secs(12);
/// How long the pong may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is on its way.
#[derive(Debug)]
pub(super) struct Flow {
    bytes: usize,
    messages: usize,
    pinged_at: Instant,
    pings: u64,
    /// The ping that is not answered yet, and what was sent before it.
    waiting: Option<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    ping: u64,
    bytes: usize,
    messages: usize,
}

impl Flow {
    pub(super) fn new(now: Instant) -> Self {
        Self { bytes: 0, messages: 0, pinged_at: now, pings: 0, waiting: None }
    }

    /// Whether more may be sent.
    pub(super) fn is_open(&self) -> bool {
        self.bytes < WINDOW_BYTES && self.messages < WINDOW_MESSAGES
    }

    /// A message was sent.
    pub(super) fn sent(&mut self, bytes: usize) {
        self.bytes += bytes;
        self.messages += 1;
    }

    /// The ping to send now, where one is due.
    pub(super) fn ping(&mut self, now: Instant) -> Option<[u8; 8]> {
        let is_half_full = self.bytes >= WINDOW_BYTES / 2 || self.messages >= WINDOW_MESSAGES / 2;
        if self.waiting.is_some() || !(is_half_full || now >= self.pinged_at + KEEP_ALIVE) {
            return None;
        }
        self.pings += 1;
        self.pinged_at = now;
        self.waiting = Some(Waiting { ping: self.pings, bytes: self.bytes, messages: self.messages });
        Some(self.pings.to_be_bytes())
    }

    /// A pong came; one that nobody asked for counts for nothing.
    pub(super) fn pong(&mut self, payload: &[u8]) {
        if let Some(waiting) = self.waiting.take_if(|waiting| waiting.ping.to_be_bytes() == payload) {
            self.bytes = self.bytes.saturating_sub(waiting.bytes);
            self.messages = self.messages.saturating_sub(waiting.messages);
        }
    }

    /// Whether the client is gone, or takes nothing.
    pub(super) fn is_silent(&self, now: Instant) -> bool {
        self.waiting.is_some() && now >= self.pinged_at + PATIENCE
    }

    /// How long until there is something to do.
    pub(super) fn until_due(&self, now: Instant) -> Duration {
        let wait = if self.waiting.is_some() { PATIENCE } else { KEEP_ALIVE };
        (self.pinged_at + wait).saturating_duration_since(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_takes_nothing_is_sent_no_more_than_a_window() {
        let now = Instant::now();
        let mut flow = Flow::new(now);
        let mut sent = 0;
        while flow.is_open() {
            flow.sent(300_000);
            flow.ping(now);
            sent += 1;
        }
        assert_eq!(sent, 4);
        flow.pong(b"nonsense");
        assert!(!flow.is_open());
        flow.pong(&1_u64.to_be_bytes());
        assert!(flow.is_open(), "two of four have arrived");
        assert!(flow.ping(now).is_some(), "the others are asked for");
    }

    #[test]
    fn small_messages_have_a_window_too() {
        let mut flow = Flow::new(Instant::now());
        let sent = std::iter::from_fn(|| flow.is_open().then(|| flow.sent(1))).count();
        assert_eq!(sent, WINDOW_MESSAGES);
    }

    #[test]
    fn a_quiet_connection_is_pinged_and_one_that_stays_silent_is_given_up() {
        let start = Instant::now();
        let mut flow = Flow::new(start);
        assert_eq!(flow.ping(start), None);
        let later = start + flow.until_due(start);
        let ping = flow.ping(later).unwrap();
        assert!(!flow.is_silent(later));
        assert!(flow.is_silent(later + PATIENCE));
        flow.pong(&ping);
        assert!(!flow.is_silent(later + PATIENCE));
        assert!(flow.ping(later + KEEP_ALIVE).is_some());
    }
}
