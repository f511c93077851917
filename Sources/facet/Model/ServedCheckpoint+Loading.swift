import API
import Foundation
import InferenceRuntime

extension ServedCheckpoint {
    /// Loads what `--model` names, with progress on the terminal.
    static func load(
        _ reference: String,
        name: String?,
        _ options: EngineOptions,
        pool: ThreadPool
    ) throws -> ServedCheckpoint {
        let folder = try folder(reference)
        let line = ProgressLine("loading \(reference)")
        defer { line.finish() }
        let checkpoint = try ServedCheckpoint(
            folder: folder,
            name: name,
            templateFile: options.chatTemplate,
            compute: options.computeDtype,
            base: options.baseDtype,
            pool: pool
        ) { line.show($0.fraction) }
        if let wanted = options.baseDtype, wanted != checkpoint.model.base {
            throw CommandError(
                "--base-dtype \(wanted.rawValue): \(reference) is quantized to NF4 and stays so."
            )
        }
        return checkpoint
    }

    /// The folder that `--model` names.
    static func folder(_ reference: String) throws -> String {
        let cache = ModelCache(environment: ProcessInfo.processInfo.environment)
        do throws(HubError) {
            return try ModelReference.resolve(reference, in: cache)
        } catch {
            throw CommandError("\(error)")
        }
    }
}

/// A sentence for the one who typed the command.
struct CommandError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
