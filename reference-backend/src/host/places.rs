//! Who has a place: connections at one time in all, from one address, and before they have logged in.
//!
//! Knows no socket and no clock: `now` is an argument. A connection that finds no place may take that of one which has
//! said nothing for too long in its login; that one has to go.

use crate::api::PlayerId;
use crate::config::HostConfig;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;
use tokio::time::Instant;

/// Connections that are being told at one time that there is no place for them. They need files, so that there cannot be
/// many.
const TOLD: usize = 8;
/// And those that have to go because another has their place, which is a matter of one turn each.
const LEAVING: usize = 8;
/// Connections that are there without a place, at the most.
pub(crate) const WITHOUT_PLACE: usize = TOLD + LEAVING;

/// How long newcomers wait in the system's queue while all places of logins are taken and none of those logins comes to
/// its end. Players who come all at once do log in, and make room sooner.
const PATIENCE: Duration = Duration::from_millis(250);

/// Between two lines of the log about refused connections.
const BETWEEN_LINES: Duration = Duration::from_secs(10);

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Refusal {
    /// All are taken.
    Full,
    /// The address has as many as one may have.
    Address,
    /// All that connections may hold before they have logged in.
    Logins,
}

impl Refusal {
    /// What the player reads.
    pub fn text(self) -> &'static str {
        match self {
            Self::Full => "The server is full. Please try again later.",
            Self::Address => "Too many connections come from your address.",
            Self::Logins => "Too many players are logging in. Please try again in a moment.",
        }
    }
}

/// What becomes of a new connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// It has a place.
    Taken,
    /// It has the place of this one, which has to go.
    InsteadOf(PlayerId),
    /// It has none, and stays until it has been told.
    Told(Refusal),
    /// It has none.
    Closed,
}

pub(super) struct Places {
    total: usize,
    per_address: usize,
    logins: usize,
    /// How long a login may be silent while places are short.
    short: Duration,
    held: BTreeMap<PlayerId, Place>,
    addresses: BTreeMap<Network, usize>,
    /// Of those held, how many have not logged in.
    in_login: usize,
    /// Those of them that the host waits for, by how long it has.
    silent: BTreeSet<(Instant, PlayerId)>,
    told: BTreeSet<PlayerId>,
    leaving: BTreeSet<PlayerId>,
    /// When a login last came to its end, or took the last place.
    progress: Option<Instant>,
    tally: Tally,
}

struct Place {
    network: Network,
    logged_in: bool,
    silent_since: Option<Instant>,
}

/// Who counts as one: an IPv4 address, or the 64 bits of an IPv6 address that a provider gives to one customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Network(IpAddr);

impl Network {
    fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
            address @ IpAddr::V4(_) => address,
        })
    }
}

impl Places {
    pub fn new(config: &HostConfig) -> Self {
        let limits = &config.limits;
        let total = config.max_connections as usize;
        let share = usize::try_from(limits.login_share).unwrap_or(usize::MAX);
        Self {
            total,
            per_address: usize::try_from(limits.connections_per_address).unwrap_or(usize::MAX),
            logins: total.saturating_mul(share).div_ceil(100),
            short: limits.login_timeout_short(),
            held: BTreeMap::new(),
            addresses: BTreeMap::new(),
            in_login: 0,
            silent: BTreeSet::new(),
            told: BTreeSet::new(),
            leaving: BTreeSet::new(),
            progress: None,
            tally: Tally::default(),
        }
    }

    /// A connection from this address, silent from now on.
    pub fn admit(&mut self, player: PlayerId, address: IpAddr, now: Instant) -> Admission {
        let network = Network::of(address);
        if self.addresses.get(&network).copied().unwrap_or_default() >= self.per_address {
            return self.refuse(player, Refusal::Address);
        }
        let full = self.held.len() >= self.total;
        let admission = if full || self.in_login >= self.logins {
            match self.stale(now) {
                Some(old) if self.leaving.len() < LEAVING => {
                    self.give_up(old);
                    self.leaving.insert(old);
                    Admission::InsteadOf(old)
                }
                _ if full => return self.refuse(player, Refusal::Full),
                _ => return self.refuse(player, Refusal::Logins),
            }
        } else {
            Admission::Taken
        };
        *self.addresses.entry(network).or_default() += 1;
        self.in_login += 1;
        self.silent.insert((now, player));
        let place = Place {
            network,
            logged_in: false,
            silent_since: Some(now),
        };
        self.held.insert(player, place);
        if self.in_login == self.logins && admission == Admission::Taken {
            self.progress = Some(now);
        }
        admission
    }

    /// Until when a newcomer should wait for a place that is likely to come; none where it need not or would in vain.
    pub fn wait_until(&self, now: Instant) -> Option<Instant> {
        if self.in_login < self.logins || self.held.len() >= self.total || self.stale(now).is_some()
        {
            return None;
        }
        let mut until = self.progress? + PATIENCE;
        if let Some((since, _)) = self.silent.first() {
            until = until.min(*since + self.short);
        }
        (until > now).then_some(until)
    }

