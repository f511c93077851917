import InferenceRuntime
import Trainer

/// The fine-tuning jobs that are not over; read when somebody asks.
final class TrainingMetrics: Sendable {
    private let jobs = MetricFamily(
        "facet_finetune_jobs",
        .gauge,
        help: "Fine-tuning jobs that are not over, by status.",
        labels: ["status"]
    )
    private let steps = MetricFamily(
        "facet_finetune_step",
        .gauge,
        help: "The optimizer step a running job has reached.",
        labels: ["job"],
        maximumSeries: 100
    )
    private let loss = MetricFamily(
        "facet_finetune_loss",
        .gauge,
        help: "The training loss of a running job's last optimizer step.",
        labels: ["job"],
        maximumSeries: 100
    )

    var families: [MetricFamily] { [jobs, steps, loss] }

    /// Takes over what the store says of its jobs.
    func update(_ store: FineTuningStore) async throws {
        for family in families { family.reset() }
        let live = try await store.liveJobs()
        for status in FineTuningStatus.allCases where status.isLive {
            jobs.set(Double(live.count { $0.status == status }), status.rawValue)
        }
        for job in live where job.status == .running {
            let events = try await store.events(
                of: job.key,
                after: nil,
                newestFirst: true,
                limit: 10
            )
            guard let metrics = events.elements.lazy.compactMap(\.metrics).first else { continue }
            if let step = metrics["step"]?.double { steps.set(step, job.id) }
            if let value = metrics["train_loss"]?.double { loss.set(value, job.id) }
        }
    }
}
