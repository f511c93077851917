import Foundation
import InferenceRuntime
import Trainer

/// `--config FILE.yaml`: long option names and their values, put before what was typed, so that
/// what was typed wins.
enum ConfigurationFile {
    /// The arguments with the file's options in them.
    static func expand(_ arguments: [String]) throws -> [String] {
        guard let command = arguments.first, command == "serve", let path = path(arguments) else {
            return arguments
        }
        let text: String
        do {
            text = try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            throw CommandError("--config \(path): the file cannot be read.")
        }
        let object: JSONObject
        do throws(TrainConfigurationError) {
            object = isEmpty(text) ? JSONObject() : try YAMLFile.object(text)
        } catch {
            throw CommandError("--config \(path): \(error)")
        }
        guard object["config"] == nil else {
            throw CommandError("--config \(path): a configuration file cannot name another.")
        }
        return [command] + options(object) + arguments.dropFirst()
    }

    /// Whether every option is commented out, as in a file that is handed out to be filled in.
    private static func isEmpty(_ text: String) -> Bool {
        text.split(whereSeparator: \.isNewline).allSatisfy { line in
            line.drop(while: \.isWhitespace).first.map { $0 == "#" } ?? true
        }
    }

    private static func path(_ arguments: [String]) -> String? {
        for (index, argument) in arguments.enumerated() {
            if argument.hasPrefix("--config=") { return String(argument.dropFirst(9)) }
            if argument == "--config", index + 1 < arguments.count { return arguments[index + 1] }
        }
        return nil
    }

    private static func options(_ object: JSONObject) -> [String] {
        object.members.flatMap { key, value in
            let name = "--" + key.replacing("_", with: "-")
            return values(value).flatMap { [name, $0] }
        }
    }

    private static func values(_ value: JSONValue) -> [String] {
        switch value {
        case .array(let elements): elements.flatMap(values)
        case .object(let object):
            object.members.flatMap { key, value in values(value).map { "\(key)=\($0)" } }
        case .null: []
        case .string(let text): [text]
        case .number(let number): [number.spelling]
        case .bool(let flag): [flag ? "true" : "false"]
        }
    }
}
