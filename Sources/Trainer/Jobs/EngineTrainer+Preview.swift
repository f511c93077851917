import Foundation
public import InferenceRuntime
import Storage

/// What files and jobs would come to, before a job is made.
extension EngineTrainer {
    /// What a job would do; nothing of it is kept.
    public func plan(_ job: FineTuningJob) async throws(FineTuningError) -> JSONObject {
        let plan: JSONObject
        do throws(FineTuningError) {
            plan = try await description(of: job)
        } catch {
            await removeFiles(of: job)
            throw error
        }
        await removeFiles(of: job)
        return plan
    }

    private func description(of job: FineTuningJob) async throws(FineTuningError) -> JSONObject {
        let data = try await data(of: job)
        let start = try await startingAdapter(of: job)?.configuration
        let hyperparameters = try resolve(job, examples: data.training.count, start)
        let plan = try Self.plan(hyperparameters, data)
        return plan.description(
            stage: job.request.method.stage,
            memory: environment.model.weightBytes + (try memory(of: plan, start).total),
            notes: data.notes.map { TrainConfiguration.Note("dataset", $0) } + plan.warningNotes
        )
    }

    /// Some examples of a file as the model would see them.
    /// - Parameter after: So many examples are passed over.
    public func examples(
        of file: TrainingFileLocation,
        after: Int,
        limit: Int
    ) async throws(TrainingFileError) -> ExamplePage {
        let encoders = TrainingMethod.allCases.map { ($0, encoder(for: $0)) }
        let previewer = ExamplePreviewer(
            encoders: Dictionary(uniqueKeysWithValues: encoders),
            tokenizer: environment.base.encoder.tokenizer
        )
        return try await previews.run { () throws(TrainingFileError) in
            let reader = try TrainingFileReader(file)
            var (page, index) = (ExamplePage(), 0)
            while let example = try reader.next() {
                index += 1
                if index <= after { continue }
                if page.examples.count == limit {
                    page.hasMore = true
                    break
                }
                page.examples.append(try previewer.preview(example, index: index))
            }
            return page
        }
    }

    private func encoder(for method: TrainingMethod) -> ExampleEncoder {
        let options = EncodingOptions(
            cutoffLength: min(
                Hyperparameters().cutoffLength,
                environment.model.architecture.contextLength
            ),
            promptLossWeight: 0,
            maskHistory: false,
            method: method
        )
        return ExampleEncoder(
            model: environment.base,
            options: options,
            now: TemplateClock(seconds: UnixTime.now, offset: 0)
        )
    }

    /// Removes what plans have left that a crash cut short.
    static func removePlans(in folder: String) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        for name in names where name.contains(DurableFile.temporaryMark) {
            try? FileManager.default.removeItem(atPath: "\(folder)/\(name)")
        }
    }
}

/// Shows each example as the method sees it that learns from its kind.
private struct ExamplePreviewer: Sendable {
    let encoders: [TrainingMethod: ExampleEncoder]
    let tokenizer: Tokenizer

    func preview(
        _ example: TrainingExample,
        index: Int
    ) throws(TrainingFileError) -> ExamplePreview {
        let method: TrainingMethod =
            switch example.content {
            case .preference: .dpo
            case .feedback: .kto
            case .prompt: .reinforcement
            case .chat, .completion, .text: .supervised
            }
        var texts: [ExampleText] = []
        var isGood: Bool?
        if method == .supervised {
            if let encoded = try encoders[method]?.encode(example) {
                texts.append(ExampleText(encoded, tokenizer))
            }
        } else if let unit = try encoders[method]?.units(example, after: nil).first {
            texts = unit.sequences.map { ExampleText($0, tokenizer) }
            isGood = method == .kto ? unit.label > 0 : nil
        }
        guard let learned = texts.first else {
            throw TrainingFileError(line: example.line, reason: "nothing of it can be shown")
        }
        return ExamplePreview(
            index: index,
            line: example.line,
            learned: learned,
            rejected: method == .dpo ? texts.last : nil,
            isGood: isGood
        )
    }
}
