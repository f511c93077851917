import Foundation
@testable import InferenceRuntime
import TestSupport
import Testing

@testable import Trainer

/// Losses and steps against `Tests/Fixtures/preference/make.py`.
@Suite("Learning from preferences")
struct PreferenceObjectiveTests {
    private static let folder = SharedData.packageRoot + "/Tests/Fixtures/"

    private static func json(_ name: String) throws -> JSONValue {
        let url = URL(fileURLWithPath: "\(folder)preference/\(name).json")
        return try JSONValue(parsing: [UInt8](Data(contentsOf: url)))
    }

    private static func hyperparameters(
        _ run: JSONValue,
        _ more: JSONObject = [:]
    ) throws -> Hyperparameters {
        let method = try #require(run["method"]?.string.flatMap(TrainingMethod.init))
        var json = run["case"]?.object ?? [:]
        for (key, value) in more.members { json[key] = value }
        return try HyperparameterRequest(json: json, of: method).resolved(examples: 20, seed: 0)
    }

    // MARK: - Formulas

    /// A unit of two answers with given log-probabilities.
    private static func scored(
        _ policy: [[Double]],
        _ reference: [[Double]],
        label: Int = 0
    ) -> ScoredUnit {
        let sequences = policy.map { answer in
            EncodedExample(
                tokens: Array(repeating: 5, count: answer.count + 1),
                weights: [0] + Array(repeating: 1, count: answer.count),
                fullLength: answer.count + 1
            )
        }
        var unit = TrainingUnit(sequences, line: 1, label: label)
        unit.reference = reference.map { $0.map(Float.init) }
        let scores = policy.map { answer in
            answer.map { TokenScore(logProbability: Float($0), isCorrect: false) }[...]
        }
        return ScoredUnit(unit: unit, policy: scores)
    }

    @Test("each loss and its gradient by every token are torch's", arguments: 0..<17)
    func losses(_ index: Int) throws {
        let json = try Self.json("losses")
        let cases = try #require(json["cases"]?.array)
        try #require(cases.count == 17)
        let run = cases[index]
        let logps = { (name: String) in
            (json["logps"]?[name]?.array ?? []).map { $0.array?.compactMap(\.double) ?? [] }
        }
        let marks = json["marks"]?.array?.compactMap(\.bool) ?? []
        let (chosen, rejected) = (logps("chosen"), logps("rejected"))
        let (better, worse) = (logps("ref_chosen"), logps("ref_rejected"))
        let units = chosen.indices.map { place in
            Self.scored(
                [chosen[place], rejected[place]],
                [better[place], worse[place]],
                label: marks[place] ? 1 : -1
            )
        }
        let value = try Self.hyperparameters(run).objective.value(units, after: nil)
        let loss = try #require(run["loss"]?.double)
        #expect(abs(value.loss - loss) <= 1e-5 * abs(loss))
        let slopes = { (name: String) in
            (run["slopes"]?[name]?.array ?? []).map { $0.array?.compactMap(\.double) ?? [] }
        }
        let wanted = zip(slopes("chosen"), slopes("rejected")).flatMap { $0 + $1 }
        try #require(value.weights.count == wanted.count)
        let largest = wanted.map(abs).max() ?? 0
        for (weight, slope) in zip(value.weights, wanted) {
            #expect(abs(Double(-weight) - slope) <= 1e-5 * max(abs(slope), 1e-3 * largest))
        }
    }

    @Test("answers that are as good as certain give ORPO finite losses and gradients")
    func certainty() throws {
        let objective = try HyperparameterRequest(json: ["loss": "orpo"], of: .dpo)
            .resolved(examples: 1, seed: 0).objective
        for pair in [[-1e-9, -2], [-2, -1e-9], [0, 0], [-1e-9, -1e-9], [-900, 0]] {
            let unit = Self.scored([[pair[0]], [pair[1]]], [[0], [0]])
            let value = objective.value([unit], after: nil)
            #expect(value.loss.isFinite && value.weights.allSatisfy(\.isFinite), "\(pair)")
        }
    }

    @Test("a divergence below 0 counts as 0, and its answers are never learned")
    func divergence() throws {
        let objective = try HyperparameterRequest(json: ["beta": 1], of: .kto)
            .resolved(examples: 1, seed: 0).objective
        let unit = Self.scored([[-1], [-5, -5]], [[-1], [-1, -1]], label: 1)
        let value = objective.value([unit], after: nil)
        #expect(value.metrics["kl"] == 0)
        #expect(abs(value.loss - 0.5) < 1e-12)
        #expect(value.weights.count == 3 && value.weights[1...].allSatisfy { $0 == 0 })
        #expect(value.metrics["rewards/rejected"] == nil)
    }

    // MARK: - Steps

    private struct Here: TrainingThread {
        func compute<Value: Sendable>(
            _ body: @escaping @Sendable (_ yield: @escaping () throws -> Void) throws -> Value
        ) async throws -> Value { try body {} }
    }

