//! The metrics of [`causeway_core::metric`], kept by the `prometheus` crate. Every one is there from the start, with
//! zeros for the label sets that are known, so that a missing series means a fault and not a quiet day.

use std::collections::BTreeMap;
use std::sync::Mutex;

use causeway_core::metric::{self, Kind, Metric, Metrics};
use causeway_core::reason::Reason;
use causeway_core::scope::Domain;
use prometheus::core::Collector;
use prometheus::{
    CounterVec, Encoder as _, Gauge, GaugeVec, HistogramOpts, HistogramVec, Opts, Registry, TextEncoder,
};

use crate::status::{SPARK_POINTS, Stage};

/// Label sets of one metric are bounded: a fault that made up labels must not eat the memory.
const SERIES_MAX: usize = 10_000;

/// All metrics.
#[derive(Debug)]
pub(crate) struct Prometheus {
    registry: Registry,
    series: BTreeMap<&'static str, Series>,
    seen: Mutex<BTreeMap<&'static str, usize>>,
}

#[derive(Debug)]
enum Series {
    Counter(CounterVec),
    Gauge(GaugeVec),
    Histogram(HistogramVec),
}

impl Prometheus {
    /// All metrics, with the zeros that need no configuration.
    pub(crate) fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        #[cfg(target_os = "linux")]
        registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;
        let mut series = BTreeMap::new();
        for metric in metric::ALL {
            series.insert(metric.name, register(&registry, metric)?);
        }
        let metrics = Self { registry, series, seen: Mutex::default() };
        metrics.zeros();
        Ok(metrics)
    }
}
