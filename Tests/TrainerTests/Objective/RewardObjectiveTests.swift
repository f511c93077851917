import Foundation
import InferenceRuntime
import Testing

@testable import Trainer

@Suite("Reward models")
struct RewardObjectiveTests {
    private static let fixtures =
        "\(#filePath.components(separatedBy: "/Tests/")[0])/Tests/Fixtures/"

    private let folder = NSTemporaryDirectory() + "reward-\(UUID().uuidString)"
    private let context = ComputeContext(pool: ThreadPool(threads: 1), dtype: .fp32)

    private struct Parts {
        let model: Transformer
        let run: TrainingRun
        let plan: TrainingPlan
        let workspace: TrainingWorkspace
        let state: TrainingState
        let context: ComputeContext

        /// Scores of all units, better and worse answers.
        func scores() throws -> [[Double]] {
            let units = try (0..<plan.data.training.count).map { try plan.data.training.unit($0) }
            let pass = MicroBatch(
                units,
                adapters: AdapterMix([.init(adapter: state.adapter, scale: 1)]),
                target: .scores
            )
            let place = MicroBatch.Place(
                model: model,
                workspace: workspace,
                context: context,
                yield: {}
            )
            try pass.forward(PassOptions(isForGradients: false), place)
            let scores = try pass.scores(place).map { Double($0.value) }
            return (0..<2).map { side in
                stride(from: side, to: scores.count, by: 2).map { scores[$0] }
            }
        }
    }

    private static func json() throws -> JSONValue {
        let data = try Data(contentsOf: URL(fileURLWithPath: fixtures + "reward/rewards.json"))
        return try JSONValue(parsing: [UInt8](data))
    }

    private static func tokens(_ pair: JSONValue, _ name: String) -> EncodedExample {
        let parts = [pair["prompt"], pair[name]].map { json in
            (json?.array ?? []).compactMap { $0.int.map(Int32.init) }
        }
        return EncodedExample(
            tokens: parts[0] + parts[1],
            weights: parts[0].map { _ in 0 } + parts[1].map { _ in 1 },
            fullLength: parts[0].count + parts[1].count
        )
    }

    /// A folder with the adapter of the training fixtures and a score head.
    private func adapterFolder() throws -> String {
        try FileManager.default.copyItem(
            atPath: Self.fixtures + "training/llama-gqa",
            toPath: folder
        )
        try FileManager.default.copyItem(
            atPath: Self.fixtures + "reward/value_head.safetensors",
            toPath: folder + "/value_head.safetensors"
        )
        return folder
    }

    private func parts(
        _ json: JSONValue,
        folder: String,
        more: JSONObject = [:]
    ) throws -> Parts {
        let model = try ModelLoader.load(
            folder: Self.fixtures + "models/llama-gqa",
            compute: .fp32,
            pool: context.pool,
            progress: { _ in }
        ).model
        var options: JSONObject = [
            "n_epochs": 1, "batch_size": json["batch_size"] ?? 4, "seed": 42,
            "learning_rate": json["learning_rate"] ?? 0, "lr_scheduler_type": "constant",
        ]
        for (key, value) in more.members { options[key] = value }
        let hyperparameters = try HyperparameterRequest(json: options, of: .reward)
            .resolved(examples: 20, seed: 1)
        let units = (json["pairs"]?.array ?? []).enumerated().map { number, pair in
            let answers = [Self.tokens(pair, "chosen"), Self.tokens(pair, "rejected")]
            return TrainingUnit(answers, line: number + 1)
        }
        let plan = try TrainingPlan(
            hyperparameters: hyperparameters,
            data: TrainingData(
                training: units,
                validation: [TrainingUnit](),
                hash: "",
                notes: []
            )
        )
        let state = try TrainingState(
            copying: LoRAAdapter(folder: folder, for: model.architecture),
            for: model.architecture,
            scoreHeadSeed: hyperparameters.scoreHeadSeed
        )
        let workspace = TrainingWorkspace(model: model, longest: plan.longest, limit: .max)
        let run = TrainingRun(
            model: model,
            plan: plan,
            state: state,
            workspace: workspace,
            context: context
        )
        return Parts(
            model: model,
            run: run,
            plan: plan,
            workspace: workspace,
            state: state,
            context: context
        )
    }

    private func numbers(_ json: JSONValue?) -> [[Double]] {
        (json?.array ?? []).map { ($0.array ?? []).compactMap(\.double) }
    }

