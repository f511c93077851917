import Foundation
import InferenceRuntime
import Synchronization
import TestSupport
import Testing

@testable import Trainer

@Suite("The training loop")
struct TrainingLoopTests {
    let folder = NSTemporaryDirectory() + "loop-\(UUID().uuidString)"

    /// Steps on the thread that asks for them.
    private struct Here: TrainingThread {
        func compute<Value: Sendable>(
            _ body: @escaping @Sendable (_ yield: @escaping () throws -> Void) throws -> Value
        ) async throws -> Value { try body {} }
    }

    /// Notes what it is told, and gives an order once a step is done.
    private final class Notes: TrainingObserver {
        private let told = Mutex<[String]>([])
        private let current = Mutex(TrainingOrder.proceed)
        private let orders: [Int: TrainingOrder]

        init(_ orders: [Int: TrainingOrder] = [:]) { self.orders = orders }

        var all: [String] { told.withLock { $0 } }
        var order: TrainingOrder { current.withLock { $0 } }

        private func note(_ text: String) { told.withLock { $0.append(text) } }

        func didStep(_ record: StepRecord, _ pace: TrainingPace) {
            note("step \(record.step)")
            if let order = orders[record.step] { current.withLock { $0 = order } }
        }
        func didSave(_ checkpoint: TrainingCheckpoint) { note("saved \(checkpoint.step)") }
        func willRemove(checkpoints steps: [Int]) { note("remove \(steps)") }
        func didFinish(_ last: TrainingCheckpoint, seconds: Double) { note("end \(last.step)") }
    }

    private static let units: [TrainingUnit] = (0..<6).map { number in
        let tokens = (0..<8).map { Int32((number * 31 + $0 * 7) % 300) }
        let weights: [Float] = [0, 0, 1, 1, 1, 1, 1, 1]
        return TrainingUnit(
            [EncodedExample(tokens: tokens, weights: weights, fullLength: 8)],
            line: number + 1
        )
    }

    /// The same sequences as pairs, each beside the next.
    private static let pairs: [TrainingUnit] = units.indices.map { number in
        let others = [units[number], units[(number + 1) % units.count]]
        return TrainingUnit(others.flatMap(\.sequences), line: number + 1)
    }

    /// Two epochs of three steps, a checkpoint after every second.
    private func loop(
        _ observer: Notes,
        below folder: String,
        of method: TrainingMethod = .supervised,
        more: JSONObject = [:]
    ) async throws -> TrainingLoop {
        let pool = ThreadPool(threads: 1)
        let context = ComputeContext(pool: pool, dtype: .fp32)
        let model = try TinyModel.llama(compute: .fp32, pool: pool)
        var chosen: JSONObject = [
            "n_epochs": 2, "batch_size": 2, "learning_rate": 1e-2, "lora_rank": 2,
            "save_steps": 2, "lora_dropout": 0.1, "warmup_steps": 0,
        ]
        for (key, value) in more.members { chosen[key] = value }
        let hyperparameters = try HyperparameterRequest(json: chosen, of: method)
            .resolved(examples: Self.units.count, seed: 5)
        let units = method == .supervised ? Self.units : Self.pairs
        let unreferenced = try TrainingPlan(
            hyperparameters: hyperparameters,
            data: TrainingData(
                training: units,
                validation: Array(units.prefix(1)),
                hash: "a",
                notes: []
            )
        )
        let workspace = TrainingWorkspace(model: model, longest: unreferenced.longest, limit: 0)
        let pass = ReferencePass(
            model: model,
            workspace: workspace,
            context: context,
            adapters: AdapterMix(),
            identity: "",
            folder: folder + "/reference",
            thread: Here(),
            order: { .proceed }
        )
        let plan = try #require(try await pass.plan(unreferenced))
        let state = try TrainingState(
            hyperparameters.loraConfiguration,
            for: model.architecture,
            hasScoreHead: method.hasScoreHead
        )
        state.initialize(seed: 5, model: model, context)
        return TrainingLoop(
            run: TrainingRun(
                model: model,
                plan: plan,
                state: state,
                workspace: workspace,
                context: context
            ),
            checkpoints: CheckpointStore(
                folder: folder + "/checkpoints",
                fingerprint: TrainingCheckpoint.fingerprint(
                    of: plan,
                    on: model,
                    context,
                    from: nil
                ),
                writer: PEFTAdapterWriter(base: "tiny", state: state),
                threads: WorkerPool(name: "training", limit: 1)
            ),
            thread: Here(),
            observer: observer,
            artifacts: TrainingArtifacts(folder: folder)
        )
    }

