import AdapterStore
public import ArgumentParser
import Foundation
public import InferenceRuntime

extension GGUFFileType: ExpressibleByArgument {}

/// `facet export`: a model with adapters merged into it, for other programs.
struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract:
            "Write a model, with adapters merged into it, for transformers, llama.cpp or Ollama.",
        discussion: """
            facet export --model base --adapter tone --format gguf --type q8_0 tone.gguf

            Merged in fp32 from the original weights where they are there, and from NF4 where the \
            checkpoint has no others; what was taken is said. OUT must not be there yet. Beside a \
            .gguf a Modelfile is written for Ollama.
            """
    )

    enum Format: String, ExpressibleByArgument, CaseIterable { case hf, nf4, gguf }

    @OptionGroup var store: AdapterStoreOptions

    @Option(help: "A checkpoint folder, a .gguf file, or what was pulled by its name.")
    var model: String

    @Option(
        help: ArgumentHelp(
            "An adapter to merge, by its name in the data directory or a PEFT folder's path, with a "
                + "factor if it is not 1; repeat for several.",
            valueName: "name[=scale]"
        )
    )
    var adapter: [String] = []

    @Option(help: ArgumentHelp("What to write.", valueName: "hf|nf4|gguf"))
    var format: Format = .hf

    @Option(
        help: ArgumentHelp(
            "How matrices are stored: of gguf, and of hf where the source is quantized "
                + "(f16 or bf16, which is the default).",
            valueName: "f16|bf16|q8_0|q4_0|q4_k_m|q5_k_m|q6_k"
        )
    )
    var type: GGUFFileType = .bf16

    @Option(help: "Threads, from 1 to 1024.")
    var threads: ThreadCount = .perCore

    @Argument(help: "The folder to make, or the .gguf file.")
    var out: String

    func validate() throws {
        for text in adapter { _ = try WeightedAdapter(text, default: 1) }
        if format != .gguf, type != .f16, type != .bf16 {
            throw ValidationError("--type \(type.rawValue) is for --format gguf.")
        }
        if format == .gguf, !out.hasSuffix(".gguf") {
            throw ValidationError("With --format gguf, OUT is a file that ends in .gguf.")
        }
    }

    func run() throws {
        let target = NewPath(out)
        try target.requireAbsent()
        let path = try ServedCheckpoint.folder(model)
        let updates = try adapterUpdates()
        let pool = ThreadPool(threads: threads.value)
        let weights = try MergedWeights(path: path, pool: pool, touched: updates.modules) {
            (module) throws(CheckpointError) in try updates.updates(of: module)
        }
        let line = ProgressLine("exporting")
        defer { line.finish() }
        switch format {
        case .gguf:
            let name = URL(fileURLWithPath: out).deletingPathExtension().lastPathComponent
            try GGUFModelExport(weights, type: type)
                .write(to: target.path, name: name) { line.show($0) }
            try Modelfile(model: target.path, source: path).write()
        case .hf:
            try target.make { folder in
                try HuggingFaceExport(weights, type: type == .f16 ? .f16 : .bf16)
                    .write(to: folder) { line.show($0) }
            }
        case .nf4:
            try target.make { folder in
                let whole = folder + ".whole"
                defer { try? FileManager.default.removeItem(atPath: whole) }
                try HuggingFaceExport(weights, type: .bf16).write(to: whole) { line.show($0 / 2) }
                try NF4CheckpointWriter.write(
                    from: whole,
                    to: folder,
                    scales: .plain,
                    pool: pool
                ) { line.show(0.5 + $0.fraction / 2) }
            }
        }
        say("exported \(model) to \(out), from \(weights.origin)")
    }

    /// Adapters by path are read where they are, others in the store.
    private func adapterUpdates() throws -> AdapterUpdates {
        let wanted = try adapter.map { try WeightedAdapter($0, default: 1) }
        func isFolder(_ part: WeightedAdapter) -> Bool {
            FileManager.default.fileExists(atPath: part.name + "/adapter_config.json")
        }
        let folders = try AdapterUpdates(
            wanted.filter(isFolder).map { (path: $0.name, weight: $0.weight) }
        )
        let named = wanted.filter { !isFolder($0) }
        guard !named.isEmpty else { return folders }
        let opened = try store.open(model: nil)
        let parts = try named.map { part in
            (
                generation: try opened.resolve(part.name, for: store.caller, splitKey: ""),
                weight: part.weight
            )
        }
        return try folders + opened.updates(of: parts)
    }
}
