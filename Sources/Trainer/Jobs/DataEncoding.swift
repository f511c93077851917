import Foundation
import InferenceRuntime

/// The encoded data in a job's folder, with what they were made from: read again at every start,
/// the files only once.
struct DataEncoding: Sendable {
    /// Where they lie.
    let folder: String
    /// Reads the files.
    let reader: DatasetReader
    /// All that the tokens depend on beside the files.
    let key: [String: String]

    /// The data of two files.
    /// - Throws: `FineTuningError` for a file that is not there or not right, or a full disk.
    func data(
        training: TrainingFileLocation,
        validation: TrainingFileLocation?
    ) throws(FineTuningError) -> TrainingData {
        var key = JSONObject(
            self.key.sorted { $0.key < $1.key }.map { (key: $0.key, value: .string($0.value)) }
        )
        key["training"] = try Self.stamp(training, "training_file")
        if let validation { key["validation"] = try Self.stamp(validation, "validation_file") }
        if let data = kept(.object(key)) { return data }
        do {
            try DurableFile.makeFolder(folder)
            let data = try read(training, validation)
            try DurableFile.write(
                Self.manifest(.object(key), data).serializedBytes,
                to: folder + "/manifest.json"
            )
            return data
        } catch {
            // What is half written may have filled the disk.
            try? FileManager.default.removeItem(atPath: folder)
            throw FineTuningError(ending: error)
        }
    }

    private func read(
        _ training: TrainingFileLocation,
        _ validation: TrainingFileLocation?
    ) throws -> TrainingData {
        let learned = try read(training, "training", param: "training_file")
        var (hash, notes) = (learned.hash, learned.notes)
        var measured: any TrainingUnits = [TrainingUnit]()
        if let validation {
            let found = try read(validation, "validation", param: "validation_file")
            measured = found.units
            hash += "+" + found.hash
            notes.append("\(found.units.count) validation examples")
        }
        return try TrainingData(
            training: learned.units,
            validation: measured,
            hash: hash,
            notes: notes
        )
    }

    private func read(
        _ file: TrainingFileLocation,
        _ name: String,
        param: String
    ) throws -> DatasetReader.Found {
        do {
            return try reader.read(file, maximum: nil, into: "\(folder)/\(name)")
        } catch let error as TrainingFileError {
            throw FineTuningError(invalid: error, param: param)
        }
    }

    /// What an earlier start left, if it was made from the same.
    private func kept(_ key: JSONValue) -> TrainingData? {
        guard let bytes = FileManager.default.contents(atPath: folder + "/manifest.json"),
            let manifest = try? JSONValue(parsing: [UInt8](bytes)), manifest["key"] == key,
            let longest = manifest["longest"]?.int, let tokens = manifest["tokens"]?.int,
            let trained = manifest["trained_tokens"]?.int,
            let encodingHash = manifest["encoding_hash"]?.string,
            let hash = manifest["hash"]?.string, let count = manifest["examples"]?.int,
            let measured = manifest["validation_examples"]?.int,
            let training = try? store("training"), training.count == count
        else { return nil }
        var validation: any TrainingUnits = [TrainingUnit]()
        if measured > 0 {
            guard let store = try? store("validation"), store.count == measured else { return nil }
            validation = store
        }
        return TrainingData(
            training: training,
            validation: validation,
            hash: hash,
            notes: manifest["notes"]?.array?.compactMap(\.string) ?? [],
            totals: TrainingData.Totals(
                longest: longest,
                tokens: tokens,
                trainedTokens: trained,
                encodingHash: encodingHash
            )
        )
    }

    private func store(_ name: String) throws -> EncodedUnitStore {
        try EncodedUnitStore(path: "\(folder)/\(name)", vocabulary: reader.vocabulary)
    }

    private static func manifest(_ key: JSONValue, _ data: TrainingData) -> JSONValue {
        [
            "key": key,
            "examples": JSONValue(data.training.count),
            "validation_examples": JSONValue(data.validation.count),
            "longest": JSONValue(data.totals.longest),
            "tokens": JSONValue(data.totals.tokens),
            "trained_tokens": JSONValue(data.totals.trainedTokens),
            "encoding_hash": .string(data.totals.encodingHash),
            "hash": .string(data.hash),
            "notes": .array(data.notes.map(JSONValue.string)),
        ]
    }

    /// What tells one state of a file from another.
    private static func stamp(
        _ file: TrainingFileLocation,
        _ param: String
    ) throws(FineTuningError) -> JSONValue {
        guard FileManager.default.isReadableFile(atPath: file.path),
            let stamp = FileStamp(path: file.path)
        else {
            throw FineTuningError(
                code: "file_not_found",
                message: "The content of '\(file.name)' is not on the disk any more. Upload it "
                    + "again and make a new job.",
                param: param
            )
        }
        let numbers = [stamp.device, stamp.inode, stamp.size] + stamp.modified + stamp.changed
        return .array(numbers.map { JSONValue($0) })
    }
}

extension FineTuningError {
    /// A file that cannot be trained on.
    init(invalid error: TrainingFileError, param: String) {
        self.init(code: "invalid_training_file", message: "\(error)", param: param)
    }
}
