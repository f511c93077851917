import Foundation
import InferenceRuntime
import TestSupport
import Testing

@testable import Trainer

/// Advantages and losses against `Tests/Fixtures/reinforcement/make.py`.
@Suite("Losses of reinforcement")
struct PolicyObjectiveTests {
    private static func fixture() throws -> JSONValue {
        let path = SharedData.packageRoot + "/Tests/Fixtures/reinforcement/losses.json"
        return try JSONValue(parsing: [UInt8](Data(contentsOf: URL(fileURLWithPath: path))))
    }

    private static func rows(_ json: JSONValue?) -> [[Double]] {
        (json?.array ?? []).map { $0.array?.compactMap(\.double) ?? [] }
    }

    @Test("advantages are torch's", arguments: PolicyLoss.allCases)
    func advantages(_ loss: PolicyLoss) throws {
        let json = try Self.fixture()
        let wanted = Self.rows(json["advantages"]?[loss.rawValue])
        try #require(wanted.count == 3)
        for (rewards, wanted) in zip(Self.rows(json["rewards"]), wanted) {
            for (own, wanted) in zip(loss.advantages(of: rewards), wanted) {
                #expect(abs(own - wanted) < 1e-9)
            }
        }
    }

    @Test("equal rewards tell nothing, and neither does one answer alone")
    func noDifference() {
        for loss in PolicyLoss.allCases {
            #expect(loss.advantages(of: [0.1, 0.1, 0.1]).allSatisfy { abs($0) < 1e-9 })
            #expect(loss.advantages(of: [3]) == [0])
        }
    }

    @Test("each loss and its gradient by every token are torch's", arguments: 0..<20)
    func losses(_ index: Int) throws {
        let json = try Self.fixture()
        let cases = try #require(json["cases"]?.array)
        try #require(cases.count == 20)
        let run = cases[index]
        var chosen = try #require(run["case"]?.object)
        chosen["max_completion_tokens"] = json["max_completion_tokens"]
        let hyperparameters = try HyperparameterRequest(json: chosen, of: .reinforcement)
            .resolved(examples: 8, seed: 0)
        let advantages = run["advantages"]?.array?.compactMap(\.double) ?? []
        let (policy, old, reference) = (
            Self.rows(json["policy"]), Self.rows(json["old"]), Self.rows(json["ref"])
        )
        let units = policy.indices.map { place -> ScoredUnit in
            let count = policy[place].count
            var unit = TrainingUnit(
                [
                    EncodedExample(
                        tokens: Array(repeating: 5, count: count + 1),
                        weights: [0] + Array(repeating: 1, count: count),
                        fullLength: count + 1
                    )
                ],
                line: 1
            )
            unit.reference = [reference[place].map(Float.init)]
            unit.rollout = Rollout(
                advantage: advantages[place],
                behavior: run["is_first"] == true ? nil : old[place].map(Float.init)
            )
            let scores = policy[place].map {
                TokenScore(logProbability: Float($0), isCorrect: false)
            }
            return ScoredUnit(unit: unit, policy: [scores[...]])
        }
        let value = PolicyObjective(hyperparameters).value(units, after: nil)
        let loss = try #require(run["loss"]?.double)
        #expect(abs(value.loss - loss) < 2e-6)
        #expect(abs((value.metrics["kl"] ?? 0) - (run["kl"]?.double ?? -1)) < 2e-6)
        let slopes = Self.rows(run["slopes"]).flatMap { $0 }
        try #require(value.weights.count == slopes.count)
        for (weight, slope) in zip(value.weights, slopes) {
            #expect(abs(Double(-weight) - slope) < 1e-6)
        }
    }
}
