import Foundation
import InferenceRuntime
import TestSupport
import Testing

@testable import Trainer

@Suite("Objectives")
struct ObjectiveTests {
    /// Cross-entropy that says nothing of its weights before it has seen log-probabilities.
    private struct TwoPasses: Objective {
        func fixedWeights(_ units: [TrainingUnit]) -> [Float]? { nil }

        var needsReference: Bool { false }

        func value(_ units: [ScoredUnit], after _: StepRecord?) -> ObjectiveValue {
            var value = SupervisedObjective().value(units, after: nil)
            value.weights = SupervisedObjective().fixedWeights(units.map(\.unit)) ?? []
            return value
        }
    }

    /// Σ over units of (Σ −log p)²: its gradient depends on what the first pass finds.
    private struct Squares: Objective {
        func fixedWeights(_ units: [TrainingUnit]) -> [Float]? { nil }

        var needsReference: Bool { false }

        func value(_ units: [ScoredUnit], after _: StepRecord?) -> ObjectiveValue {
            var value = ObjectiveValue(weights: [], metrics: MetricMeans())
            for scored in units {
                let scores = scored.policy.joined()
                let sum = scores.reduce(0.0) { $0 - Double($1.logProbability) }
                value.weights += scores.map { _ in Float(2 * sum) }
                value.metrics.add("loss", sum: sum * sum, weight: 0)
            }
            value.metrics.add("loss", sum: 0, weight: 1)
            return value
        }
    }

    private static let model = try? TinyModel.llama(
        compute: .fp32,
        pool: ThreadPool(threads: 1)
    )

    /// Units of two sequences each.
    private static let units: [TrainingUnit] = (0..<4).map { number in
        TrainingUnit(
            (0..<2).map { part in
                let tokens = (0..<9).map { Int32((number * 37 + part * 11 + $0 * 7) % 300) }
                return EncodedExample(
                    tokens: tokens,
                    weights: [0, 0, 0, 1, 1, 1, 1, 1, 1],
                    fullLength: 9
                )
            },
            line: number + 1
        )
    }

    private struct Parts {
        let model: Transformer
        let run: TrainingRun
        let state: TrainingState
    }

    private func parts(_ objective: any Objective, accumulation: Int = 1) throws -> Parts {
        let model = try #require(Self.model)
        let context = ComputeContext(pool: ThreadPool(threads: 1), dtype: .fp32)
        let hyperparameters = try HyperparameterRequest(json: [
            "n_epochs": 1, "batch_size": 4, "lora_rank": 2, "max_grad_norm": 0,
            "gradient_accumulation_steps": JSONValue(accumulation), "lora_dropout": 0.2,
            "warmup_steps": 0,
        ]).resolved(examples: 4, seed: 1)
        let plan = try TrainingPlan(
            hyperparameters: hyperparameters,
            data: TrainingData(
                training: Self.units,
                validation: [TrainingUnit](),
                hash: "",
                notes: []
            ),
            objective: objective
        )
        let state = try TrainingState(hyperparameters.loraConfiguration, for: model.architecture)
        state.initialize(seed: 3, model: model, context)
        for place in 0..<state.layout.count where state.parameters.values[place] == 0 {
            state.parameters.values[place] = Float(place % 7 - 3) * 0.01
        }
        let workspace = TrainingWorkspace(model: model, longest: plan.longest, limit: 0)
        let run = TrainingRun(
            model: model,
            plan: plan,
            state: state,
            workspace: workspace,
            context: context
        )
        return Parts(model: model, run: run, state: state)
    }

    @Test("two passes give the gradients of one, in one part and in several", arguments: [1, 2, 4])
    func twoPasses(accumulation: Int) throws {
        let one = try parts(SupervisedObjective(), accumulation: accumulation)
        let two = try parts(TwoPasses(), accumulation: accumulation)
        let (left, right) = try (
            one.run.step(after: nil, yield: {}), two.run.step(after: nil, yield: {})
        )
        #expect(left == right)
        let gradients = [one, two].map { Array($0.state.gradients.tensors.values.elements) }
        #expect(gradients[0] == gradients[1])
        #expect(gradients[0].contains { $0 != 0 })
    }

    @Test("a loss of log-probabilities has the gradient that differences of its value show")
    func differences() throws {
        let parts = try parts(Squares())
        let record = try parts.run.step(after: nil, yield: {})
        let gradients = Array(parts.state.gradients.tensors.values.elements)
        #expect(record.metrics.first?.name == "train_loss")
        let place = try #require(
            gradients.indices.max { abs(gradients[$0]) < abs(gradients[$1]) }
        )
        func loss(_ shift: Float) throws -> Double {
            // A step changes the parameters: each value is measured on fresh ones.
            let fresh = try self.parts(Squares())
            fresh.state.parameters.values[place] += shift
            return try fresh.run.step(after: nil, yield: {}).loss
        }
        let step: Float = 2e-3
        let slope = try (loss(step) - loss(-step)) / Double(2 * step)
        #expect(abs(slope / Double(gradients[place]) - 1) < 1e-2, "\(slope) \(gradients[place])")
    }

    @Test("units are never divided between passes")
    func unitsStayWhole() throws {
        let model = try #require(Self.model)
        let workspace = TrainingWorkspace(model: model, longest: 18, limit: 0)
        let many = Array(repeating: Self.units, count: 60).flatMap { $0 }
        let parts = workspace.fitting(many)
        #expect(parts.count > 1)
        #expect(parts.flatMap { $0 } == many)
        #expect(parts.allSatisfy { $0.reduce(0) { $0 + $1.tokens } <= workspace.maxRows })
        let read = try workspace.fitting(many, from: parts[0].count)
        #expect(read == parts[1])
    }

    @Test("a record keeps metrics in their order and reads the checkpoints of before")
    func records() throws {
        let record = StepRecord(
            step: 1,
            totalSteps: 2,
            epoch: 0.5,
            learningRate: 1e-4,
            gradientNorm: 1,
            trainedTokens: 3,
            readTokens: 4,
            metrics: [
                .init(name: "train_loss", value: 0.5), .init(name: "rewards/margins", value: 2),
                .init(name: "rewards/chosen", value: 1),
            ]
        )
        #expect(StepRecord(json: record.json) == record)
        #expect(
            record.eventData.members.map(\.key) == [
                "step", "total_steps", "train_loss", "learning_rate", "grad_norm",
                "rewards/margins", "rewards/chosen",
            ]
        )
        let old: JSONValue = [
            "step": 1, "total_steps": 2, "epoch": 0.5, "loss": 0.25, "accuracy": 0.75,
            "learning_rate": 1e-4, "grad_norm": 1, "trained_tokens": 3, "read_tokens": 4,
            "valid_loss": 0.125, "valid_accuracy": nil,
        ]
        let read = try #require(StepRecord(json: old))
        #expect((read.loss, read.accuracy) == (0.25, 0.75))
        #expect((read.validLoss, read.validAccuracy) == (0.125, nil))
        let table = TrainingArtifacts(folder: "").resultsCSV([record, read])
        #expect(
            table.split(separator: "\n")[0]
                == "step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy,"
                + "rewards/chosen,rewards/margins"
        )
        #expect(table.contains("1,0.25,0.75,0.125,,,\n"))
    }
}
