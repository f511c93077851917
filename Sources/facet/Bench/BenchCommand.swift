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

    @Option(help: ArgumentHelp("Threads to compute with; by default one per core.", valueName: "n"))
    var threads: Int = ProcessInfo.processInfo.activeProcessorCount

    @Option(help: ArgumentHelp("How to multiply.", valueName: "int8|bf16|fp32"))
    var computeDtype: ComputeDType = .int8

    func validate() throws {
        guard model == nil || shape == nil else {
            throw ValidationError("--model and --shape exclude each other.")
        }
        guard (1...1024).contains(threads) else {
            throw ValidationError("--threads must be from 1 to 1024.")
        }
        guard (3...1000).contains(repetitions) else {
            throw ValidationError("--repetitions must be from 3 to 1000.")
        }
    }

    func run() async throws {
        say("measuring what the machine can do")
        let machine = BenchMachine(threads: threads)
        let model = try load(ThreadPool(threads: threads))
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
        let demo = try model == nil ? DemoModel.locate() : nil
        var options = try EngineOptions.parse([])
        options.computeDtype = computeDtype
        let checkpoint = try ServedCheckpoint.load(
            demo?.folder ?? model ?? "",
            name: demo?.name,
            options,
            pool: pool
        )
        return BenchModel(
            model: checkpoint.model,
            name: checkpoint.name,
            pool: pool,
            repetitions: repetitions
        )
    }
}
