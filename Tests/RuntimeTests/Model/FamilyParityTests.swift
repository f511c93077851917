import Foundation
import InferenceRuntime
import Testing

/// Where the models are and where the table goes.
private enum ParityFolder {
    static let models = ProcessInfo.processInfo.environment["FACET_PARITY_MODELS"]
    static let written = ProcessInfo.processInfo.environment["FACET_PARITY_WRITTEN"]
    static let table = ProcessInfo.processInfo.environment["FACET_PARITY_TABLE"]
}

/// Every supported family against transformers and PEFT; `scripts/parity-models` makes the models.
///
/// Runs where `FACET_PARITY_MODELS` names their folder; writes the table of `docs/MODELS.md` to
/// `FACET_PARITY_TABLE` and NF4 checkpoints for transformers into `FACET_PARITY_WRITTEN`.
@Suite("Every family computes what transformers computes")
struct FamilyParityTests {
    @Test(
        "log probabilities within 1e-3, gradients within 1e-4, chunks bit for bit",
        .enabled(if: ParityFolder.models != nil)
    )
    func families() throws {
        let folder = try #require(ParityFolder.models)
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        var rows = [
            "| family | shape | max Δ log-prob, base | with LoRA | gradients, relative |",
            "|---|---|---|---|---|",
        ]
        for name in names {
            let fixture = try ModelFixture(folder: folder + "/" + name)
            let base = try difference(fixture, "base", AdapterMix())
            let adapter = AdapterMix([.init(adapter: try fixture.adapter("linear"), scale: 1)])
            let adapted = try difference(fixture, "linear", adapter)
            let gradients = try AutogradComparison(fixture, "linear", first: 5).worst
            #expect(base <= 1e-3, "\(name)")
            #expect(adapted <= 1e-3, "\(name)")
            #expect(gradients <= 1e-4, "\(name)")
            try checkChunks(fixture, name, adapter)
            let parts = name.split(separator: ".")
            let numbers = [base, adapted, gradients].map { String(format: "%.1e", Double($0)) }
            rows.append("| \(parts[0]) | \(parts[1]) | \(numbers.joined(separator: " | ")) |")
        }
        if let table = ParityFolder.table {
            try Data((rows.joined(separator: "\n") + "\n").utf8)
                .write(to: URL(fileURLWithPath: table))
        }
    }

    @Test(
        "NF4 checkpoints are written for transformers to load",
        .enabled(if: ParityFolder.models != nil && ParityFolder.written != nil)
    )
    func written() throws {
        let models = try #require(ParityFolder.models)
        let folder = try #require(ParityFolder.written)
        let pool = ThreadPool(threads: 2)
        for name in ["llama.llama3", "qwen2.plain", "gemma2.plain", "phi3.longrope"] {
            let source = models + "/" + name
            try NF4CheckpointWriter.write(
                from: source,
                to: folder + "/" + name + "-plain",
                scales: .plain,
                pool: pool
            ) { _ in }
            try NF4CheckpointWriter.write(
                from: source,
                to: folder + "/" + name + "-nested",
                scales: .nested,
                pool: pool
            ) { _ in }
        }
    }

    private func difference(
        _ fixture: ModelFixture,
        _ name: String,
        _ adapters: AdapterMix
    ) throws -> Float {
        try fixture.expectation(name).reduce(0) { worst, entry in
            let found = try fixture.logProbabilities(entry.prompt, adapters: adapters)
            return max(worst, greatestDifference(found, entry.logProbabilities))
        }
    }

    private func checkChunks(
        _ fixture: ModelFixture,
        _ name: String,
        _ adapters: AdapterMix
    ) throws {
        let prompt = try fixture.expectation("base")[2].prompt
        let whole = try fixture.logits(prompt, adapters: adapters, chunk: 128, tape: nil)
        let pieces = try fixture.logits(prompt, adapters: adapters, chunk: 5, tape: nil)
        #expect(whole == pieces, "\(name)")
    }
}
