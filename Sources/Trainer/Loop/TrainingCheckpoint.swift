import Foundation
import InferenceRuntime
import Storage

/// Why a checkpoint cannot be used.
package enum TrainingCheckpointError: Error, Hashable {
    /// It cannot be written or read.
    case file(String)
    /// It was made by a run with something else: `what` tells.
    case mismatch(what: String)
}

/// All that a run needs to go on, bit for bit, after the optimizer step it was taken at.
///
/// A folder `step-N` with the adapter as PEFT reads it, `optimizer.safetensors` with the exact
/// values and moments, and `run.json` with the history, the fingerprint and the files' SHA-256.
/// Randomness and order are functions of seed and step, so there is nothing more to keep.
package struct TrainingCheckpoint {
    /// Everything that must be the same for the run to go on, by what a person calls it.
    typealias Fingerprint = [String: String]

    /// The parts of a fingerprint, causes before what they bring about: other data are other
    /// tokens too.
    private static let order = [
        "base model", "compute dtype", "training data", "tokenizer or chat template", "method",
        "grader", "starting adapter", "hyperparameters",
    ]

    /// Optimizer steps done.
    let step: Int
    /// The records of all steps so far.
    let history: [StepRecord]
    /// The folder it lies in.
    let folder: String

    private static let files = [
        "adapter_config.json", "adapter_model.safetensors", "optimizer.safetensors",
    ]

    /// The files of the adapter; a reward model has one more.
    static func adapterFiles(in folder: String) -> [String] {
        let head = "\(folder)/\(ScoreHeadFile.name)"
        return files.dropLast()
            + (FileManager.default.fileExists(atPath: head) ? [ScoreHeadFile.name] : [])
    }

    /// Writes `step-N` below `parent`, whole or not at all; one that is there already stays.
    static func write(
        below parent: String,
        step: Int,
        history: [StepRecord],
        fingerprint: Fingerprint,
        adapter: PEFTAdapterWriter
    ) throws(FileSystemError) -> TrainingCheckpoint {
        let final = "\(parent)/step-\(step)"
        if let whole = read(final), whole.fingerprint == fingerprint { return whole.checkpoint }
        let partial = final + DurableFile.temporaryMark + UUID().uuidString
        do throws(FileSystemError) {
            try fill(partial, step: step, history: history, fingerprint, adapter)
            try? FileManager.default.removeItem(atPath: final)
            try DurableFile.rename(partial, to: final)
        } catch {
            // What is half written may have filled the disk.
            try? FileManager.default.removeItem(atPath: partial)
            throw error
        }
        return TrainingCheckpoint(step: step, history: history, folder: final)
    }

    private static func fill(
        _ folder: String,
        step: Int,
        history: [StepRecord],
        _ fingerprint: Fingerprint,
        _ adapter: PEFTAdapterWriter
    ) throws(FileSystemError) {
        try DurableFile.makeFolder(folder)
        try adapter.state.use { () throws(FileSystemError) in
            try adapter.write(to: folder)
            try writeOptimizer(adapter.state, to: folder + "/optimizer.safetensors")
        }
        var hashes = JSONObject()
        for name in adapterFiles(in: folder) + files.suffix(1) {
            hashes[name] = .string(try FileDigest.sha256(of: folder + "/" + name))
        }
        let prints = fingerprint.sorted { $0.key < $1.key }
        let manifest: JSONObject = [
            "step": JSONValue(step),
            "fingerprint": .object(
                JSONObject(prints.map { (key: $0.key, value: .string($0.value)) })
            ),
            "sha256": .object(hashes),
            "history": .array(history.map(\.json)),
        ]
        try DurableFile.write(
            JSONValue.object(manifest).serializedBytes,
            to: folder + "/run.json"
        )
    }

    /// The newest whole checkpoint below `parent`; what is damaged or unfinished is passed over.
    static func newest(below parent: String) -> TrainingCheckpoint? {
        for step in steps(below: parent).sorted(by: >) {
            if let checkpoint = read("\(parent)/step-\(step)") { return checkpoint.checkpoint }
        }
        return nil
    }

    /// Removes the checkpoints of the steps that `isSurplus` names.
    static func remove(below parent: String, where isSurplus: (Int) -> Bool) {
        for step in steps(below: parent) where isSurplus(step) {
            try? FileManager.default.removeItem(atPath: "\(parent)/step-\(step)")
        }
    }

    /// Removes what a process that died while it saved left behind.
    static func removeUnfinished(below parent: String) {
        for name in names(in: parent) where name.contains(DurableFile.temporaryMark) {
            try? FileManager.default.removeItem(atPath: "\(parent)/\(name)")
        }
    }

    private static func names(in folder: String) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    }

    private static func steps(below parent: String) -> [Int] {
        names(in: parent).compactMap { name in
            name.hasPrefix("step-") ? Int(name.dropFirst("step-".count)) : nil
        }
    }

    /// Loads values and moments, after the fingerprint has been compared.
    func restore(
        _ state: TrainingState,
        fingerprint: Fingerprint
    ) throws(TrainingCheckpointError) {
        guard let (_, stored) = Self.read(folder) else {
            throw .file("The checkpoint \(folder) is damaged.")
        }
        let differing = Self.order.first { what in
            !Self.agree(what, stored: stored[what], fingerprint[what])
        }
        if let what = differing {
            throw .mismatch(what: what)
        }
        let file: SafetensorsFile
        do throws(CheckpointError) {
            file = try SafetensorsFile(path: folder + "/optimizer.safetensors")
        } catch {
            throw .file("\(error)")
        }
        try state.use { () throws(TrainingCheckpointError) in
            for (name, buffer) in Self.buffers(state) {
                guard let tensor = file[name], tensor.type == .f32, tensor.count == buffer.count
                else { throw .file("The checkpoint \(folder) has no fitting \(name).") }
                UnsafeMutableRawBufferPointer(buffer).copyMemory(from: tensor.bytes)
            }
            state.parametersDidChange()
        }
    }

    private static func buffers(
        _ state: TrainingState
    ) -> [(name: String, values: UnsafeMutableBufferPointer<Float>)] {
        [
            ("values", state.parameters.values.elements),
            ("exp_avg", state.firstMoments.values.elements),
            ("exp_avg_sq", state.secondMoments.values.elements),
        ]
    }

    private static func writeOptimizer(
        _ state: TrainingState,
        to path: String
    ) throws(FileSystemError) {
        var file = SafetensorsWriter<FileSystemError>(metadata: [])
        for (name, values) in buffers(state) {
            let entry = SafetensorsWriter<FileSystemError>.Entry(
                name: name,
                type: .f32,
                shape: [values.count]
            )
            file.append([entry]) { (sink) throws(FileSystemError) in
                try sink(UnsafeRawBufferPointer(values))
            }
        }
        try DurableFile.write(to: path) { output throws(FileSystemError) in
            try file.write(to: output)
        }
    }

    /// A checkpoint and its fingerprint; `nil` where it is not there or damaged.
    static func read(
        _ folder: String
    ) -> (checkpoint: TrainingCheckpoint, fingerprint: Fingerprint)? {
        guard let bytes = FileManager.default.contents(atPath: folder + "/run.json"),
            let manifest = try? JSONValue(parsing: [UInt8](bytes)),
            let step = manifest["step"]?.int,
            let history = manifest["history"]?.array
        else { return nil }
        let known = files + [ScoreHeadFile.name]
        for name in known where files.contains(name) || manifest["sha256"]?[name] != nil {
            guard let expected = manifest["sha256"]?[name]?.string,
                (try? FileDigest.sha256(of: folder + "/" + name)) == expected
            else { return nil }
        }
        let records = history.compactMap(StepRecord.init)
        guard records.count == history.count, records.count == step else { return nil }
        let members = manifest["fingerprint"]?.object?.members ?? []
        let prints = members.compactMap { member in
            member.value.string.map { (member.key, $0) }
        }
        return (
            TrainingCheckpoint(step: step, history: records, folder: folder),
            Dictionary(prints) { $1 }
        )
    }
}
