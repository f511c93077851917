import Foundation
public import Trainer

/// Tracking servers as the environment names them, in the variables of W&B's and MLflow's own
/// libraries.
public struct TrackerEnvironment: Sendable {
    private let variables: [String: String]

    /// Reads `WANDB_…` and `MLFLOW_…`.
    public init(_ environment: [String: String]) {
        variables = environment.filter { !$0.value.isEmpty }
    }

    /// Whether there is a key for W&B.
    public var hasWandb: Bool { variables["WANDB_API_KEY"] != nil }

    /// The trackers of some kinds that are on other servers.
    /// - Parameter memory: Where they keep what they call the run.
    /// - Throws: `TrackerEnvironmentError` where one is not configured.
    public func trackers(
        _ kinds: [TrackerKind],
        memory: TrackerMemory
    ) throws(TrackerEnvironmentError) -> [any RunTracker] {
        var trackers: [any RunTracker] = []
        for kind in kinds {
            do throws(TrackerError) {
                switch kind {
                case .tensorboard: break
                case .wandb:
                    trackers.append(try wandb(for: nil, memory: memory))
                case .mlflow: trackers.append(try mlflow(memory: memory))
                }
            } catch {
                throw TrackerEnvironmentError(description: "report_to: \(error)")
            }
        }
        return trackers
    }

    /// The trackers that a job asks for.
    public func trackers(
        _ integrations: [WandbIntegration],
        job: String,
        memory: TrackerMemory
    ) -> [any RunTracker] {
        // A server that has lost its key trains on; the job was accepted with it.
        integrations.compactMap { try? wandb(for: $0, run: job, memory: memory) }
    }

    /// W&B, at a place that a request names or, where it names none, the environment.
    /// - Parameter run: The run's id; `nil` leaves it to the environment or draws one.
    private func wandb(
        for integration: WandbIntegration?,
        run: String? = nil,
        memory: TrackerMemory
    ) throws(TrackerError) -> WandbTracker {
        guard let key = variables["WANDB_API_KEY"] else {
            throw TrackerError("'wandb' needs WANDB_API_KEY, which is not set")
        }
        let client = try TrackerClient(
            variables["WANDB_BASE_URL"] ?? "https://api.wandb.ai",
            variable: "WANDB_BASE_URL",
            authorization: TrackerClient.basic("api", key)
        )
        var place = WandbTracker.Place(
            project: integration?.project ?? variables["WANDB_PROJECT"] ?? "huggingface",
            entity: integration?.entity ?? variables["WANDB_ENTITY"]
        )
        if let integration {
            (place.runName, place.tags, place.runID) = (integration.name, integration.tags, run)
        } else {
            place.runName = variables["WANDB_NAME"]
            place.runID = variables["WANDB_RUN_ID"]
            place.tags = variables["WANDB_TAGS"]?.split(separator: ",").map(String.init) ?? []
        }
        return WandbTracker(client, place, memory: memory)
    }

    private func mlflow(memory: TrackerMemory) throws(TrackerError) -> MLflowTracker {
        guard let address = variables["MLFLOW_TRACKING_URI"] else {
            throw TrackerError("'mlflow' needs MLFLOW_TRACKING_URI, which is not set")
        }
        var authorization = variables["MLFLOW_TRACKING_TOKEN"].map { "Bearer " + $0 }
        if let user = variables["MLFLOW_TRACKING_USERNAME"] {
            let password = variables["MLFLOW_TRACKING_PASSWORD"] ?? ""
            authorization = TrackerClient.basic(user, password)
        }
        return MLflowTracker(
            try TrackerClient(
                address,
                variable: "MLFLOW_TRACKING_URI",
                authorization: authorization
            ),
            experiment: variables["MLFLOW_EXPERIMENT_NAME"] ?? "Default",
            runID: variables["MLFLOW_RUN_ID"],
            memory: memory
        )
    }
}

/// A tracker that is asked for and not configured.
public struct TrackerEnvironmentError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What is missing.
    public let description: String
}
