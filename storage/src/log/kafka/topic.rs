//! What the topic must be, and what it is: told before anything is written to it, and again by `causeway kafka plan`.

mod admin;

use std::collections::BTreeMap;
use std::fmt;

use super::KafkaLogSettings;

pub(super) use self::admin::{admin, answer, options};
pub use self::admin::{apply, inspect};

/// What a batch of one message may take beside the message: its frame and the lengths of its parts.
const BATCH_BYTES: u64 = 4096;
/// How messages may be compressed in the topic, so that every build can read them.
const COMPRESSIONS: &[&str] = &["producer", "uncompressed", "gzip", "snappy", "lz4"];

/// What stands at the brokers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicState {
    /// Brokers that are up.
    pub brokers: usize,
    /// The topic, when there is one.
    pub topic: Option<Topic>,
}

/// A topic as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Topic {
    /// Copies of each partition, in their order.
    pub replicas: Vec<usize>,
    /// Its settings, those left to the brokers' defaults included.
    pub settings: BTreeMap<String, TopicSetting>,
}

/// A setting as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicSetting {
    /// Its value.
    pub value: String,
    /// Given to this topic, not the brokers' default.
    pub own: bool,
}

/// What is not as it must be. Its `Display` names the setting and the fix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// There is no topic. `apply` creates it.
    Missing,
    /// Fewer brokers are up than copies are wanted.
    Brokers {
        /// So many are up.
        found: usize,
        /// So many copies are wanted.
        wanted: u16,
    },
    /// It has another number of partitions.
    Partitions {
        /// So many there are.
        found: usize,
        /// So many are wanted.
        wanted: u16,
    },
    /// A partition has fewer copies.
    Replication {
        /// Which partition.
        partition: usize,
        /// So many it has.
        found: usize,
        /// So many are wanted.
        wanted: u16,
    },
    /// A setting of the topic does not hold. `apply` sets it.
    Setting {
        /// Its name.
        name: &'static str,
        /// Its value, where it has one.
        found: Option<String>,
        /// What it will be set to.
        wanted: String,
        /// Why it matters.
        why: &'static str,
    },
}

impl Difference {
    /// Whether [`apply`] mends it.
    pub const fn is_mended(&self) -> bool {
        match self {
            Self::Missing | Self::Setting { .. } => true,
            Self::Brokers { .. } | Self::Partitions { .. } | Self::Replication { .. } => false,
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("the topic does not exist: create it with `causeway kafka apply`"),
            Self::Brokers { found, wanted } => write!(
                f,
                "{found} brokers are up and `replication` wants {wanted} copies: start more brokers, or lower it"
            ),
            Self::Partitions { found, wanted } => write!(
                f,
                "it has {found} partitions and `partitions` is {wanted}; a patient's partition follows from the number, \
                 so neither is changed: set `partitions` to {found}, or use another `topic`"
            ),
            Self::Replication { partition, found, wanted } => write!(
                f,
                "partition {partition} has {found} copies and `replication` wants {wanted}: add copies with \
                 kafka-reassign-partitions, or lower it"
            ),
            Self::Setting { name, found, wanted, why } => {
                let found = found.as_deref().unwrap_or("not set");
                write!(f, "its `{name}` is {found} and must be {wanted}, {why}: set it with `causeway kafka apply`")
            }
        }
    }
}

/// A setting the topic must have.
struct Rule {
    name: &'static str,
    wanted: String,
    why: &'static str,
    /// Whether a value will do.
    holds: Box<dyn Fn(&str) -> bool>,
}

/// What the topic must have.
fn rules(settings: &KafkaLogSettings) -> Vec<Rule> {
    let exactly = |name, wanted: &'static str, why| Rule {
        name,
        wanted: wanted.to_owned(),
        why,
        holds: Box::new(move |found| found == wanted),
    };
    let least = settings.message_bytes_max.saturating_add(BATCH_BYTES);
    let copies = settings.min_isr..=settings.replication;
    vec![
        exactly("cleanup.policy", "delete", "or messages with the same key disappear"),
        exactly("retention.ms", "-1", "or messages disappear before they are processed"),
        exactly("retention.bytes", "-1", "or messages disappear before they are processed"),
        exactly("unclean.leader.election.enable", "false", "or acknowledged messages can be lost"),
        exactly("message.timestamp.type", "CreateTime", "or the checksums do not hold"),
        Rule {
            name: "min.insync.replicas",
            wanted: settings.min_isr.to_string(),
            why: "or one lost disk can lose acknowledged messages",
            holds: Box::new(move |found| found.parse().is_ok_and(|found| copies.contains(&found))),
        },
        Rule {
            name: "max.message.bytes",
            wanted: least.to_string(),
            why: "or large messages are refused",
            holds: Box::new(move |found| found.parse::<u64>().is_ok_and(|found| found >= least)),
        },
        Rule {
            name: "compression.type",
            wanted: "producer".to_owned(),
            why: "or not every build can read it",
            holds: Box::new(|found| COMPRESSIONS.contains(&found)),
        },
    ]
}