    private func file(_ name: String, below folder: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)")))
    }

    private func steps(below folder: String) throws -> Set<String> {
        Set(try FileManager.default.contentsOfDirectory(atPath: folder + "/checkpoints"))
    }

    @Test("the observer hears of a step, then of its checkpoint, then of what goes, then the end")
    func order() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let notes = Notes()
        let end = try await loop(notes, below: folder, more: ["save_total_limit": 2]).train()
        guard case .finished(let tokens) = end else {
            Issue.record("\(end)")
            return
        }
        #expect(tokens == 2 * 6 * 6)
        #expect(
            notes.all == [
                "step 1", "step 2", "saved 2", "step 3", "step 4", "saved 4", "step 5", "step 6",
                "saved 6", "remove [2]", "end 6",
            ]
        )
        #expect(try steps(below: folder) == ["step-4", "step-6"])
    }

    @Test("a run paused at any step goes on and ends with the same bits", arguments: 1...6)
    func pauses(at step: Int) async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (whole, parts) = (folder + "/whole", folder + "/parts")
        _ = try await loop(Notes(), below: whole).train()
        let first = Notes([step: .save])
        let end = try await loop(first, below: parts).train()
        guard case .stopped(let reached) = end else {
            Issue.record("a run that is told to stop in step \(step) says \(end)")
            return
        }
        #expect(reached == step)
        #expect(!first.all.contains("end 6"))
        let second = Notes()
        _ = try await loop(second, below: parts).train()
        #expect(second.all.first == (step % 2 == 0 ? "saved \(step)" : "step \(step + 1)"))
        #expect(second.all.last == "end 6")
        for name in [
            "checkpoints/step-6/adapter_model.safetensors",
            "checkpoints/step-6/optimizer.safetensors", "checkpoints/step-6/run.json",
            "results.csv",
        ] {
            #expect(try file(name, below: whole) == file(name, below: parts), "\(name)")
        }
        #expect(try steps(below: parts) == ["step-2", "step-4", "step-6"])
    }

    /// The baseline of BCO goes through the whole history of a run.
    @Test(
        "a run on pairs that dies at any step goes on and ends with the same bits",
        arguments: 1...6
    )
    func pairsAreTakenUp(at step: Int) async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (whole, parts) = (folder + "/whole", folder + "/parts")
        let more: JSONObject = ["bco_weight": 0.5, "ftx": 0.1]
        _ = try await loop(Notes(), below: whole, of: .dpo, more: more).train()
        _ = try await loop(Notes([step: .abandon]), below: parts, of: .dpo, more: more).train()
        _ = try await loop(Notes(), below: parts, of: .dpo, more: more).train()
        for name in [
            "checkpoints/step-6/adapter_model.safetensors",
            "checkpoints/step-6/optimizer.safetensors", "checkpoints/step-6/run.json",
            "results.csv", "reference/training.logps",
        ] {
            #expect(try file(name, below: whole) == file(name, below: parts), "\(name)")
        }
        let table = String(decoding: try file("results.csv", below: whole), as: UTF8.self)
        #expect(table.contains("rewards/margins") && table.contains("valid_rewards/accuracies"))
    }

    @Test("a reward model that dies at any step goes on with its score head", arguments: 1...6)
    func rewardIsTakenUp(at step: Int) async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (whole, parts) = (folder + "/whole", folder + "/parts")
        _ = try await loop(Notes(), below: whole, of: .reward).train()
        _ = try await loop(Notes([step: .abandon]), below: parts, of: .reward).train()
        _ = try await loop(Notes(), below: parts, of: .reward).train()
        for name in [
            "checkpoints/step-6/adapter_model.safetensors",
            "checkpoints/step-6/value_head.safetensors",
            "checkpoints/step-6/optimizer.safetensors", "checkpoints/step-6/run.json",
            "results.csv",
        ] {
            #expect(try file(name, below: whole) == file(name, below: parts), "\(name)")
        }
        let last = whole + "/checkpoints/step-6"
        try FileManager.default.removeItem(atPath: last + "/value_head.safetensors")
        #expect(TrainingCheckpoint.read(last) == nil)
    }

    @Test("what the reference says is read back, and computed anew where the model is another")
    func referenceIsKept() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let kept = folder + "/reference"
        _ = try await loop(Notes(), below: folder, of: .dpo)
        let numbers = try file("training.logps", below: kept)
        // Other numbers than the pass would find, to see which are used.
        let zeros = Data(repeating: 0, count: numbers.count)
        try zeros.write(to: URL(fileURLWithPath: kept + "/training.logps"))
        let plan = try await loop(Notes(), below: folder, of: .dpo).run.plan
        let reference = try #require(try plan.data.training.unit(0).reference)
        #expect(reference.count == 2 && reference.joined().allSatisfy { $0 == 0 })
        try Data("{}".utf8).write(to: URL(fileURLWithPath: kept + "/manifest.json"))
        _ = try await loop(Notes(), below: folder, of: .dpo)
        #expect(try file("training.logps", below: kept) == numbers)
    }

    @Test("a run of another method is named as what differs")
    func otherMethod() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        _ = try await loop(Notes([2: .save]), below: folder, of: .dpo).train()
        let fingerprint = try await loop(Notes(), below: folder, of: .dpo).checkpoints.fingerprint
        #expect(fingerprint["method"] == "dpo")
        #expect(try await loop(Notes(), below: folder).checkpoints.fingerprint["method"] == nil)
    }

    @Test("a run that is given up saves nothing and does not end", arguments: [3, 6])
    func abandons(at step: Int) async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let notes = Notes([step: .abandon])
        guard case .stopped = try await loop(notes, below: folder).train() else {
            Issue.record("it ended")
            return
        }
        #expect(!notes.all.contains { $0.hasPrefix("end") })
        #expect(try !steps(below: folder).contains("step-3"))
    }

    @Test("the time of a run counts all its parts")
    func time() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        _ = try await loop(Notes([3: .save]), below: folder).train()
        let artifacts = TrainingArtifacts(folder: folder)
        let first = artifacts.earlierSeconds
        _ = try await loop(Notes(), below: folder).train()
        #expect(first > 0)
        #expect(artifacts.earlierSeconds > first)
    }

    @Test("other data are named as what differs, though their tokens differ too")
    func otherData() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        _ = try await loop(Notes([2: .save]), below: folder).train()
        let next = try await loop(Notes(), below: folder)
        var fingerprint = next.checkpoints.fingerprint
        fingerprint["training data"] = "b"
        fingerprint["tokenizer or chat template"] = "c"
        let store = CheckpointStore(
            folder: next.checkpoints.folder,
            fingerprint: fingerprint,
            writer: next.checkpoints.writer,
            threads: next.checkpoints.threads
        )
        await #expect(throws: TrainingCheckpointError.mismatch(what: "training data")) {
            try await store.restore()
        }
    }

    @Test("the adapter in training has a new id after each change of its weights")
    func newIDs() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let run = try await loop(Notes(), below: folder).run
        var ids = [run.state.adapter.id]
        var last: StepRecord?
        for _ in 0..<3 {
            last = try run.step(after: last, yield: {})
            ids.append(run.state.adapter.id)
        }
        _ = try run.evaluate(after: try #require(last), yield: {})
        #expect(Set(ids).count == 4)
        #expect(run.state.adapter.id == ids[3])
    }

    @Test("a run without progress ends early, and again so when it is taken up")
    func earlyStopping() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        // So small a rate changes no token's rank: the accuracy stays as it was first measured.
        let more: JSONObject = [
            "learning_rate": 1e-9, "early_stopping_steps": 1, "eval_strategy": "steps",
            "eval_steps": 1, "metric_for_best_model": "eval_accuracy",
        ]
        let notes = Notes()
        guard case .finished = try await loop(notes, below: folder, more: more).train() else {
            Issue.record("the run did not finish")
            return
        }
        #expect(notes.all.last == "end 2")
        let again = Notes()
        guard case .finished = try await loop(again, below: folder, more: more).train() else {
            Issue.record("the run did not finish again")
            return
        }
        #expect(again.all.filter { $0.hasPrefix("step") }.isEmpty && again.all.last == "end 2")
    }

    @Test("the best checkpoint is kept where others go, and is the result")
    func best() async throws {
        let plan = try await loop(
            Notes(),
            below: folder,
            more: ["load_best_model_at_end": true, "save_total_limit": 1, "save_steps": 1]
        ).run.plan
        let losses = [3.0, 1.0, 1.0, 2.0, 4.0]
        let history = losses.enumerated().map { index, loss in
            StepRecord(
                step: index + 1,
                totalSteps: 6,
                epoch: 0,
                learningRate: 0,
                gradientNorm: 0,
                trainedTokens: 0,
                readTokens: 0,
                metrics: [],
                validation: [StepRecord.Metric(name: "valid_loss", value: loss)]
            )
        }
        #expect(plan.bestStep(of: history) == 2)
        #expect(plan.surplusCheckpoints(after: history) == [1, 3, 4])
        #expect(plan.bestStep(of: []) == nil)
    }

    #if DEBUG
    @Test("two that use the training state at the same time stop a debug build")
    func exclusiveUse() async {
        await #expect(processExitsWith: .failure) {
            let use = ExclusiveUse()
            use { use {} }
        }
    }
    #endif
}
