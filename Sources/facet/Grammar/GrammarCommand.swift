import ArgumentParser
import Foundation
import InferenceRuntime

/// `facet grammar`.
struct GrammarCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "grammar",
        abstract:
            "Compile a constraint and say which texts it accepts; needs a tokenizer, no weights."
    )

    @Option(help: ArgumentHelp("A JSON Schema.", valueName: "file"))
    var schema: String?

    @Option(help: ArgumentHelp("A regular expression of whole texts.", valueName: "pattern"))
    var regex: String?

    @Option(help: ArgumentHelp("A grammar in llama.cpp's notation.", valueName: "file"))
    var gbnf: String?

    @Option(help: ArgumentHelp("A grammar in Lark's notation.", valueName: "file"))
    var lark: String?

    @Option(
        help: ArgumentHelp(
            "Lines of {\"name\", \"schema\", \"tests\": [{\"valid\", \"data\"}]}; one line of results each.",
            valueName: "file"
        )
    )
    var jsonl: String?

    @Flag(help: "Refuse what a schema would only annotate, such as unknown formats.")
    var strict = false

    @Option(
        help: ArgumentHelp(
            "Whose tokenizer: a folder, a name in the model cache, a hub id; by default the demo.",
            valueName: "model"
        )
    )
    var model: String?

    @Argument(help: "Files with one text each; for a schema, JSON.")
    var instances: [String] = []

    func validate() throws {
        let given = [schema, regex, gbnf, lark, jsonl].compactMap { $0 }
        guard given.count == 1 else {
            throw ValidationError("Give one of --schema, --regex, --gbnf, --lark, --jsonl.")
        }
        guard jsonl == nil || instances.isEmpty else {
            throw ValidationError("With --jsonl the instances stand in its lines.")
        }
    }

    func run() throws {
        let folder = try model.map(ServedCheckpoint.folder) ?? DemoModel.locate().folder
        let tokenizer = try Tokenizer(folder: folder)
        let ends = Set([tokenizer.eosID].compactMap { $0 })
        let trial = GrammarTrial(
            tokenizer: tokenizer,
            trie: TokenTrie(tokenizer, stopTokens: ends),
            isStrict: strict
        )
        if let jsonl {
            try runLines(jsonl, trial)
        } else {
            try runInstances(trial)
        }
    }

    // MARK: - One constraint

    private func runInstances(_ trial: GrammarTrial) throws {
        let grammar: Grammar
        do throws(GrammarError) {
            grammar = try compile(trial)
        } catch {
            throw CommandError("\(error)")
        }
        if instances.isEmpty { print("compiled") }
        var isAnyRefused = false
        for path in instances {
            var text = try bytes(path)
            if schema != nil {
                text = GrammarTrial.spelling(try json(text, path))
            } else if text.last == 0x0A {
                text.removeLast()
            }
            let walk = try trial.walk(String(decoding: text, as: UTF8.self), grammar)
            isAnyRefused = isAnyRefused || walk.refusal != nil
            print("\(path): \(walk.refusal ?? "accepted")")
        }
        if isAnyRefused { throw ExitCode.failure }
    }

    private func compile(_ trial: GrammarTrial) throws(GrammarError) -> Grammar {
        if let regex { return try Grammar(.regex(regex), trie: trial.trie) }
        if let gbnf { return try Grammar(.gbnf(try text(gbnf)), trie: trial.trie) }
        if let lark { return try Grammar(.lark(try text(lark)), trie: trial.trie) }
        let path = schema ?? ""
        let value: JSONValue
        do {
            value = try json(try bytes(path), path)
        } catch {
            throw .invalid("\(error)", at: path)
        }
        return try Grammar(.jsonSchema(value, isStrict: strict), trie: trial.trie)
    }

    private func text(_ path: String) throws(GrammarError) -> String {
        do {
            return String(decoding: try bytes(path), as: UTF8.self)
        } catch {
            throw .invalid("\(error)", at: path)
        }
    }

    // MARK: - Many schemas

    private func runLines(_ path: String, _ trial: GrammarTrial) throws {
        for (index, line) in try bytes(path).split(separator: 0x0A).enumerated() {
            let value = try json(Array(line), "\(path), line \(index + 1)")
            guard let schema = value["schema"] else {
                throw CommandError("\(path), line \(index + 1) has no \"schema\".")
            }
            let data = value["tests"]?.array?.compactMap { $0["data"] } ?? []
            let name = value["name"] ?? .null
            print(trial.report(name: name, schema: schema, instances: data).serialized)
        }
    }

    // MARK: - Files

    private func bytes(_ path: String) throws -> [UInt8] {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw CommandError("\(path) cannot be read.")
        }
        return Array(data)
    }

    private func json(_ text: [UInt8], _ path: String) throws -> JSONValue {
        do throws(JSONError) {
            return try JSONValue(parsing: text, maximumDepth: GrammarTrial.maximumDepth)
        } catch {
            throw CommandError("\(path) is not JSON: \(error).")
        }
    }
}
