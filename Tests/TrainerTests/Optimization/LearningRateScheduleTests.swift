import Foundation
import InferenceRuntime
import TestSupport
import Testing
import Trainer

@Suite("Learning rate schedules are those of transformers")
struct LearningRateScheduleTests {
    @Test(
        "every rate over 100 steps, 10 of them warm-up",
        arguments: LearningRateSchedule.Kind.allCases
    )
    func rates(_ kind: LearningRateSchedule.Kind) throws {
        let file = SharedData.packageRoot + "/Tests/Fixtures/schedules/schedules.json"
        let bytes = try Data(contentsOf: URL(fileURLWithPath: file))
        let rates = try JSONValue(parsing: [UInt8](bytes))[kind.rawValue]?.array?.compactMap(
            \.double
        )
        let expected = try #require(rates)
        let schedule = LearningRateSchedule(
            kind: kind,
            warmupSteps: 10,
            totalSteps: 100,
            baseRate: 1e-4
        )
        #expect(expected.count == 100)
        for (step, rate) in expected.enumerated() {
            #expect(abs(schedule.rate(at: step) - rate) <= 1e-12 * 1e-4, "step \(step)")
        }
    }

    @Test("arguments mean what they mean there")
    func arguments() throws {
        let file = SharedData.packageRoot + "/Tests/Fixtures/schedules/schedules.json"
        let bytes = try Data(contentsOf: URL(fileURLWithPath: file))
        let variants = try #require(try JSONValue(parsing: [UInt8](bytes))["with_arguments"]?.array)
        for variant in variants {
            let request = try HyperparameterRequest(json: [
                "lr_scheduler_type": variant["name"] ?? nil,
                "lr_scheduler_kwargs": variant["arguments"] ?? nil,
                "warmup_steps": 4, "learning_rate": 1e-4,
            ])
            let schedule = request.resolved(examples: 1, seed: 0)
                .learningRateSchedule(totalSteps: 20)
            for (step, rate) in (variant["rates"]?.array ?? []).enumerated() {
                let expected = try #require(rate.double)
                #expect(
                    abs(schedule.rate(at: step) - expected) <= 1e-12 * 1e-4,
                    "\(variant["arguments"] ?? nil) at step \(step)"
                )
            }
        }
    }

    @Test("a schedule takes no other's arguments")
    func foreignArguments() {
        for json: JSONObject in [
            ["lr_scheduler_type": "linear", "lr_scheduler_kwargs": ["num_cycles": 2]],
            ["lr_scheduler_kwargs": ["power": 2]], ["lr_scheduler_kwargs": ["num_cycles": "two"]],
        ] {
            #expect(throws: HyperparameterError.self) { try HyperparameterRequest(json: json) }
        }
    }

    @Test("a ratio of the steps is rounded up, a number of steps wins")
    func warmupSteps() {
        #expect(LearningRateSchedule.warmupSteps(steps: nil, ratio: 0.1, total: 11) == 2)
        #expect(LearningRateSchedule.warmupSteps(steps: 0, ratio: 0.1, total: 11) == 0)
    }
}
