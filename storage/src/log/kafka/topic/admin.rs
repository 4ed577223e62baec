//! Asks the brokers what the topic is, and makes it what it must be.

use std::collections::BTreeMap;
use std::time::Duration;

use causeway_core::port::LogError;
use rdkafka::admin::{
    AdminClient, AdminOptions, AlterConfig, ConfigEntry, ConfigSource, NewTopic, ResourceSpecifier, TopicReplication,
};
use rdkafka::config::FromClientConfigAndContext as _;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::types::RDKafkaRespErr;

use super::{Difference, Topic, TopicSetting, TopicState, plan, rules};
use crate::log::kafka::client::{self, Talk};
use crate::log::kafka::wait::wait_for;
use crate::log::kafka::{KafkaLogSettings, fault};

/// News of a client that are looked through for a cause.
const NEWS_MAX: usize = 100;

/// Asks the brokers what the topic is.
///
/// # Errors
/// `Unavailable`: the settings are wrong, no broker answers in `read_timeout`, or we may not ask.
pub fn inspect(settings: &KafkaLogSettings) -> Result<TopicState, LogError> {
    settings.check()?;
    let (brokers, replicas) = layout(settings)?;
    let Some(replicas) = replicas else { return Ok(TopicState { brokers, topic: None }) };
    let settings = describe(settings)?.into_iter().filter_map(setting).collect();
    Ok(TopicState { brokers, topic: Some(Topic { replicas, settings }) })
}

/// Makes the topic what it must be: creates it, or sets its settings, then looks again. Answers what is left, which is
/// nothing when the log can use it.
///
/// # Errors
/// As [`inspect`], or the brokers refuse the change.
pub fn apply(settings: &KafkaLogSettings, differences: &[Difference]) -> Result<Vec<Difference>, LogError> {
    settings.check()?;
    if differences.contains(&Difference::Missing) {
        create(settings)?;
    } else if differences.iter().any(Difference::is_mended) {
        set(settings, differences)?;
    }
    // Every broker learns of it a little later than the controller that answered.
    let mut left = inspect(settings).map(|found| plan(settings, &found))?;
    let deadline = std::time::Instant::now() + settings.read_timeout;
    while left.iter().any(Difference::is_mended) && std::time::Instant::now() < deadline {
        left = inspect(settings).map(|found| plan(settings, &found))?;
    }
    Ok(left)
}

/// A client for administration.
pub(in crate::log::kafka) fn admin(settings: &KafkaLogSettings) -> Result<AdminClient<Talk>, LogError> {
    AdminClient::from_config_and_context(&client::config(settings)?, Talk::default()).map_err(fault::unavailable)
}

/// How long the brokers have.
pub(in crate::log::kafka) fn options(settings: &KafkaLogSettings) -> AdminOptions {
    let timeout = Some(settings.read_timeout);
    AdminOptions::new().request_timeout(timeout).operation_timeout(timeout)
}

/// Waits for an answer of the administration.
pub(in crate::log::kafka) fn answer<T>(
    settings: &KafkaLogSettings,
    future: impl Future<Output = Result<T, KafkaError>>,
) -> Result<T, LogError> {
    // librdkafka gives up by itself; this is for the case that it does not.
    match wait_for(future, settings.read_timeout.saturating_mul(2)) {
        Some(answer) => answer.map_err(fault::unavailable),
        None => Err(fault::unavailable("the brokers do not answer")),
    }
}