    @Test("five steps are PEFT's with torch's AdamW, the score head's too")
    func steps() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let json = try Self.json()
        let parts = try parts(json, folder: adapterFolder())
        for (side, expected) in zip(try parts.scores(), numbers(json["before"])) {
            for (score, value) in zip(side, expected) { #expect(abs(score - value) <= 1e-4) }
        }
        let steps = try #require(json["steps"]?.array)
        var last: StepRecord?
        for step in steps {
            let record = try parts.run.step(after: last, yield: {})
            let found = [
                (record.loss, "loss"), (record["accuracy"] ?? .nan, "accuracy"),
                (record["rewards/margins"] ?? .nan, "margin"),
                (record["rewards/chosen"] ?? .nan, "chosen"),
                (record["rewards/rejected"] ?? .nan, "rejected"), (record.gradientNorm, "norm"),
            ]
            for (value, name) in found {
                let expected = try #require(step[name]?.double)
                #expect(abs(value - expected) <= 1e-3 * max(1, abs(expected)), "\(name)")
            }
            let loss = try #require(step["loss"]?.double)
            #expect(abs(record.loss - loss) <= 1e-4 * max(1, loss), "step \(record.step)")
            last = record
        }
        #expect(steps.count == 5)
        for (side, expected) in zip(try parts.scores(), numbers(json["after"])) {
            for (score, value) in zip(side, expected) { #expect(abs(score - value) <= 2e-3) }
        }
    }

    @Test("a batch in parts and in one give the same losses")
    func batchParts() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let json = try Self.json()
        let source = try adapterFolder()
        func losses(_ accumulation: Int) throws -> [Double] {
            let parts = try parts(
                json,
                folder: source,
                more: ["gradient_accumulation_steps": JSONValue(accumulation)]
            )
            var records: [StepRecord] = []
            while records.count < 5 {
                records.append(try parts.run.step(after: records.last, yield: {}))
            }
            return records.map(\.loss)
        }
        for (left, right) in zip(try losses(1), try losses(4)) {
            #expect(abs(left - right) <= 1e-5)
        }
    }

    @Test("a sequence classifier of PEFT's is a reward model, and goes on as one")
    func classifier() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let json = try Self.json()
        let parts = try parts(json, folder: Self.fixtures + "reward/classifier")
        let expected = (json["classifier"]?.array ?? []).compactMap(\.double)
        #expect(expected.count == 20)
        for (score, value) in zip(try parts.scores()[0], expected) {
            #expect(abs(score - value) <= 1e-3)
        }
        try FileManager.default.createDirectory(
            atPath: folder,
            withIntermediateDirectories: true
        )
        try PEFTAdapterWriter(base: "tiny", state: parts.state).write(to: folder)
        let again = try self.parts(json, folder: folder)
        #expect(try again.scores() == parts.scores())
    }

    @Test("what serving reads of a sequence has the score of training, to the bit")
    func serving() async throws {
        let parts = try parts(Self.json(), folder: Self.fixtures + "reward/classifier")
        let adapter = parts.state.adapter
        let engine = try Engine(
            model: parts.model,
            pool: ThreadPool(threads: 1),
            configuration: EngineConfiguration(
                limits: SchedulerLimits(contextTokens: 128),
                kvBlocks: 64
            )
        )
        let expected = try parts.scores()[0]
        for index in 0..<4 {
            var request = GenerationRequest(
                id: "score",
                prompt: try parts.plan.data.training.unit(index).sequences[0].tokens,
                maxTokens: 0,
                adapters: AdapterMix([.init(adapter: adapter, scale: 1)])
            )
            request.embedsPrompt = true
            var found: [Float] = []
            for await event in try engine.generate(request) {
                if case .prompt(let summary) = event { found = summary.embedding ?? [] }
            }
            #expect(adapter.score(found).map(Double.init) == expected[index])
        }
        await engine.stop(draining: true)
    }

    @Test("a new head is drawn within 1/√d, the same from the same seed")
    func drawing() throws {
        let architecture = try parts(Self.json(), folder: Self.fixtures + "training/llama-gqa")
            .model
            .architecture
        let adapter = try LoRAAdapter(
            folder: Self.fixtures + "training/llama-gqa",
            for: architecture
        )
        let heads = try [1, 1, 2].map { seed in
            let state = try TrainingState(
                copying: adapter,
                for: architecture,
                scoreHeadSeed: seed
            )
            let entry = try #require(state.layout.scoreHead)
            #expect(state.parameters[entry.bias].allSatisfy { $0 == 0 })
            return Array(state.parameters[entry.weight])
        }
        #expect(heads[0] == heads[1] && heads[0] != heads[2])
        #expect(heads[0].count == 64 && heads[0].allSatisfy { abs($0) <= 0.125 })
        #expect((heads[0].max() ?? 0) > 0.1 && (heads[0].min() ?? 0) < -0.1)
        let plain = try TrainingState(copying: adapter, for: architecture)
        #expect(plain.layout.scoreHead == nil)
    }
}
