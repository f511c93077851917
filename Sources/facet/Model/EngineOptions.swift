public import ArgumentParser
import Foundation
public import InferenceRuntime

extension ComputeDType: ExpressibleByArgument {}
extension BaseDType: ExpressibleByArgument {}

/// Options of every command that computes with a model.
struct EngineOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Threads to compute with, from 1 to 1024.",
            valueName: "n"
        )
    )
    var threads: ThreadCount = .perCore

    @Option(
        help: ArgumentHelp(
            "How to multiply: int8 is fast, fp32 exact, bf16 in between. Training uses the same.",
            valueName: "int8|bf16|fp32"
        )
    )
    var computeDtype: ComputeDType = .int8

    @Option(
        help: ArgumentHelp(
            "How to hold the base's weights: in 4 or 8 bits, or (bf16) as they are stored. By default "
                + "nf4 from about a billion parameters on and with --compute-dtype fp32, else int8; a checkpoint "
                + "in NF4 stays so.",
            valueName: "nf4|int8|bf16"
        )
    )
    var baseDtype: BaseDType?

    @Option(
        help: ArgumentHelp(
            "A chat template in place of the checkpoint's own.",
            valueName: "file.jinja"
        )
    )
    var chatTemplate: String?

    @Option(
        help: ArgumentHelp(
            "The most tokens that prompt and answer may have together; by default the model's own, "
                + "at most 16384, as far as memory goes.",
            valueName: "n"
        )
    )
    var context: Int?

    @Option(
        help: ArgumentHelp("The most answers computed at the same time.", valueName: "n")
    )
    var maxBatch: Int = 32

    @Flag(
        inversion: .prefixedNo,
        help: ArgumentHelp(
            "Guess ahead of answers from what was written before and from constraints, where it pays. "
                + "Answers stay the same to the bit."
        )
    )
    var speculation = true

    func validate() throws {
        guard (1...1024).contains(maxBatch) else {
            throw ValidationError("--max-batch must be from 1 to 1024.")
        }
        if let context, !(1...(1 << 27)).contains(context) {
            throw ValidationError("--context must be a number of tokens, at least 1.")
        }
    }
}