    private static func answer(_ prompt: JSONValue?, _ answer: JSONValue?, weight: Float = 1)
        -> EncodedExample
    {
        let parts = [prompt, answer].map { ($0?.array ?? []).compactMap { $0.int.map(Int32.init) } }
        return EncodedExample(
            tokens: parts[0] + parts[1],
            weights: parts[0].map { _ in 0 } + parts[1].map { _ in weight },
            fullLength: parts[0].count + parts[1].count
        )
    }

    /// The pairs as units; of answers with marks each beside the answer of the pair before.
    private static func units(_ json: JSONValue, _ method: TrainingMethod) -> [TrainingUnit] {
        let pairs = json["pairs"]?.array ?? []
        return pairs.enumerated().map { number, pair in
            let chosen = answer(pair["prompt"], pair["chosen"])
            guard method == .kto else {
                let rejected = answer(pair["prompt"], pair["rejected"])
                return TrainingUnit([chosen, rejected], line: number + 1)
            }
            let before = pairs[(number + pairs.count - 1) % pairs.count]
            return TrainingUnit(
                [chosen, answer(pair["prompt"], before["chosen"], weight: -1)],
                line: number + 1,
                label: pair["good"] == true ? 1 : -1
            )
        }
    }

    private func records(
        _ run: JSONValue,
        _ json: JSONValue,
        more: JSONObject = [:]
    ) async throws -> [StepRecord] {
        let name = try #require(json["model"]?.string)
        let pool = ThreadPool(threads: 1)
        let context = ComputeContext(pool: pool, dtype: .fp32)
        let model = try ModelLoader.load(
            folder: "\(Self.folder)models/\(name)",
            compute: .fp32,
            pool: pool,
            progress: { _ in }
        ).model
        var options: JSONObject = [
            "n_epochs": 1, "batch_size": json["batch_size"] ?? 4, "lora_rank": 4, "lora_alpha": 8,
            "learning_rate": json["learning_rate"] ?? 0, "seed": 42,
            "lr_scheduler_type": "constant",
        ]
        for (key, value) in more.members { options[key] = value }
        let hyperparameters = try Self.hyperparameters(run, options)
        let plan = try TrainingPlan(
            hyperparameters: hyperparameters,
            data: TrainingData(
                training: Self.units(json, hyperparameters.method),
                validation: [TrainingUnit](),
                hash: "",
                notes: []
            )
        )
        let adapter = try LoRAAdapter(
            folder: "\(Self.folder)training/\(name)",
            for: model.architecture
        )
        let workspace = TrainingWorkspace(model: model, longest: plan.longest, limit: .max)
        let folder = NSTemporaryDirectory() + "reference-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let pass = ReferencePass(
            model: model,
            workspace: workspace,
            context: context,
            adapters: AdapterMix(),
            identity: "",
            folder: folder,
            thread: Here(),
            order: { .proceed }
        )
        let training = TrainingRun(
            model: model,
            plan: try #require(try await pass.plan(plan)),
            state: try TrainingState(copying: adapter, for: model.architecture),
            workspace: workspace,
            context: context
        )
        var records: [StepRecord] = []
        while records.count < 5 {
            records.append(try training.step(after: records.last, yield: {}))
        }
        return records
    }

    @Test("five steps are PEFT's with torch's AdamW", arguments: 0..<7)
    func steps(_ index: Int) async throws {
        let json = try Self.json("steps")
        let runs = try #require(json["runs"]?.array)
        try #require(runs.count == 7)
        let steps = runs[index]["steps"]?.array ?? []
        let records = try await records(runs[index], json)
        let shown = runs[index]["method"] == "kto" ? "kl" : "rewards/margins"
        let hasReference = !["orpo", "simpo"].contains(runs[index]["case"]?["loss"]?.string)
        for (record, step) in zip(records, steps) {
            let loss = try #require(step.array?.first?.double)
            #expect(abs(record.loss - loss) <= 1e-4 * max(1, loss), "step \(record.step)")
            if hasReference {
                let other = try #require(step.array?.last?.double)
                let metric = try #require(record[shown])
                #expect(abs(metric - other) <= 1e-3 * max(1, abs(other)), "step \(record.step)")
            }
        }
    }

    @Test("before it has learned, a fresh adapter is the reference: log 2, no margin")
    func beginning() async throws {
        let json = try Self.json("steps")
        let run = try #require(json["runs"]?.array?.first)
        let first = try #require(try await records(run, json).first)
        #expect(abs(first.loss - log(2)) < 1e-12)
        #expect(first["rewards/margins"] == 0 && first["rewards/accuracies"] == 0)
        #expect(first["logps/chosen"].map { $0 < 0 } == true)
    }

    @Test("a batch in parts and in one give the same losses")
    func parts() async throws {
        let json = try Self.json("steps")
        let run = try #require(json["runs"]?.array?.last)
        let whole = try await records(run, json)
        let parts = try await records(run, json, more: ["gradient_accumulation_steps": 4])
        for (left, right) in zip(whole, parts) { #expect(abs(left.loss - right.loss) <= 1e-5) }
    }
}
