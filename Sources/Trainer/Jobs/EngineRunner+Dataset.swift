import AdapterStore
import Foundation
import InferenceRuntime
import Storage

extension EngineRunner {
    /// Reads and encodes a job's files.
    /// - Parameter cutoff: The resolved hyperparameters; `nil` counts examples before anything is
    ///   resolved.
    func dataset(
        of job: FineTuningJob,
        cutoff hyperparameters: Hyperparameters?
    ) async throws(FineTuningError) -> TrainingData {
        let chosen =
            hyperparameters
            ?? job.request.hyperparameters.resolved(
                examples: 1,
                seed: job.request.seed
            )
        let encoder = encoder(chosen, job)
        let training = try await environment.files.locate(
            job.request.trainingFile,
            tenant: job.tenant
        )
        var validation: TrainingFileLocation?
        if let file = job.request.validationFile {
            validation = try await environment.files.locate(file, tenant: job.tenant)
        }
        return try await threads.run { [validation] () throws(FineTuningError) in
            try Self.read(training: training, validation: validation, encoder)
        }
    }

    private func encoder(_ hyperparameters: Hyperparameters, _ job: FineTuningJob) -> ExampleEncoder
    {
        let context = environment.model.architecture.contextLength
        return ExampleEncoder(
            model: environment.exampleModel,
            options: EncodingOptions(
                cutoffLength: min(hyperparameters.cutoffLength, context),
                promptLossWeight: Float(hyperparameters.promptLossWeight),
                maskHistory: hyperparameters.maskHistory
            ),
            now: TemplateClock(seconds: job.created, offset: 0)
        )
    }

    /// Reads the files; examples without a trained token are left out.
    static func read(
        training: TrainingFileLocation,
        validation: TrainingFileLocation?,
        _ encoder: ExampleEncoder
    ) throws(FineTuningError) -> TrainingData {
        let examples = try encode(training, encoder, param: "training_file")
        var notes = examples.notes
        var measured: [LabelledExample] = []
        var hash = try fileHash(training.path)
        if let validation {
            measured = try encode(validation, encoder, param: "validation_file").examples
            hash += "+" + (try fileHash(validation.path))
            notes.append("\(measured.count) validation examples")
        }
        return TrainingData(
            training: examples.examples,
            validation: measured,
            hash: hash,
            notes: notes
        )
    }

    private static func encode(
        _ file: TrainingFileLocation,
        _ encoder: ExampleEncoder,
        param: String
    ) throws(FineTuningError) -> (examples: [LabelledExample], notes: [String]) {
        guard FileManager.default.isReadableFile(atPath: file.path) else {
            throw FineTuningError(
                code: "file_not_found",
                message: "The content of '\(file.name)' is not on the disk any more. Upload it "
                    + "again and make a new job.",
                param: param
            )
        }
        do throws(TrainingFileError) {
            let reader = try TrainingFileReader(path: file.path, name: file.name)
            var examples: [LabelledExample] = []
            var (read, untrained, cut) = (0, 0, 0)
            while let example = try reader.next() {
                read += 1
                for encoded in try encoder.pieces(example) {
                    if encoded.fullLength > encoded.tokens.count { cut += 1 }
                    if encoded.trainedTokens == 0 {
                        untrained += 1
                    } else {
                        examples.append(LabelledExample(example: encoded, line: example.line))
                    }
                }
            }
            guard !examples.isEmpty else {
                throw TrainingFileError(
                    line: nil,
                    reason: "no example has a trained token within the cut-off"
                )
            }
            var notes: [String] = []
            if untrained > 0 {
                notes.append(
                    "\(untrained) of \(read) examples have no trained token and are left out."
                )
            }
            if cut > 0 {
                notes.append("\(cut) of \(read) examples are longer than the cut-off and are cut.")
            }
            return (examples, notes)
        } catch {
            throw FineTuningError(
                code: "invalid_training_file",
                message: "\(error)",
                param: param
            )
        }
    }

    /// SHA-256 of a file.
    private static func fileHash(_ path: String) throws(FineTuningError) -> String {
        do throws(CheckpointError) {
            let file = try MemoryMappedFile(path: path)
            return withExtendedLifetime(file) { SHA256.hex(of: file.bytes) }
        } catch {
            throw FineTuningError(code: "file_not_found", message: "\(error)")
        }
    }
}