    /// The host has what it waited for, and has to decide.
    pub fn heard(&mut self, player: PlayerId) {
        if let Some(place) = self.held.get_mut(&player)
            && let Some(since) = place.silent_since.take()
        {
            self.silent.remove(&(since, player));
        }
    }

    /// The host waits for the client from now on.
    pub fn asked(&mut self, player: PlayerId, now: Instant) {
        self.heard(player);
        if let Some(place) = self.held.get_mut(&player)
            && !place.logged_in
        {
            place.silent_since = Some(now);
            self.silent.insert((now, player));
        }
    }

    /// It counts among the logins no more.
    pub fn logged_in(&mut self, player: PlayerId, now: Instant) {
        self.heard(player);
        if let Some(place) = self.held.get_mut(&player)
            && !std::mem::replace(&mut place.logged_in, true)
        {
            self.in_login -= 1;
            self.progress = Some(now);
        }
    }

    /// The connection is there no more.
    pub fn gone(&mut self, player: PlayerId, now: Instant) {
        if self.told.remove(&player) || self.leaving.remove(&player) {
            return;
        }
        if self.give_up(player) {
            self.progress = Some(now);
        }
    }

    /// What the log should say of refused connections by now.
    pub fn line(&mut self, now: Instant) -> Option<String> {
        let line = self.tally.line(now)?;
        Some(format!(
            "connections refused: {line} (max_connections {}, connections_per_address {}, logins at one time {})",
            self.total, self.per_address, self.logins
        ))
    }

    fn refuse(&mut self, player: PlayerId, refusal: Refusal) -> Admission {
        self.tally.count(refusal);
        if self.told.len() >= TOLD {
            return Admission::Closed;
        }
        self.told.insert(player);
        Admission::Told(refusal)
    }

    /// The login that has been silent for longest, if that is too long while places are short.
    fn stale(&self, now: Instant) -> Option<PlayerId> {
        let (since, player) = self.silent.first()?;
        (*since + self.short <= now).then_some(*player)
    }

    /// Answers whether it was a login.
    fn give_up(&mut self, player: PlayerId) -> bool {
        let Some(place) = self.held.remove(&player) else {
            return false;
        };
        if let Some(since) = place.silent_since {
            self.silent.remove(&(since, player));
        }
        if let Some(count) = self.addresses.get_mut(&place.network) {
            *count -= 1;
            if *count == 0 {
                self.addresses.remove(&place.network);
            }
        }
        if !place.logged_in {
            self.in_login -= 1;
        }
        !place.logged_in
    }
}

/// Refused connections that the log has not told of yet.
#[derive(Default)]
struct Tally {
    counts: BTreeMap<Refusal, u64>,
    told: Option<Instant>,
}

impl Tally {
    fn count(&mut self, refusal: Refusal) {
        *self.counts.entry(refusal).or_default() += 1;
    }

    fn line(&mut self, now: Instant) -> Option<Counts> {
        let due = self.told.is_none_or(|told| now >= told + BETWEEN_LINES);
        if !due || self.counts.is_empty() {
            return None;
        }
        self.told = Some(now);
        Some(Counts(std::mem::take(&mut self.counts)))
    }
}

