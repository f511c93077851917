import ArgumentParser
import Foundation
import InferenceRuntime

/// `facet generate`.
struct GenerateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate",
        abstract: "Answer one prompt in the terminal, with the engine that serves.",
        discussion: """
            Example:
              facet generate --model models/tinyllama --adapter adapters/sql "How many orders today?"
            """
    )

    @OptionGroup var options: AnswerOptions

    @Argument(help: "What the model is asked.")
    var prompt: String

    func run() async throws {
        let model = try LocalModel(model: options.model, adapter: options.adapter, options.engine)
        var messages: [JSONValue] = []
        if let system = options.system {
            messages.append(["role": "system", "content": .string(system)])
        }
        messages.append(["role": "user", "content": .string(prompt)])
        _ = try await model.answer(messages, options) { Terminal.write($0) }
        Terminal.write("\n")
    }
}

/// `facet chat`.
struct ChatCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chat",
        abstract: "Talk with a model in the terminal; an empty line or Ctrl-D ends it."
    )

    @OptionGroup var options: AnswerOptions

    func run() async throws {
        let model = try LocalModel(model: options.model, adapter: options.adapter, options.engine)
        guard model.hasTemplate else {
            throw CommandError("The model has no chat template; use 'facet generate'.")
        }
        var messages: [JSONValue] = []
        if let system = options.system {
            messages.append(["role": "system", "content": .string(system)])
        }
        while true {
            Terminal.write("> ")
            guard let line = readLine(), !line.isEmpty else { break }
            messages.append(["role": "user", "content": .string(line)])
            let answer = try await model.answer(messages, options) { Terminal.write($0) }
            Terminal.write("\n")
            messages.append(["role": "assistant", "content": .string(answer)])
        }
    }
}

/// Standard output, unbuffered: an answer appears as it is made.
enum Terminal {
    static func write(_ text: String) {
        FileHandle.standardOutput.write(Data(text.utf8))
    }
}
