//! A container's counters as the engine tells them: for a vetrun that cannot see the container's control groups, since it
//! is in a container itself or the engine elsewhere.

use std::time::Duration;

use bollard::Docker;
use bollard::models::ContainerStatsResponse;
use bollard::query_parameters::StatsOptionsBuilder;
use futures_util::StreamExt as _;

use super::cgroup::Counters;

/// How long the engine may take to tell.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// The counters at this moment; nothing where the engine does not tell them.
pub(super) async fn counters(client: &Docker, id: &str) -> Counters {
    let options = StatsOptionsBuilder::default().stream(false).one_shot(true).build();
    let mut answers = Box::pin(client.stats(id, Some(options)));
    match tokio::time::timeout(ANSWER_MAX, answers.next()).await {
        Ok(Some(Ok(stats))) => of(&stats),
        _ => Counters::default(),
    }
}

/// No engine tells how many processes were killed, and a count of processes at one moment is no peak.
fn of(stats: &ContainerStatsResponse) -> Counters {
    let cpu = stats.cpu_stats.as_ref().and_then(|cpu| cpu.cpu_usage.as_ref()?.total_usage);
    Counters {
        memory_peak_bytes: stats.memory_stats.as_ref().and_then(|memory| memory.max_usage).filter(|bytes| *bytes > 0),
        cpu: cpu.map(Duration::from_nanos),
        ..Counters::default()
    }
}

#[cfg(test)]
mod tests {
    use bollard::models::{ContainerCpuStats, ContainerCpuUsage, ContainerMemoryStats};

    use super::*;

    #[test]
    fn what_an_engine_does_not_tell_is_not_known() {
        assert_eq!(of(&ContainerStatsResponse::default()), Counters::default());
        let stats = ContainerStatsResponse {
            cpu_stats: Some(ContainerCpuStats {
                cpu_usage: Some(ContainerCpuUsage { total_usage: Some(7), ..ContainerCpuUsage::default() }),
                ..ContainerCpuStats::default()
            }),
            // With control groups of version 2.
            memory_stats: Some(ContainerMemoryStats {
                max_usage: Some(0),
                usage: Some(9),
                ..ContainerMemoryStats::default()
            }),
            ..ContainerStatsResponse::default()
        };
        let counters = of(&stats);
        assert_eq!(
            (counters.cpu, counters.memory_peak_bytes, counters.pids),
            (Some(Duration::from_nanos(7)), None, None)
        );
    }
}
