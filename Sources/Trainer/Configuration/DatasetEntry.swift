import Foundation
import InferenceRuntime

/// An entry of LLaMA-Factory's `dataset_info.json`: where a dataset lies.
///
/// The format of a file is recognised by itself, by the names its columns have. An entry that gives
/// them other meanings, or asks for more than to read a file, is refused by name: training would
/// learn something else than was asked for.
struct DatasetEntry {
    /// The file.
    let path: String

    /// The entry of a name; `nil` where there is none.
    init?(_ name: String, in folder: String) throws(TrainConfigurationError) {
        let info = folder + "/dataset_info.json"
        guard let bytes = FileManager.default.contents(atPath: info) else { return nil }
        let entries: JSONValue
        do {
            entries = try JSONValue(parsing: [UInt8](bytes))
        } catch {
            throw TrainConfigurationError("dataset_dir", "\(info) is not valid JSON: \(error).")
        }
        guard let entry = entries[name]?.object else { return nil }
        let place = "'\(name)' of \(info)"
        for (field, value) in entry.members {
            if let reason = Self.problem(field, value) {
                throw TrainConfigurationError("dataset", "\(place): \(reason).")
            }
        }
        guard let file = entry["file_name"]?.string else {
            throw TrainConfigurationError("dataset", "\(place) has no 'file_name'.")
        }
        path = file.hasPrefix("/") ? file : "\(folder)/\(file)"
    }

    /// What of a field cannot be honoured; `nil` where nothing is.
    private static func problem(_ field: String, _ value: JSONValue) -> String? {
        switch field {
        case "file_name", "file_sha1": return nil
        case "formatting":
            let known = ["alpaca", "sharegpt", "openai"]
            return known.contains(value.string ?? "") || value.isNull
                ? nil : "'formatting' \(value.serialized) is not known"
        case "ranking":
            return value.bool == true ? "'ranking' is for preferences, which are not trained" : nil
        case "columns": return problem(field, value, columns)
        case "tags": return problem(field, value, tags)
        default:
            return value.isNull ? nil : "'\(field)' is not supported; facet reads 'file_name'"
        }
    }

    private static func problem(
        _ field: String,
        _ value: JSONValue,
        _ known: [String: [String]]
    ) -> String? {
        for (role, name) in value.object?.members ?? [] where !name.isNull {
            guard let names = known[role] else { return "'\(field).\(role)' is not supported" }
            guard !names.contains(name.string ?? "") else { continue }
            return "'\(field).\(role)' is \(name.serialized), but must be "
                + names.map { "'\($0)'" }.joined(separator: " or ")
                + ", by which facet knows it: rename it in the file"
        }
        return nil
    }

    /// LLaMA-Factory's columns, and what they are called in the formats that are recognised.
    private static let columns = [
        "prompt": ["instruction", "prompt", "text"], "query": ["input"],
        "response": ["output", "completion"], "history": ["history"], "system": ["system"],
        "messages": ["conversations", "messages"], "tools": ["tools"],
    ]

    private static let tags = [
        "role_tag": ["from", "role"], "content_tag": ["value", "content"],
        "user_tag": ["human", "user"], "assistant_tag": ["gpt", "assistant"],
        "observation_tag": ["observation", "tool"], "function_tag": ["function_call"],
        "system_tag": ["system"],
    ]
}
