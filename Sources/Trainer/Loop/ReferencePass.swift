import Foundation
import InferenceRuntime
import Storage

/// What the reference model says of a run's data, computed before the first step where the method
/// asks for it, and kept until the run is over.
///
/// The reference is the base with the adapter off, or another adapter. Its log-probabilities are the
/// same in every epoch, so they cost one forward pass over the data.
struct ReferencePass {
    let model: Transformer
    let workspace: TrainingWorkspace
    let context: ComputeContext
    /// The reference; empty for the base.
    let adapters: AdapterMix
    /// What the adapters are, in words that change with them.
    let identity: String
    /// Where they are kept.
    let folder: String
    /// Where it is computed.
    let thread: any TrainingThread
    /// Whether to go on; asked between passes.
    let order: @Sendable () -> TrainingOrder

    /// The plan with the reference's numbers at its units, or as it is where its method has none.
    /// - Returns: `nil` where the run is to stop meanwhile; the next start begins the pass anew.
    func plan(_ plan: TrainingPlan) async throws -> TrainingPlan? {
        guard plan.objective.needsReference else { return plan }
        let key = key(of: plan.data)
        let manifest = folder + "/manifest.json"
        if FileManager.default.contents(atPath: manifest).map({ [UInt8]($0) }) != key {
            try DurableFile.makeFolder(folder)
            for (name, units) in parts(plan.data) {
                guard try await compute(units, "\(folder)/\(name)") else { return nil }
            }
            try DurableFile.write(key, to: manifest)
        }
        let stores = try parts(plan.data).map { name, units in
            ReferencedUnits(all: units, store: try ReferenceStore(path: "\(folder)/\(name)"))
        }
        return plan.referenced(
            TrainingData(
                training: stores[0],
                validation: stores[1],
                hash: plan.data.hash,
                notes: plan.data.notes,
                totals: plan.data.totals
            )
        )
    }

    private func parts(_ data: TrainingData) -> [(name: String, units: any TrainingUnits)] {
        [("training", data.training), ("validation", data.validation)]
    }

    /// All that the numbers depend on.
    private func key(of data: TrainingData) -> [UInt8] {
        JSONValue.object([
            "model": .string(model.baseHash),
            "compute_dtype": .string(context.dtype.rawValue),
            "tokens": .string(data.totals.encodingHash),
            "examples": JSONValue(data.training.count),
            "validation_examples": JSONValue(data.validation.count),
            "adapters": .string(identity),
        ]).serializedBytes
    }

    /// - Returns: Whether all units are done.
    private func compute(_ units: any TrainingUnits, _ path: String) async throws -> Bool {
        let writer = try ReferenceStore.Writer(path: path)
        var done = 0
        while done < units.count {
            guard order() == .proceed else { return false }
            let first = done
            let part: [[Float]]
            do {
                part = try await thread.compute { [self] yield in
                    try scores(
                        units,
                        from: first,
                        .init(model: model, workspace: workspace, context: context, yield: yield)
                    )
                }
            } catch is CancellationError where order() != .proceed {
                return false
            }
            for numbers in part { try writer.append(numbers) }
            done += part.count
        }
        try writer.finish()
        return true
    }

    /// The log-probabilities of as many units as fit into a pass.
    private func scores(
        _ units: any TrainingUnits,
        from first: Int,
        _ place: MicroBatch.Place
    ) throws -> [[Float]] {
        let part = try place.workspace.fitting(units, from: first)
        return try LikelihoodPass(adapters: adapters, what: "what the reference model says")
            .logProbabilities(part, step: 0, place)
    }
}