struct Counts(BTreeMap<Refusal, u64>);

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (refusal, count)) in self.0.iter().enumerate() {
            let why = match refusal {
                Refusal::Full => "because all places are taken",
                Refusal::Address => "from addresses that have as many as one may have",
                Refusal::Logins => "because too many are logging in",
            };
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{count} {why}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::HostLimits;

    const SHORT: Duration = Duration::from_secs(2);

    fn places(total: u32, per_address: u64, login_share: u64) -> Places {
        Places::new(&HostConfig {
            max_connections: total,
            limits: HostLimits {
                connections_per_address: per_address,
                login_share,
                login_timeout_short_ms: 2_000,
                ..HostLimits::default()
            },
            ..HostConfig::default()
        })
    }

    fn address(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    fn player(number: u64) -> PlayerId {
        PlayerId(number)
    }

    #[test]
    fn one_address_has_so_many_and_no_more() {
        let mut places = places(8, 2, 100);
        let now = Instant::now();
        for number in 1..=2 {
            let admitted = places.admit(player(number), address(1), now);
            assert_eq!(admitted, Admission::Taken);
        }
        let third = places.admit(player(3), address(1), now);
        assert_eq!(third, Admission::Told(Refusal::Address));
        assert_eq!(places.admit(player(4), address(2), now), Admission::Taken);
        places.gone(player(1), now);
        assert_eq!(places.admit(player(5), address(1), now), Admission::Taken);
    }

    #[test]
    fn an_address_is_what_one_customer_has() {
        let network = |text: &str| Network::of(text.parse().unwrap());
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
        assert_eq!(network("2001:db8::1"), network("2001:db8::ffff:0:0:2"));
        assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    }

    #[test]
    fn logins_have_a_share_and_whoever_has_logged_in_makes_room() {
        let mut places = places(4, 9, 50);
        let now = Instant::now();
        for number in 1..=2 {
            let admitted = places.admit(player(number), address(1), now);
            assert_eq!(admitted, Admission::Taken);
        }
        let third = places.admit(player(3), address(1), now);
        assert_eq!(third, Admission::Told(Refusal::Logins));
        places.logged_in(player(1), now);
        assert_eq!(places.admit(player(4), address(1), now), Admission::Taken);
        places.logged_in(player(2), now);
        assert_eq!(places.admit(player(5), address(1), now), Admission::Taken);
        let all = places.admit(player(6), address(1), now);
        assert_eq!(all, Admission::Told(Refusal::Full));
    }

    #[test]
    fn a_share_is_never_nothing() {
        assert_eq!(places(1, 1, 1).logins, 1);
        assert_eq!(places(1024, 1, 75).logins, 768);
    }

    #[test]
    fn a_login_that_is_silent_for_too_long_loses_its_place_when_places_are_short() {
        let mut places = places(2, 9, 100);
        let now = Instant::now();
        places.admit(player(1), address(1), now);
        places.admit(player(2), address(1), now);
        let almost = now + SHORT - Duration::from_millis(1);
        assert_eq!(
            places.admit(player(3), address(1), almost),
            Admission::Told(Refusal::Full)
        );
        let late = now + SHORT;
        let admitted = places.admit(player(4), address(1), late);
        assert_eq!(admitted, Admission::InsteadOf(player(1)));
        let admitted = places.admit(player(5), address(1), late);
        assert_eq!(admitted, Admission::InsteadOf(player(2)));
        let admitted = places.admit(player(6), address(1), late);
        assert_eq!(admitted, Admission::Told(Refusal::Full));
    }

    #[test]
    fn whoever_waits_for_the_host_is_not_silent() {
        let mut places = places(1, 9, 100);
        let now = Instant::now();
        places.admit(player(1), address(1), now);
        places.heard(player(1));
        let later = now + 5 * SHORT;
        assert_eq!(
            places.admit(player(2), address(1), later),
            Admission::Told(Refusal::Full)
        );
        places.asked(player(1), later);
        assert_eq!(
            places.admit(player(3), address(1), later),
            Admission::Told(Refusal::Full)
        );
        assert_eq!(
            places.admit(player(4), address(1), later + SHORT),
            Admission::InsteadOf(player(1))
        );
    }

    #[test]
    fn without_a_place_there_are_only_a_few() {
        let total = LEAVING as u64 + 1;
        let mut places = places(LEAVING as u32 + 1, 99, 100);
        let now = Instant::now();
        for number in 0..total {
            places.admit(player(number), address(1), now);
        }
        for number in 0..TOLD as u64 {
            let told = places.admit(player(100 + number), address(1), now);
            assert_eq!(told, Admission::Told(Refusal::Full));
        }
        let closed = places.admit(player(200), address(1), now);
        assert_eq!(closed, Admission::Closed);
        // Those who are being told keep nobody from making room.
        let late = now + SHORT;
        for number in 0..LEAVING as u64 {
            let admitted = places.admit(player(300 + number), address(1), late);
            assert_eq!(admitted, Admission::InsteadOf(player(number)));
        }
        let closed = places.admit(player(400), address(1), late);
        assert_eq!(closed, Admission::Closed);
        places.gone(player(100), late);
        let told = places.admit(player(401), address(1), late);
        assert_eq!(told, Admission::Told(Refusal::Full));
        places.gone(player(0), late);
        let admitted = places.admit(player(402), address(1), late);
        assert_eq!(admitted, Admission::InsteadOf(player(total - 1)));
    }

    #[test]
    fn newcomers_wait_as_long_as_logins_come_to_their_end() {
        let mut places = places(4, 9, 50);
        let now = Instant::now();
        assert_eq!(places.wait_until(now), None);
        places.admit(player(1), address(1), now);
        places.admit(player(2), address(1), now);
        let until = now + PATIENCE;
        assert_eq!(places.wait_until(now), Some(until));
        assert_eq!(places.wait_until(until), None);
        places.logged_in(player(1), until);
        assert_eq!(places.wait_until(until), None);
        places.admit(player(3), address(1), until);
        assert_eq!(places.wait_until(until), Some(until + PATIENCE));
        // Nobody waits for longer than until a place can be had.
        let almost = now + SHORT - Duration::from_millis(1);
        places.progress = Some(almost);
        assert_eq!(places.wait_until(almost), Some(now + SHORT));
        assert_eq!(places.wait_until(now + SHORT), None);
    }

    #[test]
    fn the_log_has_a_line_at_once_and_then_one_for_many() {
        let mut places = places(1, 9, 100);
        let now = Instant::now();
        places.admit(player(0), address(1), now);
        assert_eq!(places.line(now), None);
        places.admit(player(1), address(1), now);
        let line = places.line(now).unwrap();
        assert!(line.contains("1 because all places are taken"), "{line}");
        places.admit(player(2), address(1), now);
        places.admit(player(3), address(1), now);
        let almost = now + BETWEEN_LINES - Duration::from_millis(1);
        assert_eq!(places.line(almost), None);
        let line = places.line(now + BETWEEN_LINES).unwrap();
        assert!(line.contains("2 because all places are taken"), "{line}");
        assert_eq!(places.line(now + 2 * BETWEEN_LINES), None);
    }
}