/// What must change before the log can use the topic; nothing when it is as it must be.
pub fn plan(settings: &KafkaLogSettings, found: &TopicState) -> Vec<Difference> {
    let wanted = settings.replication;
    let too_few = found.brokers < usize::from(wanted);
    let Some(topic) = &found.topic else {
        let brokers = too_few.then_some(Difference::Brokers { found: found.brokers, wanted });
        return std::iter::once(Difference::Missing).chain(brokers).collect();
    };
    let mut differences = Vec::new();
    if topic.replicas.len() != usize::from(settings.partitions) {
        let found = topic.replicas.len();
        differences.push(Difference::Partitions { found, wanted: settings.partitions });
    }
    let copies = topic.replicas.iter().copied().enumerate();
    let thin = copies.filter(|(_, found)| *found < usize::from(wanted));
    differences.extend(thin.map(|(partition, found)| Difference::Replication { partition, found, wanted }));
    for Rule { name, wanted, why, holds } in rules(settings) {
        let found = topic.settings.get(name).map(|setting| setting.value.clone());
        if !found.as_deref().is_some_and(holds) {
            differences.push(Difference::Setting { name, found, wanted, why });
        }
    }
    differences
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good(settings: &KafkaLogSettings) -> Topic {
        let own = |rule: Rule| (rule.name.to_owned(), TopicSetting { value: rule.wanted, own: true });
        Topic {
            replicas: vec![usize::from(settings.replication); usize::from(settings.partitions)],
            settings: rules(settings).into_iter().map(own).collect(),
        }
    }

    fn found(topic: Topic) -> TopicState {
        TopicState { brokers: 3, topic: Some(topic) }
    }

    /// What is said of a topic whose setting `name` is `value`.
    fn with(name: &str, value: &str) -> Vec<String> {
        let settings = KafkaLogSettings::default();
        let mut topic = good(&settings);
        topic.settings.insert(name.to_owned(), TopicSetting { value: value.to_owned(), own: false });
        plan(&settings, &found(topic)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_topic_as_it_must_be_needs_nothing() {
        let settings = KafkaLogSettings::default();
        assert_eq!(plan(&settings, &found(good(&settings))), []);
    }

    #[test]
    fn every_weaker_setting_is_named_with_its_fix() {
        let weaker = [
            ("cleanup.policy", "compact"),
            ("cleanup.policy", "delete,compact"),
            ("retention.ms", "604800000"),
            ("retention.bytes", "1073741824"),
            ("unclean.leader.election.enable", "true"),
            ("message.timestamp.type", "LogAppendTime"),
            ("min.insync.replicas", "1"),
            ("min.insync.replicas", "4"),
            ("max.message.bytes", "1048588"),
            ("compression.type", "zstd"),
        ];
        for (name, value) in weaker {
            let said = with(name, value);
            let [said] = said.as_slice() else { panic!("{name}={value}: {said:?}") };
            assert!(said.contains(&format!("`{name}` is {value} and must be ")), "{said}");
            assert!(said.ends_with("`causeway kafka apply`"), "{said}");
        }
        for (name, value) in
            [("min.insync.replicas", "3"), ("max.message.bytes", "99999999"), ("compression.type", "lz4")]
        {
            assert_eq!(with(name, value), <Vec<String>>::new(), "{name}={value} is no weaker");
        }
    }

    #[test]
    fn a_missing_setting_is_a_difference() {
        let settings = KafkaLogSettings::default();
        let mut topic = good(&settings);
        topic.settings.remove("retention.ms");
        let differences = plan(&settings, &found(topic));
        assert!(matches!(differences.as_slice(), [Difference::Setting { name: "retention.ms", found: None, .. }]));
    }

    #[test]
    fn partitions_and_copies_are_told_but_never_changed() {
        let settings = KafkaLogSettings::default();
        let topic = Topic { replicas: vec![3, 3, 1, 3, 3, 3, 3, 3, 3], ..good(&settings) };
        let differences = plan(&settings, &found(topic));
        let expected = [
            Difference::Partitions { found: 9, wanted: 8 },
            Difference::Replication { partition: 2, found: 1, wanted: 3 },
        ];
        assert_eq!(differences, expected);
        assert!(differences.iter().all(|difference| !difference.is_mended()));
        let said: Vec<_> = differences.iter().map(ToString::to_string).collect();
        assert!(said[0].contains("9 partitions and `partitions` is 8") && said[0].contains("`topic`"), "{said:?}");
        assert!(said[1].contains("partition 2 has 1 copies and `replication` wants 3"), "{said:?}");
    }

    #[test]
    fn a_missing_topic_can_be_created_where_there_are_brokers_enough() {
        let settings = KafkaLogSettings::default();
        let missing = |brokers| plan(&settings, &TopicState { brokers, topic: None });
        assert_eq!(missing(3), [Difference::Missing]);
        assert_eq!(missing(2), [Difference::Missing, Difference::Brokers { found: 2, wanted: 3 }]);
    }
}
