import Foundation
import InferenceRuntime

/// An entry of LLaMA-Factory's `dataset_info.json`: where a dataset lies and what its columns mean.
///
/// What would make training learn something else than was asked for, and cannot be honoured, is
/// refused by name.
struct DatasetEntry {
    /// The files, in order.
    let files: [String]
    /// What columns and tags are called, where the entry says.
    let mapping: RecordMapping?
    /// Draw so many examples.
    let samples: Int?

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
        for (field, value) in entry.members where !value.isNull && value != false {
            if let reason = Self.problem(field, value) {
                throw TrainConfigurationError("dataset", "\(place): \(reason).")
            }
        }
        guard let file = entry["file_name"]?.string else {
            throw TrainConfigurationError("dataset", "\(place) has no 'file_name'.")
        }
        files = try Self.files(file.hasPrefix("/") ? file : "\(folder)/\(file)", place)
        samples = entry["num_samples"]?.int
        let (columns, tags) = (entry["columns"]?.object, entry["tags"]?.object)
        let formatting = entry["formatting"]?.string ?? "alpaca"
        let hasMapping = columns != nil || tags != nil || formatting != "alpaca"
        mapping =
            hasMapping
            ? RecordMapping(formatting: formatting, columns: columns, tags: tags) : nil
    }

    /// A file, or every file of a folder by name.
    private static func files(
        _ path: String,
        _ place: String
    ) throws(TrainConfigurationError) -> [String] {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw TrainConfigurationError("dataset", "The file of \(place) is not there: \(path).")
        }
        guard isFolder.boolValue else { return [path] }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        let files = names.filter { !$0.hasPrefix(".") }.sorted().map { "\(path)/\($0)" }
        guard !files.isEmpty else {
            throw TrainConfigurationError("dataset", "The folder of \(place) is empty: \(path).")
        }
        return files
    }

    /// What of a field cannot be honoured; `nil` where nothing is.
    private static func problem(_ field: String, _ value: JSONValue) -> String? {
        switch field {
        case "file_name", "file_sha1": return nil
        case "formatting":
            return ["alpaca", "sharegpt", "openai"].contains(value.string ?? "")
                ? nil : "'formatting' \(value.serialized) is not known"
        case "ranking": return value == true ? nil : "'ranking' must be true or false"
        case "num_samples":
            return value.int.map { (1...1_000_000_000).contains($0) } == true
                ? nil : "'num_samples' must be a whole number from 1"
        case "split": return value == "train" ? nil : "'split' is of data sets on a hub"
        case "hf_hub_url", "ms_hub_url":
            let hub = field == "ms_hub_url" ? " --from modelscope" : ""
            return "'\(field)' is elsewhere; 'facet pull\(hub) --repo-type dataset "
                + "\(value.string ?? "ORG/NAME")' fetches it, then name its files by 'file_name'"
        case "om_hub_url", "script_url", "cloud_file_name":
            return "'\(field)' is elsewhere; download the file and name it by 'file_name'"
        case "columns": return problem(field, value, known: columns)
        case "tags": return problem(field, value, known: tags)
        default: return "'\(field)' is not supported; facet reads 'file_name'"
        }
    }

    private static func problem(
        _ field: String,
        _ value: JSONValue,
        known: Set<String>
    ) -> String? {
        guard let object = value.object else { return "'\(field)' must be an object" }
        for (role, name) in object.members where !name.isNull {
            guard known.contains(role) else { return "'\(field).\(role)' is not supported" }
            guard name.string?.isEmpty == false else {
                return "'\(field).\(role)' must be a name"
            }
        }
        return nil
    }

    private static let columns: Set = [
        "prompt", "query", "response", "history", "system", "messages", "tools", "chosen",
        "rejected", "kto_tag",
    ]

    private static let tags: Set = [
        "role_tag", "content_tag", "user_tag", "assistant_tag", "observation_tag", "function_tag",
        "system_tag",
    ]
}
