import Foundation
import InferenceRuntime
import Storage

/// A job's data: read and encoded once, into its own folder.
extension EngineTrainer {
    /// The encoded data of a job: those in its folder, or the files read anew where there are none
    /// or what they were made from has changed.
    func data(of job: FineTuningJob) async throws(FineTuningError) -> TrainingData {
        let training = try await environment.files.locate(
            job.request.trainingFile,
            tenant: job.tenant
        )
        var validation: TrainingFileLocation?
        if let file = job.request.validationFile {
            validation = try await environment.files.locate(file, tenant: job.tenant)
        }
        // Neither depends on how many examples there are.
        let chosen = job.request.hyperparameters.resolved(examples: 1, seed: job.request.seed)
        let options = EncodingOptions(
            cutoffLength: try room(of: job, chosen).prompt,
            promptLossWeight: Float(chosen.promptLossWeight),
            maskHistory: chosen.maskHistory,
            method: chosen.method
        )
        let encoding = DataEncoding(
            folder: environment.folder(of: job) + "/data",
            reader: DatasetReader(
                encoder: ExampleEncoder(
                    model: environment.base,
                    options: options,
                    now: TemplateClock(seconds: job.created, offset: 0)
                ),
                vocabulary: environment.model.architecture.vocabularySize
            ),
            key: [
                "method": job.request.method.rawValue,
                "cutoff": "\(options.cutoffLength)",
                "prompt_loss_weight": "\(options.promptLossWeight)",
                "mask_history": "\(options.maskHistory)",
                "created": "\(job.created)",
                "model": environment.model.baseHash,
                "encoder": environment.base.encodingIdentity ?? UUID().uuidString,
            ]
        )
        return try await threads.run { [validation] () throws(FineTuningError) in
            try encoding.data(training: training, validation: validation)
        }
    }
}
