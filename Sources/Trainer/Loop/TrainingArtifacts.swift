import Foundation
import InferenceRuntime

/// The files LLaMA-Factory users look for after a run, written into its folder.
///
/// `trainer_log.jsonl` has one line per optimizer step; apart from the times it is the same for a
/// run that was interrupted and one that was not.
struct TrainingArtifacts: Sendable {
    /// The run's folder.
    let folder: String

    /// Writes the files that sum up a run from its history.
    func write(_ history: [StepRecord], seconds: Double) throws(FileSystemError) {
        try DurableFile.write(Array(resultsCSV(history).utf8), to: folder + "/results.csv")
        try DurableFile.write(
            JSONValue.object(Self.trainerState(history)).serializedBytes,
            to: folder + "/trainer_state.json"
        )
        try writeResults(history, seconds: seconds)
        try DurableFile.write(Array(LossPlot(history).svg.utf8), to: folder + "/training_loss.svg")
    }

    /// Writes the results so far: a run that goes on later adds its time to theirs.
    func writeResults(_ history: [StepRecord], seconds: Double) throws(FileSystemError) {
        try DurableFile.write(
            JSONValue.object(Self.results(history, seconds: seconds)).serializedBytes,
            to: folder + "/all_results.json"
        )
    }

    /// Seconds that earlier parts of the run have trained.
    var earlierSeconds: Double {
        let bytes = FileManager.default.contents(atPath: folder + "/all_results.json")
        let results = bytes.flatMap { try? JSONValue(parsing: [UInt8]($0)) }
        return max(0, results?["train_runtime"]?.double ?? 0)
    }

    /// OpenAI's result file, one line per optimizer step; a method's own metrics follow its four.
    func resultsCSV(_ history: [StepRecord]) -> String {
        let columns = [
            ("train_loss", StepRecord.lossName), ("train_accuracy", StepRecord.accuracyName),
            ("valid_loss", "valid_loss"),
            ("valid_mean_token_accuracy", "valid_mean_token_accuracy"),
        ]
        let all = history.flatMap { ($0.metrics + $0.validation).map(\.name) }
        var names = columns.map(\.1)
        for name in Set(all).subtracting(names).sorted() { names.append(name) }
        let head = columns.map(\.0) + names.dropFirst(columns.count)
        var text = "step," + head.joined(separator: ",") + "\n"
        for record in history {
            let values = names.map { name in record[name].map { "\($0)" } ?? "" }
            text += "\(record.step)," + values.joined(separator: ",") + "\n"
        }
        return text
    }

    /// A line of `trainer_log.jsonl`, in LLaMA-Factory's keys.
    static func logLine(_ record: StepRecord, seconds: Double, startStep: Int) -> String {
        let done = max(1, record.step - startStep)
        let remaining = seconds / Double(done) * Double(record.totalSteps - record.step)
        var line: JSONObject = [
            "current_steps": JSONValue(record.step),
            "total_steps": JSONValue(record.totalSteps),
            "loss": JSONValue(record.loss),
        ]
        if let accuracy = record.accuracy { line["accuracy"] = JSONValue(accuracy) }
        line["lr"] = JSONValue(record.learningRate)
        line["grad_norm"] = JSONValue(record.gradientNorm)
        line["epoch"] = JSONValue(record.epoch)
        line["percentage"] = JSONValue(100 * Double(record.step) / Double(record.totalSteps))
        line["total_tokens"] = JSONValue(record.readTokens)
        if let validLoss = record.validLoss { line["eval_loss"] = JSONValue(validLoss) }
        for (name, value) in evaluated(record) { line[name] = value }
        let shared = [StepRecord.lossName, StepRecord.accuracyName]
        for metric in record.metrics where !shared.contains(metric.name) {
            line[metric.name] = JSONValue(metric.value)
        }
        line["elapsed_time"] = .string(clock(seconds))
        line["remaining_time"] = .string(clock(remaining))
        return JSONValue.object(line).serialized + "\n"
    }

    private static func trainerState(_ history: [StepRecord]) -> JSONObject {
        let log = history.map { record -> JSONValue in
            .object([
                "epoch": JSONValue(record.epoch), "grad_norm": JSONValue(record.gradientNorm),
                "learning_rate": JSONValue(record.learningRate), "loss": JSONValue(record.loss),
                "step": JSONValue(record.step),
            ])
        }
        return [
            "epoch": JSONValue(history.last?.epoch ?? 0),
            "global_step": JSONValue(history.last?.step ?? 0),
            "is_world_process_zero": true,
            "log_history": .array(log),
            "max_steps": JSONValue(history.last?.totalSteps ?? 0),
            "num_input_tokens_seen": JSONValue(history.last?.readTokens ?? 0),
        ]
    }

    private static func results(_ history: [StepRecord], seconds: Double) -> JSONObject {
        let mean = history.map(\.loss).reduce(0, +) / Double(max(1, history.count))
        var results: JSONObject = [
            "epoch": JSONValue(history.last?.epoch ?? 0),
            "train_loss": JSONValue(mean),
            "train_runtime": JSONValue(seconds),
            "train_steps_per_second": JSONValue(Double(history.count) / max(seconds, 1e-9)),
        ]
        if let last = history.last(where: { $0.validLoss != nil }) {
            results["eval_loss"] = last.validLoss.map { JSONValue($0) } ?? .null
            results["eval_accuracy"] = last.validAccuracy.map { JSONValue($0) } ?? .null
            for (name, value) in evaluated(last) { results[name] = value }
        }
        return results
    }

    /// What a method of its own has measured on the validation data, by transformers' names.
    private static func evaluated(_ record: StepRecord) -> [(name: String, value: JSONValue)] {
        let shared = ["valid_loss", "valid_mean_token_accuracy"]
        return record.validation.filter { !shared.contains($0.name) }.map { metric in
            ("eval_" + metric.name.dropFirst("valid_".count), JSONValue(metric.value))
        }
    }

    /// `1:02:03`, as LLaMA-Factory writes times.
    private static func clock(_ seconds: Double) -> String {
        let whole = Int(min(max(0, seconds), 1e9))
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(whole / 3600):\(two(whole / 60 % 60)):\(two(whole % 60))"
    }
}
