import ArgumentParser
import Foundation
import InferenceRuntime
import Trainer

/// `facet eval`.
struct EvalCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "eval",
        abstract: "Measure a model, with an adapter or without, on a data file.",
        discussion: """
            The file has any format that training takes: OpenAI chat, prompt and completion, Alpaca, \
            ShareGPT, plain text. Measured is what training would learn from it, the assistant's \
            answers: loss, perplexity, and the share of tokens that are the model's first choice.

            With --predict the model also answers each prompt itself, by its likeliest tokens; its \
            answers are compared with the file's by BLEU-4, ROUGE-1, ROUGE-2, ROUGE-L and to the \
            letter, counted as LLaMA-Factory counts them.

            With --task the model is asked a task of lm-evaluation-harness's kind \
            or MMLU, C-Eval or CMMLU in the folder they are published in.

            Examples:
              facet eval --data examples/sql/heldout.jsonl
              facet eval --model models/qwen --adapter out/sql --data heldout.jsonl \\
                --predict --output predictions.jsonl
              facet eval --task tasks/orders.yaml --output results.json
              facet eval --model models/qwen --task benchmarks/mmlu --max-samples 20
            """
    )

    @Option(
        help: ArgumentHelp(
            "The base: a folder, a name in the model cache, a pulled hub id; by default the demo.",
            valueName: "model"
        )
    )
    var model: String?

    @Option(help: ArgumentHelp("Measure through this adapter: a PEFT folder.", valueName: "dir"))
    var adapter: String?

    @Option(help: "The data file.", completion: .file())
    var data: String?

    @OptionGroup(title: "Tasks") var tasks: TaskOptions

    @Flag(help: "Let the model answer each prompt, and compare.")
    var predict = false

    @Option(
        help: ArgumentHelp(
            "Write the answers there, one JSON object per line: prompt, predict, label. Implies "
                + "--predict. With --task: the results, one JSON object.",
            valueName: "file"
        )
    )
    var output: String?

    @Option(help: ArgumentHelp("The longest answer, in tokens.", valueName: "n"))
    var maxTokens: Int = 512

    @Option(
        help: ArgumentHelp(
            "The longest example, in tokens; what is longer is cut.",
            valueName: "n"
        )
    )
    var cutoffLen: Int = 2048

    @Option(help: ArgumentHelp("Use so many examples, from the start of the file.", valueName: "n"))
    var maxSamples: Int?

    @Flag(help: "Print one JSON object, with LLaMA-Factory's names.")
    var json = false

    @OptionGroup var engine: EngineOptions

    func validate() throws {
        guard (data == nil) != tasks.task.isEmpty else {
            throw ValidationError("Give either --data FILE or --task FILE.")
        }
        guard maxTokens > 0, cutoffLen > 1, maxSamples ?? 1 > 0 else {
            throw ValidationError(
                "--max-tokens and --max-samples must be at least 1, --cutoff-len at least 2."
            )
        }
    }

    func run() async throws {
        guard let data else { return try await runTasks() }
        let evaluation = try evaluation(data)
        if !json { for note in evaluation.notes { say(note) } }
        let measuring = ProgressLine("measuring")
        let scores = try await evaluation.scores { measuring.show($0) }
        measuring.finish()
        var results = scores.json
        if predict || output != nil {
            let answering = ProgressLine("answering")
            let predictions = try await evaluation.predictions { answering.show($0) }
            answering.finish()
            if let output { try predictions.write(to: output) }
            for (key, value) in AnswerScores(predictions).json.members { results[key] = value }
        }
        print(json ? JSONValue.object(results).serialized : Self.table(results))
    }

    private func evaluation(_ data: String) throws -> LocalEvaluation {
        guard FileManager.default.isReadableFile(atPath: data) else {
            throw CommandError("--data \(data): the file cannot be read.")
        }
        let local = try LocalModel(model: model, adapter: adapter, engine)
        var options = LocalEvaluation.Options()
        options.cutoffLength = cutoffLen
        options.maximumExamples = maxSamples
        options.answerTokens = maxTokens
        options.concurrency = engine.maxBatch
        do throws(FineTuningError) {
            let file = TrainingFileLocation(path: data, name: data)
            return try LocalEvaluation(local.subject, files: [file], options: options)
        } catch {
            throw CommandError("\(data): \(error.message)")
        }
    }

    static func table(_ results: JSONObject) -> String {
        let width = 2 + (results.members.map(\.key.count) + [20]).reduce(0, max)
        return results.members.map { key, value in
            let name = key.padding(toLength: width, withPad: " ", startingAt: 0)
            let number = value.int.map { "\($0)" } ?? String(format: "%.4f", value.double ?? .nan)
            return name + number
        }.joined(separator: "\n")
    }
}

extension [Prediction] {
    /// Writes the answers as LLaMA-Factory's `generated_predictions.jsonl`.
    func write(to path: String) throws {
        let lines = map { $0.json.serialized + "\n" }
        do {
            try Data(lines.joined().utf8).write(to: URL(fileURLWithPath: path))
        } catch {
            let reason = error.localizedDescription
            throw CommandError("\(path): the answers cannot be written: \(reason)")
        }
    }
}