/// How many brokers are up, and the copies of each partition where there is a topic.
fn layout(settings: &KafkaLogSettings) -> Result<(usize, Option<Vec<usize>>), LogError> {
    let mut config = client::config(settings)?;
    // Asking must not create it.
    config.set("allow.auto.create.topics", "false");
    let consumer = BaseConsumer::from_config_and_context(&config, Talk::default()).map_err(fault::unavailable)?;
    let metadata = consumer
        .fetch_metadata(Some(&settings.topic), settings.read_timeout)
        .map_err(|error| nobody(settings, &consumer, &error))?;
    let brokers = metadata.brokers().len();
    let Some(topic) = metadata.topics().iter().find(|topic| topic.name() == settings.topic) else {
        return Ok((brokers, None));
    };
    match topic.error() {
        None => {}
        Some(RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) => return Ok((brokers, None)),
        Some(error) => return Err(fault::unavailable(format!("topic `{}`: {}", settings.topic, Code::from(error)))),
    }
    let mut partitions: Vec<_> = topic.partitions().iter().collect();
    partitions.sort_by_key(|partition| partition.id());
    Ok((brokers, Some(partitions.iter().map(|partition| partition.replicas().len()).collect())))
}

/// Why no broker answers, as far as is known.
fn nobody(settings: &KafkaLogSettings, consumer: &BaseConsumer<Talk>, error: &KafkaError) -> LogError {
    // What went wrong waits to be fetched, among other news.
    (0..NEWS_MAX).for_each(|_| drop(consumer.poll(Duration::ZERO)));
    let why = consumer.context().last().unwrap_or_else(|| error.to_string());
    fault::unavailable(format!("no broker answers at {}: {why}", settings.bootstrap_servers))
}

/// The settings of the topic.
fn describe(settings: &KafkaLogSettings) -> Result<Vec<ConfigEntry>, LogError> {
    let admin = admin(settings)?;
    let topic = ResourceSpecifier::Topic(&settings.topic);
    let described = answer(settings, admin.describe_configs([&topic], &options(settings)))?;
    let mut entries = Vec::new();
    for resource in described {
        entries.extend(resource.map_err(|code| refused(settings, "be described", code))?.entries);
    }
    Ok(entries)
}

/// A setting, where it has a value that may be seen.
fn setting(entry: ConfigEntry) -> Option<(String, TopicSetting)> {
    let own = entry.source == ConfigSource::DynamicTopic;
    entry.value.map(|value| (entry.name, TopicSetting { value, own }))
}

/// Creates the topic.
fn create(settings: &KafkaLogSettings) -> Result<(), LogError> {
    let rules = rules(settings);
    let (partitions, copies) = (i32::from(settings.partitions), i32::from(settings.replication));
    let topic = NewTopic::new(&settings.topic, partitions, TopicReplication::Fixed(copies));
    let topic = rules.iter().fold(topic, |topic, rule| topic.set(rule.name, &rule.wanted));
    let admin = admin(settings)?;
    for created in answer(settings, admin.create_topics([&topic], &options(settings)))? {
        match created {
            // Another process was faster: what it made is looked at all the same.
            Ok(_) | Err((_, Code::TopicAlreadyExists)) => {}
            Err((_, code)) => return Err(refused(settings, "be created", code)),
        }
    }
    Ok(())
}

/// Sets the settings that differ. The request replaces all of the topic's own settings, so the others go along.
fn set(settings: &KafkaLogSettings, differences: &[Difference]) -> Result<(), LogError> {
    let mut own: BTreeMap<String, String> = describe(settings)?
        .into_iter()
        .filter_map(setting)
        .filter_map(|(name, setting)| setting.own.then_some((name, setting.value)))
        .collect();
    for difference in differences {
        match difference {
            Difference::Setting { name, wanted, .. } => drop(own.insert((*name).to_owned(), wanted.clone())),
            Difference::Missing
            | Difference::Brokers { .. }
            | Difference::Partitions { .. }
            | Difference::Replication { .. } => {}
        }
    }
    let change = AlterConfig::new(ResourceSpecifier::Topic(&settings.topic));
    let change = own.iter().fold(change, |change, (name, value)| change.set(name, value));
    let admin = admin(settings)?;
    for altered in answer(settings, admin.alter_configs([&change], &options(settings)))? {
        altered.map_err(|(_, code)| refused(settings, "be changed", code))?;
    }
    Ok(())
}

/// What the brokers refuse.
fn refused(settings: &KafkaLogSettings, what: &str, code: Code) -> LogError {
    fault::unavailable(format!("topic `{}` cannot {what}: {code}", settings.topic))
}
