import Foundation
import InferenceRuntime
import TestSupport
import Testing

@testable import Trainer

@Suite("Hyperparameters")
struct HyperparameterTests {
    @Test("auto and silence give the recipe's values")
    func defaults() throws {
        let request = try HyperparameterRequest(json: ["n_epochs": "auto", "batch_size": nil])
        let resolved = request.resolved(examples: 1000, seed: 5)
        #expect(resolved.epochs == 3)
        #expect(resolved.batchSize == 8)
        #expect(resolved.learningRate == 1e-4)
        #expect(resolved.rank == 8)
        #expect(resolved.alpha == 16)
        #expect(resolved.targetModules == ["all-linear"])
        #expect(resolved.schedule == .cosine)
        #expect(resolved.warmupRatio == 0.1)
        #expect(resolved.seed == 5)
    }

    @Test("a small file is seen more often, with a small batch")
    func smallFile() {
        let resolved = HyperparameterRequest().resolved(examples: 10, seed: 0)
        #expect(resolved.epochs == 10)
        #expect(resolved.batchSize == 1)
    }

    @Test("the multiplier is of 1e-4, and a learning rate is echoed as its multiplier")
    func learningRate() throws {
        let multiplied = try HyperparameterRequest(json: ["learning_rate_multiplier": 2])
        #expect(multiplied.resolved(examples: 1, seed: 0).learningRate == 2e-4)
        let given = try HyperparameterRequest(json: ["learning_rate": 5e-4])
        #expect(given.resolved(examples: 1, seed: 0).learningRate == 5e-4)
        #expect(given.resolved(examples: 1, seed: 0).learningRateMultiplier == 5)
    }

    @Test(
        "what cannot be honoured is refused by name",
        arguments: [
            ["n_epoch": 3], ["lora_rank": 0], ["lora_rank": 257], ["lora_rank": 1.5],
            ["learning_rate": -1.0], ["learning_rate": "fast"], ["lora_dropout": 1.0],
            ["lr_scheduler_type": "cosinus"], ["use_dora": 1], ["lora_target_modules": []],
            ["lora_target_modules": [1]], ["batch_size": 0],
            ["lr_scheduler_type": "constant", "warmup_ratio": 0.1],
        ] as [JSONObject]
    )
    func refusals(_ json: JSONObject) throws {
        let error = #expect(throws: HyperparameterError.self) {
            try HyperparameterRequest(json: json)
        }
        #expect(error.map { json[$0.name] != nil } == true)
    }

    @Test("the echo reads back as itself")
    func roundTrip() throws {
        let json: JSONObject = [
            "n_epochs": 4, "batch_size": 12, "learning_rate": 3e-5, "lora_rank": 32,
            "lora_target_modules": "q_proj, v_proj", "use_rslora": true, "warmup_steps": 7,
            "lr_scheduler_type": "linear", "seed": 11, "max_grad_norm": 0.3,
        ]
        let resolved = try HyperparameterRequest(json: json).resolved(examples: 100, seed: 0)
        #expect(resolved.targetModules == ["q_proj", "v_proj"])
        #expect(Hyperparameters(stored: resolved.json) == resolved)
    }

    @Test("what is off is not echoed where OpenAI's clients expect a value")
    func off() throws {
        let off = HyperparameterRequest().resolved(examples: 1, seed: 0)
        #expect(off.json["max_steps"] == nil && off.json["early_stopping_steps"] == nil)
        let on = try HyperparameterRequest(json: ["max_steps": 7, "early_stopping_steps": 2])
            .resolved(examples: 1, seed: 0)
        #expect(on.json["max_steps"] == 7 && on.json["early_stopping_steps"] == 2)
        #expect(Hyperparameters(stored: on.json) == on)
    }

    @Test("what lies at the ends of the ranges reads back too")
    func extremes() throws {
        for json: JSONObject in [
            ["learning_rate": 10], ["learning_rate": 1e-9], ["learning_rate_multiplier": 1e5],
            ["learning_rate_multiplier": 1e-5],
        ] {
            let resolved = try HyperparameterRequest(json: json).resolved(examples: 9, seed: 0)
            #expect(Hyperparameters(stored: resolved.json) == resolved)
        }
    }

    @Test("tens of thousands of unknown names are refused at once, with a short message")
    func unknownNames() throws {
        let members = (0..<40_000).map { (key: "no_such_name_\($0)", value: JSONValue(1)) }
        let start = ContinuousClock.now
        let error = #expect(throws: HyperparameterError.self) {
            try HyperparameterRequest(json: JSONObject(members))
        }
        #expect(ContinuousClock.now - start < .seconds(1))
        let message = try #require(error?.message)
        #expect(message.contains("'no_such_name_0'") && message.contains("39992 more"))
        #expect(message.utf8.count < 2000)
    }

    @Test("a paused job of an earlier version goes on: what it did not know has its default")
    func fingerprints() throws {
        let now = Hyperparameters().json
        var earlier = now
        earlier["use_dora"] = nil
        let text = { JSONValue.object($0).serialized }
        let agree = { (old: JSONObject, new: JSONObject) in
            TrainingCheckpoint.agree("hyperparameters", stored: text(old), text(new))
        }
        #expect(agree(earlier, now))
        #expect(agree(now, now))
        var changed = now
        changed["use_dora"] = true
        #expect(!agree(earlier, changed))
        changed["from_a_later_version"] = 1
        #expect(!agree(changed, now))
        #expect(!TrainingCheckpoint.agree("base model", stored: nil, ""))
    }

    @Test("every row of the table describes itself as data and keeps its own rule")
    func rows() throws {
        let echo = Hyperparameters().json
        for row in Hyperparameter.all {
            #expect(row.json["help"]?.string?.isEmpty == false)
            if let value = echo[row.name], !value.isNull, row.silence == nil {
                #expect(row.rule.problem(with: value) == nil, "\(row.name)")
            }
            if !row.keyDefault.isNull {
                #expect(row.rule.problem(with: row.keyDefault) == nil, "\(row.name)")
            }
        }
    }

    /// The table as `docs/FINE_TUNING.md` has it.
    private static let table = [
        ["| Name | Default | May be | Meaning |", "|---|---|---|---|"],
        Hyperparameter.all.map { row in
            let isOfAll = row.methods.count == TrainingMethod.allCases.count
            let methods = row.methods.map { "`\($0.rawValue)`" }.joined(separator: ", ")
            return "| `\(row.name)` | \(row.defaultText) | \(row.rule.text) | "
                + (isOfAll ? "" : "\(methods): ") + "\(row.help) |"
        },
    ].joined().joined(separator: "\n")

    /// `FACET_WRITE_DOCS=1` writes the table in place of comparing it.
    @Test("the table of the documentation is this table")
    func documentation() throws {
        let path = SharedData.packageRoot + "/docs/FINE_TUNING.md"
        let text = try String(contentsOfFile: path, encoding: .utf8)
        guard ProcessInfo.processInfo.environment["FACET_WRITE_DOCS"] == nil else {
            let start = try #require(text.range(of: "+Table.swift. -->\n\n")?.upperBound)
            let rest = try #require(text[start...].range(of: "\n\n")?.lowerBound)
            let written = text[..<start] + Self.table + text[rest...]
            try written.write(toFile: path, atomically: true, encoding: .utf8)
            return
        }
        #expect(text.contains("\n\n" + Self.table + "\n\n"))
    }
}
