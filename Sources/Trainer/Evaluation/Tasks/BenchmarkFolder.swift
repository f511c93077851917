import Foundation
import InferenceRuntime

/// MMLU, C-Eval and CMMLU in the folders they are published in: a table for each subject under `dev`
/// (examples) and `test` or `val`.
public struct BenchmarkFolder: Sendable {
    /// What it is.
    public enum Layout: String, Sendable {
        /// Hendrycks and others, 2021: tables without a header.
        case mmlu
        /// Huang and others, 2023: asked from `val`, whose answers are known.
        case ceval
        /// Li and others, 2023.
        case cmmlu
    }

    /// Which layout was found.
    public let layout: Layout
    /// A task for each subject, by name.
    public let tasks: [EvaluationTask]

    /// Reads a folder.
    /// - Throws: `TaskError` where it has none of the layouts.
    public init(_ folder: String) throws(TaskError) {
        let examples = Self.tables(folder + "/dev")
        guard let first = examples.first else {
            throw TaskError(
                "\(folder) is no benchmark: MMLU, C-Eval and CMMLU have a table for each subject in "
                    + "'dev' and in 'test' or 'val'."
            )
        }
        let header = try Self.rows(first.path).first ?? []
        let layout: Layout =
            header.contains("Question") ? .cmmlu : header.contains("question") ? .ceval : .mmlu
        self.layout = layout
        let names = Self.subjectNames(folder)
        let shots = Dictionary(examples.map { ($0.subject, $0.path) }) { $1 }
        var tasks: [EvaluationTask] = []
        for (subject, path) in Self.tables(folder + (layout == .ceval ? "/val" : "/test")) {
            let examples = try shots[subject].map { (path) throws(TaskError) in
                try Self.documents(path, layout)
            }
            tasks.append(
                try EvaluationTask(
                    layout,
                    subject,
                    names[subject],
                    documents: try Self.documents(path, layout),
                    examples: examples ?? []
                )
            )
        }
        guard !tasks.isEmpty else { throw TaskError("\(folder) has no tables to ask from.") }
        self.tasks = tasks
    }

    private static func tables(_ folder: String) -> [(subject: String, path: String)] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.hasSuffix(".csv") }.sorted().map { name in
            var subject = String(name.dropLast(4))
            for ending in ["_test", "_val", "_dev"] where subject.hasSuffix(ending) {
                subject.removeLast(ending.count)
            }
            return (subject, "\(folder)/\(name)")
        }
    }

    private static func rows(_ path: String) throws(TaskError) -> [[String]] {
        var rows: [[String]] = []
        do throws(TrainingFileError) {
            let file = try ChunkedFile(path: path)
            while let row = try CSVRow.read(from: file, limit: RecordReader.maximumBytes) {
                rows.append(row.fields.map { String(decoding: $0, as: UTF8.self) })
            }
        } catch {
            throw TaskError("\(path): \(error)")
        }
        return rows
    }

    private static func documents(
        _ path: String,
        _ layout: Layout
    ) throws(TaskError) -> [JSONObject] {
        var rows = try rows(path)
        var columns = ["question", "A", "B", "C", "D", "answer"]
        if layout != .mmlu, !rows.isEmpty { columns = rows.removeFirst().map { $0.lowercasedLong } }
        var documents: [JSONObject] = []
        for (place, row) in rows.enumerated() {
            guard row.count == columns.count else {
                throw TaskError(
                    "\(path): row \(place + 1) has \(row.count) fields; \(columns.count) are expected."
                )
            }
            documents.append(
                JSONObject(zip(columns, row).map { (key: $0, value: .string($1)) })
            )
        }
        return documents
    }

    /// Subjects' names for people and their groups, from C-Eval's `subject_mapping.json` or
    /// LLaMA-Factory's `mapping.json`.
    private static func subjectNames(
        _ folder: String
    ) -> [String: (name: String?, category: String?)] {
        for file in ["subject_mapping.json", "mapping.json"] {
            guard let bytes = FileManager.default.contents(atPath: "\(folder)/\(file)"),
                let subjects = try? JSONValue(parsing: [UInt8](bytes)).object
            else { continue }
            let pairs = subjects.members.map { subject, value in
                if let list = value.array {
                    // English, Chinese, group.
                    let parts = list.compactMap(\.string)
                    return (subject, (parts.dropFirst().first, parts.dropFirst(2).first))
                }
                return (subject, (value["name"]?.string, value["category"]?.string))
            }
            return Dictionary(pairs) { $1 }
        }
        return [:]
    }
}

extension String {
    /// Lower case, but for the single letters of choices.
    fileprivate var lowercasedLong: String { count > 1 ? lowercased() : self }
}

extension EvaluationTask {
    /// A subject, asked as lm-evaluation-harness asks it, with five examples.
    fileprivate init(
        _ layout: BenchmarkFolder.Layout,
        _ subject: String,
        _ names: (name: String?, category: String?)?,
        documents: [JSONObject],
        examples: [JSONObject]
    ) throws(TaskError) {
        let isEnglish = layout == .mmlu
        let subjectName = names?.name ?? subject.replacingOccurrences(of: "_", with: " ")
        let form = try TaskForm([
            "doc_to_text": .string(
                "{{question.strip()}}\nA. {{A}}\nB. {{B}}\nC. {{C}}\nD. {{D}}\n"
                    + (isEnglish ? "Answer:" : "答案：")
            ),
            "doc_to_target": "{{['A', 'B', 'C', 'D'].index(answer)}}",
            "doc_to_choice": ["A", "B", "C", "D"],
        ])
        name = "\(layout.rawValue)_\(subject)"
        category = names?.category
        outputType = .multipleChoice
        fewshot = min(5, examples.count)
        self.documents = documents
        self.examples = examples
        examplesHoldDocuments = false
        sampler = .first
        self.form = form
        exampleForm = form
        description = .constant(
            .string(
                isEnglish
                    ? "The following are multiple choice questions (with answers) about "
                        + "\(subjectName).\n\n"
                    : "以下是中国关于\(subjectName)的单项选择题，请选出其中的正确答案。\n\n"
            )
        )
        metrics = [TaskMetric(.accuracy)]
        filters = [.none]
        generation = try TaskGeneration(nil, exampleDelimiter: "\n\n")
    }
}
