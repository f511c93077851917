import ArgumentParser
import Foundation
import InferenceRuntime

/// `facet bench`.
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure a model on this machine, next to what the machine could do at best.",
        discussion: """
            Prefill, decoding with and without adapters, loading an adapter and a training step, \
            with the engine that serves and the trainer that trains; medians. GB/s counts weights, \
            adapters and cache that had to be read, GOP/s the linear layers.

            Tests: \(BenchTest.allCases.map(\.rawValue).joined(separator: ", ")).
            Shapes: \(BenchShape.allCases.map(\.rawValue).joined(separator: ", ")).

            Examples:
              facet bench --shape tinyllama-1.1b
              facet bench --model models/tinyllama --tests prefill,decode --json
              facet bench --model models/tinyllama --quality texts.jsonl
            """
    )

    @Option(
        help: ArgumentHelp(
            "The base: a folder, a name in the model cache, a pulled hub id; by default the demo.",
            valueName: "model"
        )
    )
    var model: String?

    @Option(
        help: ArgumentHelp(
            "Random weights of a known shape, made in memory: nothing to download.",
            valueName: "name"
        )
    )
    var shape: BenchShape?

    @Option(help: ArgumentHelp("What to measure, with commas between.", valueName: "list"))
    var tests: BenchTestList = .all

    @Option(help: ArgumentHelp("Medians are over this many, at least 3.", valueName: "n"))
    var repetitions = 3

    @Flag(help: "One JSON object in place of the table.")
    var json = false

    @Option(help: ArgumentHelp("Threads to compute with, from 1 to 1024.", valueName: "n"))
    var threads: ThreadCount = .perCore

    @Option(help: ArgumentHelp("How to multiply.", valueName: "int8|bf16|fp32"))
    var computeDtype: ComputeDType = .int8

    @Option(
        help: ArgumentHelp(
            "How to hold the base's weights, as `facet serve` does.",
            valueName: "nf4|int8|bf16"
        )
    )
    var baseDtype: BaseDType?

    @Option(
        help: ArgumentHelp(
            "Measure no speed but what --compute-dtype costs next to fp32, on a JSON Lines file of "
                + "{\"text\": …}.",
            valueName: "file"
        )
    )
    var quality: String?

    func validate() throws {
        guard quality == nil || shape == nil else {
            throw ValidationError("--quality needs a real model, which --shape is not.")
        }
        guard baseDtype == nil || shape == nil else {
            throw ValidationError("--base-dtype concerns a model's weights; a shape's are NF4.")
        }
        guard model == nil || shape == nil else {
            throw ValidationError("--model and --shape exclude each other.")
        }
        guard (3...1000).contains(repetitions) else {
            throw ValidationError("--repetitions must be from 3 to 1000.")
        }
    }

    func run() async throws {
        if let quality { return try measureQuality(quality) }
        say("measuring what the machine can do")
        let machine = BenchMachine(threads: threads.value)
        let model = try load(ThreadPool(threads: threads.value))
        if !json { print(BenchTable(machine: machine, model: model, results: []).introduction) }
        let results = try await BenchRun(model).run(tests.tests)
        guard json else {
            return print(BenchTable(machine: machine, model: model, results: results).text)
        }
        var about = machine.json
        about["model"] = .string(model.name)
        about["weight_bytes"] = JSONValue(model.model.weightBytes)
        let object: JSONValue = [
            "machine": .object(about),
            "ceilings": machine.ceilingsJSON,
            "results": .array(results.map(\.json)),
        ]
        print(object.serialized)
    }

    private func load(_ pool: ThreadPool) throws -> BenchModel {
        if let shape {
            say("making \(shape.rawValue)")
            let model = try ModelLoader.random(
                configuration: shape.configuration,
                compute: computeDtype,
                pool: pool
            )
            return BenchModel(
                model: model,
                name: shape.rawValue,
                pool: pool,
                repetitions: repetitions
            )
        }
        let checkpoint = try checkpoint(computeDtype, pool)
        return BenchModel(
            model: checkpoint.model,
            name: checkpoint.base.name,
            pool: pool,
            repetitions: repetitions
        )
    }

    private func checkpoint(_ dtype: ComputeDType, _ pool: ThreadPool) throws -> ServedCheckpoint {
        let demo = try model == nil ? DemoModel.locate() : nil
        var options = try EngineOptions.parse([])
        options.computeDtype = dtype
        options.baseDtype = baseDtype
        return try ServedCheckpoint.load(
            demo?.folder ?? model ?? "",
            name: demo?.name,
            options,
            pool: pool
        )
    }

    private func measureQuality(_ file: String) throws {
        let pool = ThreadPool(threads: threads.value)
        let exact = try checkpoint(.fp32, pool)
        let bench = QualityBench(
            exact: exact.model,
            model: try checkpoint(computeDtype, pool).model,
            pool: pool
        )
        let result = try bench.measure(QualityBench.texts(of: file, exact.base.encoder.tokenizer))
        print(json ? result.json.serialized : result.text)
    }
}
