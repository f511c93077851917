import Foundation
import InferenceRuntime

/// The documents of a task, in local files: `dataset_path` is a kind of file with `data_files`, or a
/// folder that has a file for each split.
struct TaskDocuments {
    private let path: String
    private let name: String?
    private let files: JSONValue?
    /// Where a file that the current folder has not is looked for: beside the task's.
    private let folder: String

    /// More than any benchmark has; a file is read into memory as a whole.
    private static let maximumDocuments = 1_000_000
    private static let formats: Set = ["json", "csv", "text", "parquet", "arrow"]

    /// Reads `dataset_path`, `dataset_name` and `dataset_kwargs`.
    init(_ fields: JSONObject, folder: String) throws(TaskError) {
        guard let path = fields["dataset_path"]?.string else {
            throw TaskError(
                "'dataset_path' is missing: a folder, or json, csv, parquet or arrow with 'data_files'."
            )
        }
        self.path = path
        self.folder = folder
        name = fields["dataset_name"]?.string
        files = fields["dataset_kwargs"]?["data_files"]
        guard files != nil || !Self.formats.contains(path) else {
            throw TaskError("'dataset_kwargs' has no 'data_files' to read as \(path).")
        }
    }

    /// The documents of a split, every one with the same columns.
    func split(_ split: String) throws(TaskError) -> [JSONObject] {
        let paths = try paths(split)
        guard !paths.isEmpty else {
            throw TaskError("There is no file for the split '\(split)' of \(path).")
        }
        var documents: [JSONObject] = []
        for path in paths { documents += try Self.read(path) }
        guard !documents.isEmpty else { throw TaskError("The split '\(split)' is empty.") }
        let columns = JSONObject(
            documents.flatMap { $0.members.map(\.key) }.uniqued().map { ($0, .null) }
        )
        return documents.map { document in
            guard document.members.count < columns.members.count else { return document }
            var whole = columns
            for (key, value) in document.members { whole[key] = value }
            return whole
        }
    }

    private func paths(_ split: String) throws(TaskError) -> [String] {
        guard let files else { return try inFolder(split) }
        let named: JSONValue?
        switch files {
        case .object(let object): named = object[split]
        // Files without a split are called train.
        default: named = split == "train" ? files : nil
        }
        return (named?.array ?? [named].compactMap(\.self)).compactMap(\.string).map(located)
    }

    private func inFolder(_ split: String) throws(TaskError) -> [String] {
        let base = located(path)
        let manager = FileManager.default
        var isFolder: ObjCBool = false
        guard manager.fileExists(atPath: base, isDirectory: &isFolder), isFolder.boolValue else {
            throw TaskError(
                "dataset_path: there is no folder '\(path)'. A data set of a hub is downloaded first; "
                    + "files are named by 'dataset_path: json' and 'dataset_kwargs: {data_files: …}'."
            )
        }
        let folders = [name.map { "\(base)/\($0)" }, base, "\(base)/data"].compactMap(\.self)
        for folder in folders {
            let names = (try? manager.contentsOfDirectory(atPath: folder)) ?? []
            let fitting = names.sorted().filter { name in
                let stem = name.prefix { $0 != "." && $0 != "-" }
                return stem == split && name.contains(".")
            }
            if !fitting.isEmpty { return fitting.map { "\(folder)/\($0)" } }
        }
        return []
    }

    private func located(_ path: String) -> String {
        let beside = "\(folder)/\(path)"
        let manager = FileManager.default
        return !manager.fileExists(atPath: path) && manager.fileExists(atPath: beside)
            ? beside : path
    }

    private static func read(_ path: String) throws(TaskError) -> [JSONObject] {
        var documents: [JSONObject] = []
        let isTable: Bool
        do throws(TrainingFileError) {
            let reader = try RecordReader(path: path, name: path)
            isTable = reader.container == .csv
            while let record = try reader.next() {
                guard let document = record.value.object, documents.count < maximumDocuments else {
                    throw TrainingFileError(
                        line: record.line,
                        reason: record.value.object == nil
                            ? "not an object" : "more than \(maximumDocuments) documents"
                    )
                }
                documents.append(document)
            }
        } catch {
            throw TaskError("\(path): \(error)")
        }
        return isTable ? typed(documents) : documents
    }

    /// A table's columns of numbers as numbers.
    private static func typed(_ documents: [JSONObject]) -> [JSONObject] {
        var documents = documents
        for column in documents.first?.members.map(\.key) ?? [] {
            let numbers = documents.map { $0[column]?.string.flatMap { Int($0) } }
            guard !numbers.contains(nil) else { continue }
            for (place, number) in numbers.enumerated() {
                documents[place][column] = number.map { JSONValue($0) }
            }
        }
        return documents
    }
}

extension Sequence where Element: Hashable {
    /// Each element once, where it came first.
    func uniqued() -> [Element] {
        var seen: Set<Element> = []
        return filter { seen.insert($0).inserted }
    }
}
