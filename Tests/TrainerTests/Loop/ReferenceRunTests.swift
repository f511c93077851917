import Foundation
import TestSupport
import Testing
import Trainer

@testable import InferenceRuntime

@Suite("Training is PEFT's with torch's AdamW")
struct ReferenceRunTests {
    static let folder = SharedData.packageRoot + "/Tests/Fixtures/"

    /// The run of `Tests/Fixtures/training/make.py` on one model.
    struct Reference {
        let model: Transformer
        let context: ComputeContext
        let plan: TrainingPlan
        let state: TrainingState
        let losses: [Double]
        let accuracies: [Double]
        let norms: [Double]

        init(
            _ name: String,
            threads: Int = 1,
            accumulation: Int = 1,
            more: JSONObject = [:]
        ) throws {
            let folder = ReferenceRunTests.folder
            let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(folder)training/\(name).json"))
            let json = try JSONValue(parsing: [UInt8](bytes))
            let pool = ThreadPool(threads: threads)
            context = ComputeContext(pool: pool, dtype: .fp32)
            model = try ModelLoader.load(
                folder: "\(folder)models/\(name)",
                compute: .fp32,
                pool: pool,
                progress: { _ in }
            ).model
            let examples = (json["examples"]?.array ?? []).map(Self.example)
            var chosen: JSONObject = [
                "n_epochs": 10, "batch_size": 4, "learning_rate": 1e-2, "weight_decay": 0.01,
                "lora_rank": 4, "lora_alpha": 8, "warmup_steps": 5, "seed": 42,
                "gradient_accumulation_steps": JSONValue(accumulation),
            ]
            for (key, value) in more.members { chosen[key] = value }
            let request = try HyperparameterRequest(json: chosen)
            let hyperparameters = request.resolved(examples: examples.count, seed: 0)
            plan = try TrainingPlan(
                hyperparameters: hyperparameters,
                data: TrainingData(
                    training: examples,
                    validation: [TrainingUnit](),
                    hash: "",
                    notes: []
                )
            )
            if more["use_dora"] == true {
                state = try TrainingState(
                    hyperparameters.loraConfiguration,
                    for: model.architecture
                )
                state.initialize(seed: 1, model: model, context)
            } else {
                state = try Self.state("\(folder)training/\(name)", model.architecture)
            }
            losses = json["losses"]?.array?.compactMap(\.double) ?? []
            accuracies = json["accuracies"]?.array?.compactMap(\.double) ?? []
            norms = json["gradient_norms"]?.array?.compactMap(\.double) ?? []
        }

        private static func example(_ json: JSONValue) -> TrainingUnit {
            let tokens = (json["tokens"]?.array ?? []).compactMap { $0.int.map { Int32($0) } }
            let prompt = json["prompt"]?.int ?? 0
            let weights = tokens.indices.map { Float($0 < prompt ? 0 : 1) }
            let example = EncodedExample(
                tokens: tokens,
                weights: weights,
                fullLength: tokens.count
            )
            return TrainingUnit([example], line: 1)
        }

        private static func state(
            _ folder: String,
            _ architecture: Architecture
        ) throws -> TrainingState {
            let url = URL(fileURLWithPath: folder + "/adapter_config.json")
            let config = try JSONValue(parsing: [UInt8](Data(contentsOf: url)))
            let adapter = try LoRAAdapter(
                configuration: LoRAConfiguration(json: config),
                tensors: SafetensorsFile(path: folder + "/adapter_model.safetensors"),
                for: architecture
            )
            return try TrainingState(copying: adapter, for: architecture)
        }

        /// The records of all steps, or of the first few.
        func run(steps: Int? = nil) throws -> [StepRecord] {
            let run = TrainingRun(
                model: model,
                plan: plan,
                state: state,
                workspace: TrainingWorkspace(model: model, longest: plan.longest, limit: .max),
                context: context
            )
            var records: [StepRecord] = []
            while records.count < steps ?? plan.totalSteps {
                records.append(try run.step(after: records.last, yield: {}))
            }
            return records
        }
    }

    @Test(
        "50 steps: loss, accuracy and gradient norm of every step",
        arguments: ["llama-gqa", "qwen2"]
    )
    func fiftySteps(_ name: String) throws {
        let reference = try Reference(name)
        let records = try reference.run()
        #expect(records.count == 50)
        for (index, record) in records.enumerated() {
            #expect(abs(record.loss - reference.losses[index]) <= 1e-4, "step \(record.step)")
            #expect(
                abs(record.gradientNorm / reference.norms[index] - 1) <= 1e-3,
                "step \(record.step)"
            )
        }
        #expect(abs(records[0].gradientNorm / reference.norms[0] - 1) <= 1e-5)
        let accuracies = try records.map { try #require($0.accuracy) }
        let differing = zip(accuracies, reference.accuracies).count { abs($0 - $1) > 1e-9 }
        #expect(differing <= 1, "ties may fall the other way, once")
    }

    @Test("accumulation and threads change nothing that matters")
    func accumulation() throws {
        let whole = try Reference("llama-gqa").run()
        let parts = try Reference("llama-gqa", accumulation: 4).run()
        let threaded = try Reference("llama-gqa", threads: 3).run()
        #expect(whole == threaded)
        for (left, right) in zip(whole, parts) {
            #expect(abs(left.loss - right.loss) <= 1e-5)
        }
    }

    /// PEFT's `create_loraplus_optimizer`: the rate of B is the ratio times that of A.
    @Test("LoRA+ moves B by its ratio, and A as ever")
    func loraPlus() throws {
        let plain = try Reference("llama-gqa", more: ["warmup_steps": 0])
        let plus = try Reference("llama-gqa", more: ["warmup_steps": 0, "loraplus_lr_ratio": 4])
        let before = try Reference("llama-gqa").state.parameters
        _ = try (plain.run(steps: 1), plus.run(steps: 1))
        for entry in before.layout.entries {
            for index in entry.a {
                #expect(plain.state.parameters.values[index] == plus.state.parameters.values[index])
            }
            for index in entry.bTransposed {
                let start = before.values[index]
                let moved = plain.state.parameters.values[index] - start
                let further = plus.state.parameters.values[index] - start
                #expect(abs(further - 4 * moved) <= 1e-6)
            }
        }
    }

    /// PEFT's optimizer and LLaMA-Factory's put every vector into the group of B.
    @Test("LoRA+ moves DoRA's magnitudes by its ratio too")
    func loraPlusMagnitudes() throws {
        let more: JSONObject = ["warmup_steps": 0, "use_dora": true, "weight_decay": 0]
        var plusMore = more
        plusMore["loraplus_lr_ratio"] = 4
        let before = try Reference("llama-gqa", more: more).state.parameters
        let plain = try Reference("llama-gqa", more: more)
        let plus = try Reference("llama-gqa", more: plusMore)
        _ = try (plain.run(steps: 1), plus.run(steps: 1))
        for entry in before.layout.entries {
            for index in try #require(entry.magnitude) {
                let start = before.values[index]
                let moved = plain.state.parameters.values[index] - start
                let further = plus.state.parameters.values[index] - start
                #expect(moved != 0)
                #expect(abs(further - 4 * moved) <= 1e-6)
            }
        }
    }

    @Test("the base is the same after a run, bit for bit")
    func baseUnchanged() throws {
        let reference = try Reference("llama-gqa")
        let before = reference.model.weights.hash()
        _ = try reference.run()
        #expect(reference.model.weights.hash() == before)
    }
}
