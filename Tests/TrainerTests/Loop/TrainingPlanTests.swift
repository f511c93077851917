import InferenceRuntime
import Testing

@testable import Trainer

@Suite("What a run will do")
struct TrainingPlanTests {
    private func plan(_ chosen: JSONObject, units: Int = 4) throws -> TrainingPlan {
        let example = EncodedExample(tokens: [1, 2, 3], weights: [0, 1, 1], fullLength: 3)
        return try TrainingPlan(
            hyperparameters: HyperparameterRequest(json: chosen).resolved(
                examples: units,
                seed: 1
            ),
            data: TrainingData(
                training: (0..<units).map { TrainingUnit([example], line: $0 + 1) },
                validation: [TrainingUnit](),
                hash: "",
                notes: []
            )
        )
    }

    @Test("a run whose every step has the rate 0 says so, and what to do")
    func warns() throws {
        for schedule in ["cosine", "linear", "constant_with_warmup", "inverse_sqrt"] {
            let plan = try plan([
                "n_epochs": 1, "batch_size": 4, "lr_scheduler_type": .string(schedule),
            ])
            #expect(plan.totalSteps == 1)
            let warning = try #require(plan.warnings.first)
            #expect(warning.contains("warmup_ratio") && warning.contains("nothing is learned"))
        }
    }

    @Test(
        "a run that learns at some step does not",
        arguments: [
            ["n_epochs": 1, "batch_size": 4, "warmup_ratio": 0],
            ["n_epochs": 1, "batch_size": 4, "lr_scheduler_type": "constant"],
            ["n_epochs": 1, "batch_size": 4, "lr_scheduler_type": "cosine_warmup_with_min_lr"],
            ["n_epochs": 1, "batch_size": 2], ["n_epochs": 2, "batch_size": 4],
        ] as [JSONObject]
    )
    func staysSilent(_ chosen: JSONObject) throws {
        #expect(try plan(chosen).warnings == [])
    }
}
