import ArgumentParser
import Foundation
import InferenceRuntime
import Trainer

/// Options of `facet eval --task`.
struct TaskOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A task: a YAML file in lm-evaluation-harness's form whose data lies in local files, or a "
                + "folder of MMLU, C-Eval or CMMLU (dev, val, test). Repeatable.",
            valueName: "file.yaml|dir"
        ),
        completion: .file()
    )
    var task: [String] = []

    @Option(
        help: ArgumentHelp("Examples before each question, in place of the task's.", valueName: "n")
    )
    var numFewshot: Int?

    @Option(
        help: ArgumentHelp(
            "Write what was asked and answered there, one JSON object per document.",
            valueName: "file"
        )
    )
    var samples: String?

    @Flag(
        inversion: .prefixedNo,
        help: ArgumentHelp(
            "Begin texts with the token the tokenizer puts before them, where it has one. "
                + "lm-evaluation-harness's local-completions does not, unless it is told add_bos_token=True."
        )
    )
    var addBosToken = true

    func validate() throws {
        if let numFewshot, !(0...1000).contains(numFewshot) {
            throw ValidationError("--num-fewshot must be from 0 to 1000.")
        }
    }
}

extension EvalCommand {
    /// Asks every task and prints its numbers.
    func runTasks() async throws {
        guard !predict else { throw ValidationError("--predict is of --data.") }
        do {
            try await askTasks()
        } catch let error as TaskError {
            throw CommandError(error.description)
        }
    }

    private func askTasks() async throws {
        let groups = try tasks.task.map { try read($0) }
        let local = try LocalModel(model: model, adapter: adapter, engine)
        let evaluation = TaskEvaluation(
            TaskModel(local.subject, addsPrefix: tasks.addBosToken),
            concurrency: engine.maxBatch
        )
        let log = try tasks.samples.map { try LineFile($0) }
        let all = groups.flatMap(\.tasks)
        let documents = all.map(\.count).reduce(0, +)
        let progress = ProgressLine("asking")
        var (results, before) = ([TaskEvaluation.Result](), 0)
        for group in groups {
            var subjects: [TaskEvaluation.Result] = []
            for task in group.tasks {
                let done = before
                let result = try await evaluation.result(
                    of: task,
                    show: { progress.show(Double(done + $0) / Double(documents), note: task.name) },
                    log: log.map { log in { try log.write($0.serialized) } }
                )
                before += task.count
                subjects.append(result)
            }
            results += subjects
            guard let name = group.name else { continue }
            for category in Set(subjects.compactMap(\.category)).sorted() {
                let members = subjects.filter { $0.category == category }
                if let joined = TaskEvaluation.Result.joined(members, as: "\(name) (\(category))") {
                    results.append(joined)
                }
            }
            if let joined = TaskEvaluation.Result.joined(subjects, as: name) {
                results.append(joined)
            }
        }
        progress.finish()
        try finish(TaskEvaluation.Result.json(results, model: local.name), results)
    }

    private func finish(_ whole: JSONValue, _ results: [TaskEvaluation.Result]) throws {
        if let output {
            let file = try LineFile(output)
            try file.write(whole.serialized)
        }
        guard !json else { return print(whole.serialized) }
        for result in results {
            print("\(result.name): \(result.documents) documents, \(result.fewshot) examples each")
            print(Self.table(result.numbers))
        }
    }

    /// The tasks of a file, or of a benchmark's folder with the name of their mean.
    private func read(_ path: String) throws -> (tasks: [EvaluationTask], name: String?) {
        var isFolder: ObjCBool = false
        _ = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
        var (found, name): ([EvaluationTask], String?)
        if isFolder.boolValue {
            let benchmark = try BenchmarkFolder(path)
            (found, name) = (benchmark.tasks, benchmark.layout.rawValue)
        } else {
            (found, name) = ([try EvaluationTask(file: path)], nil)
        }
        for place in found.indices {
            if let maxSamples { found[place].limit(to: maxSamples) }
            if let count = tasks.numFewshot { found[place].fewshot = count }
        }
        return (found, name)
    }
}

/// A file that is written line by line.
private final class LineFile {
    private let path: String
    private let handle: FileHandle

    init(_ path: String) throws {
        self.path = path
        guard FileManager.default.createFile(atPath: path, contents: nil),
            let handle = FileHandle(forWritingAtPath: path)
        else {
            throw CommandError("\(path): the file cannot be written.")
        }
        self.handle = handle
    }

    func write(_ line: String) throws {
        do {
            try handle.write(contentsOf: Data((line + "\n").utf8))
        } catch {
            throw CommandError("\(path): the file cannot be written: \(error.localizedDescription)")
        }
    }
}
