import ArgumentParser
import Foundation
import InferenceRuntime

/// `facet quantize SRC DST`: a checkpoint with NF4 linear layers that transformers loads too.
struct QuantizeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quantize",
        abstract: "Quantize a Hugging Face checkpoint to NF4, in the layout of bitsandbytes.",
        discussion: """
            Every linear layer but the output head becomes NF4; embeddings and norms stay as they \
            are, and tokenizer, templates and generation defaults are copied. DST must not be there \
            yet: it appears when it is complete.
            """
    )

    @Argument(help: "A checkpoint folder with config.json and safetensors in fp32, fp16 or bf16.")
    var source: String

    @Argument(help: "The folder to make.")
    var destination: String

    @Flag(help: "Quantize the scales as well: 4.13 instead of 4.5 bits per weight.")
    var doubleQuant = false

    @Option(help: "Threads, from 1 to 1024.")
    var threads: ThreadCount = .perCore

    func run() throws {
        let target = NewPath(destination)
        try target.requireAbsent()
        try target.make { folder in try write(to: folder) }
        say("quantized \(source) into \(target.path)")
    }

    private func write(to folder: String) throws {
        let line = ProgressLine("quantizing")
        defer { line.finish() }
        try NF4CheckpointWriter.write(
            from: source,
            to: folder,
            scales: doubleQuant ? .nested : .plain,
            pool: ThreadPool(threads: threads.value)
        ) { line.show($0.fraction) }
    }
}
